"""EXIF data of a result: that of its photograph, without the small picture that shows what the photograph was."""

import struct

_PREFIX = b"Exif\0\0"
_ORDERS = {b"II": "<", b"MM": ">"}
_ENTRY_BYTES = 12


def without_thumbnail(exif: bytes) -> bytes:
    """Return EXIF data whose directory of the thumbnail is not reached; data that is damaged comes back as it is.

    Source: CIPA DC-008 (EXIF 2.3), 4.5: directory 1 is that of the thumbnail, and directory 0 ends with its place.
    """
    start = len(_PREFIX) if exif.startswith(_PREFIX) else 0
    order = _ORDERS.get(exif[start : start + 2])
    if order is None:
        return exif
    try:
        (first,) = struct.unpack_from(order + "I", exif, start + 4)
        (count,) = struct.unpack_from(order + "H", exif, start + first)
        end = start + first + 2 + _ENTRY_BYTES * count
        struct.unpack_from("I", exif, end)
    except struct.error:
        return exif
    return exif[:end] + bytes(4) + exif[end + 4 :]
