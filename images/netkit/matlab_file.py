"""Files of MATLAB, versions 5 to 7, taken apart: one variable of cells, structures, numbers and texts.

Nothing that such a file says of sizes is believed before it was held against its bytes.

A structure is a dictionary, an array of them a list of dictionaries; cells are a list; numbers are an array of the type
that the file keeps them in; a text is a text. What is none of these, such as a function or an object, is None.
"""

import math
import zlib
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from netkit.malformed import Malformed

MAX_BYTES = 1 << 30
"""Largest variable that is read; the layers of MatConvNet's VGG-19 have 575 million bytes."""

_HEADER_BYTES = 128
_BEGIN_BYTES = 1 << 12
"""In which an array's kind, sizes and name lie."""

_CHUNK_BYTES = 1 << 20
_MAX_ARRAYS = 100_000
_MAX_AXES = 32
_MAX_DEPTH = 20
_TEXT_OF_NAMES, _WHOLE, _FLAGS, _MATRIX, _COMPRESSED = 1, 5, 6, 14, 15
_CELL, _STRUCTURE, _TEXT = 1, 2, 4
_NUMBERS = range(6, 16)
_COMPLEX = 0x0800

_Bytes = Union[bytes, bytearray, memoryview]

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}


def read_variable(path: str, name: str) -> Any:
    """Return a variable of a file.

    Raises:
        Malformed: Where the file is none, has no such variable, or says of itself what its bytes do not hold.
        OSError: Where it cannot be read.
    """
    with open(path, "rb") as stream:
        order = _byte_order(stream.read(_HEADER_BYTES))
        for _ in range(_MAX_ARRAYS):
            tag = stream.read(8)
            if not tag:
                break
            kind, size = _number(tag[:4], order), _number(tag[4:], order)
            place = stream.tell()
            if kind in (_MATRIX, _COMPRESSED):
                begin = stream.read(min(size, _BEGIN_BYTES))
                if _name_of(begin, order, compressed=kind == _COMPRESSED) == name:
                    stream.seek(place)
                    content = _inflated(stream, size, order) if kind == _COMPRESSED else _whole(stream, size)
                    return _Reader(order).array(memoryview(content), 0)
            stream.seek(place + size)
    raise Malformed("it has no variable '%s'" % name)


def _byte_order(header: bytes) -> str:
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if len(header) != _HEADER_BYTES or order is None:
        raise Malformed("it does not begin as MATLAB's files of version 5 do")
    return order


def _number(raw: _Bytes, order: str) -> int:
    if len(raw) != 4:
        raise Malformed("it ends in the middle")
    return int.from_bytes(raw, "little" if order == "<" else "big")


