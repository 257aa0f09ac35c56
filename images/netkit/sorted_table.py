"""Sorted tables of LevelDB, the form of TensorFlow's index files: keys with their values, nothing in them trusted."""

from typing import Iterator, Tuple

from netkit.crc32c import crc32c, unmasked
from netkit.malformed import Malformed
from netkit.wire_format import varint

MAX_BYTES = 1 << 26
"""Largest file that is read: an index names tensors, some hundred bytes each."""

_MAX_ENTRIES = 100_000
_MAX_KEY_BYTES = 1024
_MAX_INFLATED = 1 << 27
_MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
_FOOTER_BYTES = 48
_TRAILER_BYTES = 5
_PLAIN, _SNAPPY = 0, 1


def table_entries(raw: bytes) -> Iterator[Tuple[bytes, bytes]]:
    """Yield the keys of a table in their order, each with its value.

    Raises:
        Malformed: Where it is no table, or damaged: every block has a checksum.
    """
    if len(raw) < _FOOTER_BYTES or raw[-8:] != _MAGIC:
        raise Malformed("it does not end as a table does")
    end = len(raw) - _FOOTER_BYTES
    _offset, _size, place = _handle(raw[end:], 0)
    offset, size, _place = _handle(raw[end:], place)
    blocks = [_handle(handle, 0)[:2] for _key, handle in _block_entries(_block(raw[:end], offset, size))]
    before, inflated, last, count = 0, 0, None, 0
    for offset, size in blocks:
        if offset < before:
            raise Malformed("its blocks overlap")
        before = offset + size + _TRAILER_BYTES
        content = _block(raw[:end], offset, size)
        inflated += len(content)
        if inflated > _MAX_INFLATED:
            raise Malformed("its blocks have more than %d bytes" % _MAX_INFLATED)
        for key, value in _block_entries(content):
            count += 1
            if (last is not None and key <= last) or count > _MAX_ENTRIES:
                raise Malformed("its keys are not in order, or too many")
            last = key
            yield key, value


def _handle(raw: bytes, place: int) -> Tuple[int, int, int]:
    """Return offset and size of a block, and the place behind them."""
    offset, place = varint(raw, place)
    size, place = varint(raw, place)
    return offset, size, place


def _block(raw: bytes, offset: int, size: int) -> bytes:
    if offset + size + _TRAILER_BYTES > len(raw):
        raise Malformed("a block in it reaches beyond its end")
    end = offset + size
    if crc32c(raw[offset : end + 1]) != unmasked(int.from_bytes(raw[end + 1 : end + _TRAILER_BYTES], "little")):
        raise Malformed("a block in it does not have its checksum")
    if raw[end] == _PLAIN:
        return raw[offset:end]
    if raw[end] == _SNAPPY:
        return inflated_snappy(raw[offset:end])
    raise Malformed("a block in it is compressed in an unknown way")


def _block_entries(block: bytes) -> Iterator[Tuple[bytes, bytes]]:
    """Yield the entries of a block: each key says how much of the one before it begins with."""
    if len(block) < 4:
        raise Malformed("a block in it is too short")
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise Malformed("a block in it is too short")
    entries, place, key = block[:end], 0, b""
    while place < end:
        shared, place = varint(entries, place)
        own, place = varint(entries, place)
        length, place = varint(entries, place)
        if shared > len(key) or shared + own > _MAX_KEY_BYTES or own + length > end - place:
            raise Malformed("an entry in it reaches beyond its block, or has too long a key")
        key = key[:shared] + entries[place : place + own]
        place += own
        yield key, entries[place : place + length]
        place += length


def inflated_snappy(raw: bytes) -> bytes:
    """Return what bytes in the form of Snappy stand for.

    Raises:
        Malformed: Where they are not in that form, or not as long as they say.
    """
    size, place = varint(raw, 0)
    if size > 64 * len(raw):
        raise Malformed("a block in it says to be larger than it can be")
    found = bytearray()
    while place < len(raw):
        tag = raw[place]
        place += 1
        if tag & 3 == 0:
            length, place = _literal_length(raw, place, tag >> 2)
            if length > len(raw) - place:
                raise Malformed("a block in it ends in the middle")
            found += raw[place : place + length]
            place += length
        else:
            length, back, place = _copied(raw, place, tag)
            if not 0 < back <= len(found):
                raise Malformed("a block in it copies what is not there")
            pattern = found[-back:][:length]
            found += (pattern * (length // len(pattern) + 1))[:length]
        if len(found) > size:
            break
    if len(found) != size:
        raise Malformed("a block in it is not as long as it says")
    return bytes(found)


def _literal_length(raw: bytes, place: int, code: int) -> Tuple[int, int]:
    if code < 60:
        return code + 1, place
    width = code - 59
    return int.from_bytes(_exactly(raw, place, width), "little") + 1, place + width


def _copied(raw: bytes, place: int, tag: int) -> Tuple[int, int, int]:
    """Return length and distance of a copy, and the place behind it."""
    if tag & 3 == 1:
        return (tag >> 2 & 7) + 4, tag >> 5 << 8 | _exactly(raw, place, 1)[0], place + 1
    width = 2 if tag & 3 == 2 else 4
    return (tag >> 2) + 1, int.from_bytes(_exactly(raw, place, width), "little"), place + width


def _exactly(raw: bytes, place: int, count: int) -> bytes:
    found = raw[place : place + count]
    if len(found) != count:
        raise Malformed("a block in it ends in the middle")
    return found
