"""Inputs that differ a little from others: by bytes, by members of a zip file, by operations of a pickle."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import pickletools
import random
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

ODD_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)
ODD_TEXTS = (b"", b"\0", b"-1", b"1e999", b"nan", b"null", b"{}", b"[]", b'"', b"../x", b"\xff\xfe", b"\xf0\x9f")
ODD_VALUES = ("null", "true", "0", "-1", "0.5", "1e999", "NaN", "-Infinity", "9007199254740993", "9" * 400)
ODD_VALUES += ("[]", "{}", "[null]", "[[]]", "[1, 2]", '{"a": {"b": 1}}')
ODD_VALUES += ('""', '"7"', '"-9"', '"../x"', '"\\ud800"', '"\\u0000"', '"' + "x" * 5000 + '"')
ODD_NAMES = ("", "a", "schema", "sirr", "__class__", "self", "../x", "\ud800")
LARGEST = 1 << 16


def changed_bytes(data: bytes, rng: random.Random) -> bytes:
    """Return other bytes: one to four small changes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_CHANGES)(changed, rng)
    return bytes(changed[:LARGEST])


def changed_zip(data: bytes, rng: random.Random, member: Callable[[str, bytes, random.Random], bytes]) -> bytes:
    """Return a zip file of which one member was changed, renamed, doubled or left out; bytes of what is none.

    Args:
        member: Returns other content for a member of a name.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    except Exception:  # what a mutation before this one has broken
        return changed_bytes(data, rng)
    if not members or rng.random() < 0.1:
        return changed_bytes(data, rng)
    place = rng.randrange(len(members))
    name, content, way = members[place]
    what = rng.random()
    if what < 0.7:
        members[place] = (name, member(name, content, rng), way)
    elif what < 0.8:
        members[place] = (changed_bytes(name.encode(), rng).decode("latin-1").replace("\0", "_") or "_", content, way)
    elif what < 0.9:
        members.append((rng.choice(members)[0], content, way))
    else:
        del members[place]
    return zipped(members)


def zipped(members: Sequence[tuple[str, bytes, int]]) -> bytes:
    """Return a zip file of members: name, content, way of compression."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content, way in members:
            info = zipfile.ZipInfo(name[:200])
            info.compress_type = way
            _add(archive, info, content)
    return stream.getvalue()


def changed_pickle(data: bytes, rng: random.Random) -> bytes:
    """Return a pickle of which an operation was changed, moved, doubled or left out; bytes of what is none."""
    parts = _operations(data)
    if len(parts) < 2 or rng.random() < 0.15:
        return changed_bytes(data, rng)
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(parts))
        what = rng.random()
        if what < 0.4:
            parts[place] = parts[place][:1] + changed_bytes(parts[place][1:], rng)[:300]
        elif what < 0.6:
            parts.insert(place, rng.choice(parts))
        elif what < 0.75:
            parts[place] = rng.choice(_OPERATIONS)
        elif what < 0.9 and len(parts) > 1:
            del parts[place]
        else:
            other = rng.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
    return b"".join(parts)


def changed_json(data: bytes, rng: random.Random) -> bytes:
    """Return a JSON text of which a value was changed, moved, doubled or left out; bytes of what is none."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return changed_bytes(data, rng)
    if rng.random() < 0.15:
        return changed_bytes(data, rng)
    holder = {"": value}
    for _ in range(rng.randint(1, 2)):
        places = list(_places(holder))
        group, key = rng.choice(places)
        what = rng.random()
        if what < 0.6:
            group[key] = json.loads(rng.choice(ODD_VALUES))
        elif what < 0.75:
            group[key] = copy.deepcopy(rng.choice(places)[0])
        elif what < 0.85 and isinstance(group, dict):
            group[rng.choice(ODD_NAMES)] = group[key]
        elif holder[""] is not group[key]:
            del group[key]
    return json.dumps(holder[""]).encode()


def deep_json(rng: random.Random) -> bytes:
    """Return a JSON text of many levels."""
    depth = rng.choice((100, 1_000, 20_000))
    return b"[" * depth + b"]" * depth


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every group of a JSON value with each of its keys."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _operations(data: bytes) -> list[bytes]:
    places: list[int] = []
    with contextlib.suppress(Exception):  # where it is broken from there on, the rest is one part
        places.extend(place for _code, _argument, place in pickletools.genops(data) if place is not None)
    ends = [*places[1:], len(data)][: len(places)]
    return [data[begin:end] for begin, end in zip(places, ends, strict=True)]


def _add(archive: zipfile.ZipFile, info: zipfile.ZipInfo, content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice, which is the point
        archive.writestr(info, content)


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _replace(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _number(data: bytearray, rng: random.Random) -> None:
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice(ODD_NUMBERS) & ((1 << 8 * size) - 1)
    place = rng.randint(0, max(0, len(data) - size))
    data[place : place + size] = value.to_bytes(size, rng.choice(("little", "big")))


def _text(data: bytearray, rng: random.Random) -> None:
    place = rng.randint(0, len(data))
    data[place:place] = rng.choice(ODD_TEXTS)


def _cut(data: bytearray, rng: random.Random) -> None:
    begin = rng.randint(0, len(data))
    del data[begin : begin + rng.choice((1, 2, 4, 16, 256, len(data)))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    begin = rng.randint(0, len(data))
    part = data[begin : begin + rng.choice((1, 2, 8, 64))]
    data[begin:begin] = part * rng.choice((1, 2, 8, 64))


def _move(data: bytearray, rng: random.Random) -> None:
    begin, target = rng.randint(0, len(data)), rng.randint(0, len(data))
    part = bytes(data[begin : begin + rng.choice((1, 4, 16))])
    data[target : target + len(part)] = part


_CHANGES = (_flip, _replace, _number, _text, _cut, _repeat, _move)
_OPERATIONS = (b"(", b".", b"0", b"1", b"2", b"N", b"}", b"]", b")", b"R", b"b", b"Q", b"t", b"l", b"\x85", b"\x86")
_OPERATIONS += (
    b"s",
    b"u",
    b"a",
    b"e",
    b"h\0",
    b"q\0",
    b"K\xff",
    b"\x94",
    b"\x93",
    b"\x81",
    b"\x8a\x01\xff",
    b"cos\nsystem\n",
)