def _chunks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield so many bytes, a few at a time: no more is reserved than there are."""
    while size:
        chunk = stream.read(min(size, _CHUNK_BYTES))
        if not chunk:
            raise Malformed("it ends in the middle")
        yield chunk
        size -= len(chunk)


def _whole(stream: BinaryIO, size: int) -> bytearray:
    if size > MAX_BYTES:
        raise Malformed("a variable in it has %d bytes" % size)
    content = bytearray()
    for chunk in _chunks(stream, size):
        content += chunk
    return content


def _inflated(stream: BinaryIO, size: int, order: str) -> bytearray:
    """Return the content of the one array that is compressed in so many bytes."""
    engine, content, wanted = zlib.decompressobj(), bytearray(), MAX_BYTES
    for chunk in _chunks(stream, size):
        waiting = chunk
        while waiting:
            content += _some(engine, waiting, _CHUNK_BYTES)
            waiting = engine.unconsumed_tail
            if wanted == MAX_BYTES and len(content) >= 8:
                wanted = 8 + _number(content[4:8], order)
            if len(content) > min(wanted, MAX_BYTES):
                raise Malformed("a variable in it is longer than it says, or than any that is read")
    if not engine.eof or len(content) != wanted or _number(content[:4], order) != _MATRIX:
        raise Malformed("a variable in it is not as long as it says")
    del content[:8]
    return content


def _some(engine: Any, compressed: bytes, most: int) -> bytes:
    try:
        found: bytes = engine.decompress(compressed, most)
    except zlib.error as error:
        raise Malformed("a variable in it is not compressed as it says (%s)" % error) from error
    return found


def _name_of(begin: bytes, order: str, *, compressed: bool) -> Optional[str]:
    """Return the name of the variable that begins with these bytes; None where it has none."""
    try:
        content = _some(zlib.decompressobj(), begin, _BEGIN_BYTES)[8:] if compressed else begin
        return _Elements(memoryview(content), order).head().name
    except Malformed:
        return None


class _Head(NamedTuple):
    """What an array says of itself."""

    kind: int
    is_complex: bool
    shape: Tuple[int, ...]
    name: str


class _Elements:
    """The elements of an array one after the other: each is a type, a size, and bytes up to a multiple of 8."""

    def __init__(self, view: memoryview, order: str) -> None:
        self._view = view
        self._order = order
        self._place = 0

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return len(self._view) - self._place

    def take(self) -> Tuple[int, memoryview]:
        """Return type and bytes of the next element."""
        first = _number(self._view[self._place : self._place + 4], self._order)
        kind, size = first & 0xFFFF, first >> 16
        begin = self._place + 4
        if not size:
            size = _number(self._view[begin : begin + 4], self._order)
            begin += 4
        elif size > 4:
            raise Malformed("a short element in it has %d bytes" % size)
        if size > len(self._view) - begin:
            raise Malformed("an element in it reaches beyond its end")
        self._place = min(len(self._view), begin + size + -(begin + size - self._place) % 8)
        return kind, self._view[begin : begin + size]

    def only(self, kind: int) -> memoryview:
        """Return the bytes of the next element, which must be of a type."""
        found, content = self.take()
        if found != kind:
            raise Malformed("an element in it is of type %d and should be of type %d" % (found, kind))
        return content

    def whole_numbers(self, kind: int) -> List[int]:
        """Return the next element as whole numbers of 32 bits."""
        content = self.only(kind)
        if len(content) % 4:
            raise Malformed("numbers in it have no whole number of bytes")
        values: List[int] = np.frombuffer(content, self._order + _TYPES[kind]).tolist()
        return values

    def head(self) -> _Head:
        """Return what the array says of itself, which its first elements are."""
        flags = self.whole_numbers(_FLAGS)
        if len(flags) != 2:
            raise Malformed("an array in it has no kind")
        kind = flags[0] & 0xFF
        if kind not in (_CELL, _STRUCTURE, _TEXT, *_NUMBERS):
            return _Head(kind, False, (), "")
        shape = self.whole_numbers(_WHOLE)
        if not 2 <= len(shape) <= _MAX_AXES or min(shape) < 0:
            raise Malformed("an array in it has a size that none can have")
        return _Head(kind, bool(flags[0] & _COMPLEX), tuple(shape), _text(self.only(_TEXT_OF_NAMES)))


class _Reader:
    """Makes values of arrays, of which there may be only so many."""

    def __init__(self, order: str) -> None:
        self._order = order
        self._left = _MAX_ARRAYS

    def array(self, view: memoryview, depth: int) -> Any:
        """Return the value of an array by its content, which is empty for an empty one."""
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            raise Malformed("it holds too many arrays, or nests them too deeply")
        if not view:
            return np.zeros((0, 0))
        elements = _Elements(view, self._order)
        head = elements.head()
        if head.kind == _CELL:
            return self._arrays(elements, math.prod(head.shape), depth)
        if head.kind == _STRUCTURE:
            return self._structures(elements, math.prod(head.shape), depth)
        if head.kind == _TEXT:
            return self._letters(elements)
        return self._numbers(elements, head.shape) if head.kind in _NUMBERS and not head.is_complex else None

    def _arrays(self, elements: _Elements, count: int, depth: int) -> List[Any]:
        if 8 * count > elements.left:
            raise Malformed("it has fewer arrays than it says")
        return [self.array(elements.only(_MATRIX), depth + 1) for _ in range(count)]

    def _structures(self, elements: _Elements, count: int, depth: int) -> Any:
        widths = elements.whole_numbers(_WHOLE)
        names = elements.only(_TEXT_OF_NAMES)
        if len(widths) != 1 or widths[0] < 1 or len(names) % widths[0]:
            raise Malformed("a structure in it has no names of fields")
        fields = [_text(names[place : place + widths[0]]) for place in range(0, len(names), widths[0])]
        if len(set(fields)) != len(fields):
            raise Malformed("a structure in it has two fields of one name")
        values = self._arrays(elements, count * len(fields), depth) if fields else []
        found: List[Dict[str, Any]] = [
            dict(zip(fields, values[place : place + len(fields)])) for place in range(0, len(values), len(fields) or 1)
        ]
        return found[0] if len(found) == 1 else found

    def _letters(self, elements: _Elements) -> str:
        kind, content = elements.take()
        encoding = _ENCODINGS.get(kind, "")
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self._order == "<" else "-be"
        try:
            return bytes(content).decode(encoding)
        except (LookupError, UnicodeDecodeError) as error:
            raise Malformed("a text in it is in no known form") from error

    def _numbers(self, elements: _Elements, shape: Tuple[int, ...]) -> np.ndarray:
        kind, content = elements.take()
        if kind not in _TYPES:
            raise Malformed("numbers in it are of the type %d" % kind)
        dtype = np.dtype(self._order + _TYPES[kind])
        if math.prod(shape) * dtype.itemsize != len(content):
            raise Malformed("an array in it has %d bytes and should have a size of %s" % (len(content), (shape,)))
        return np.frombuffer(content, dtype).reshape(shape, order="F")


def _text(raw: memoryview) -> str:
    return bytes(raw).split(b"\0", 1)[0].decode("latin-1")
