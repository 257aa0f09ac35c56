"""Messages of Protocol Buffers as numbered fields, every length held against the bytes that are there."""

from typing import Iterator, Tuple, Union

from netkit.malformed import Malformed

_MAX_VARINT_BYTES = 10
_WIDTHS = {1: 8, 5: 4}


def varint(raw: bytes, place: int) -> Tuple[int, int]:
    """Return a number of variable length, at most 64 bits, and the place behind it.

    Raises:
        Malformed: Where it has no end.
    """
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        if place + count >= len(raw):
            raise Malformed("it ends in the middle of a number")
        byte = raw[place + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value & (1 << 64) - 1, place + count + 1
    raise Malformed("a number in it has no end")


def fields(raw: bytes) -> Iterator[Tuple[int, Union[int, bytes]]]:
    """Yield each field of a message by its number: whole numbers (unsigned), or the bytes of what is longer.

    Raises:
        Malformed: Where it is no such message.
    """
    place = 0
    while place < len(raw):
        tag, place = varint(raw, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = varint(raw, place)
            yield number, value
            continue
        if kind == 2:
            size, place = varint(raw, place)
        elif kind in _WIDTHS:
            size = _WIDTHS[kind]
        else:
            raise Malformed("a field in it is of an unknown kind")
        if size > len(raw) - place:
            raise Malformed("it ends in the middle of a field")
        found = raw[place : place + size]
        place += size
        yield number, found if kind == 2 else int.from_bytes(found, "little")


def signed(value: int) -> int:
    """Return a field's 64 bits as a number with a sign."""
    return value - (1 << 64) if value >> 63 else value
