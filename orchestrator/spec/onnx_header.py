"""What an ONNX file says of itself, read without ONNX: inputs, outputs, operator set, files that hold its data.

Planning runs where no ONNX is installed, and must know these before anything runs. The file is a message of Protocol
Buffers; everything that is not asked for, weights above all, is passed over unread.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

Side = int | None
"""Of a tensor; None where the file leaves it free."""

_KINDS = {1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}
_KINDS |= {16: "bfloat16"}

_MOST_FIELDS = 5_000_000
"""No network of this world has so many; a file that does is not read to its end."""

_DEEPEST = 16
_BLOCK_BYTES = 1 << 16
_LONGEST_NAME = 4096
_MOST_VARINT_BYTES = 10
_WIDTHS = {1: 8, 5: 4}
_LONGEST_NUMBER = 18
_EXTERNAL = 1


class NotOnnx(ValueError):
    """A file is no ONNX file; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class TensorForm:
    """An input or output.

    Attributes:
        kind: Of its values, such as "float32"; empty where the file does not tell it.
        sides: Its shape.
    """

    name: str
    kind: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class OnnxHeader:
    """What an ONNX file says of itself.

    Attributes:
        inputs: Without those that have a value in the file.
        opset: Version of the standard operator set.
        locations: The files that hold its data, as it names them, untrusted; and how many bytes each has at least.
    """

    inputs: tuple[TensorForm, ...]
    outputs: tuple[TensorForm, ...]
    opset: int
    locations: Mapping[str, int]


def onnx_header(path: Path) -> OnnxHeader:
    """Return what a file says of itself.

    Raises:
        NotOnnx: Where it is no ONNX file, or not a whole one.
        OSError: Where it cannot be read.
    """
    with path.open("rb", buffering=_BLOCK_BYTES) as stream:
        size = os.fstat(stream.fileno()).st_size
        if not size:
            raise NotOnnx("is empty")
        _refuse_texts(stream.read(_LONGEST_NAME))
        stream.seek(0)
        return _Reader(stream).header(_Span(0, size))


def _refuse_texts(head: bytes) -> None:
    """Raise NotOnnx for what servers and repositories give in the place of a file."""
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n").lower()
    if text.startswith(("<!doctype html", "<html", "<head")):
        raise NotOnnx("is a web page, not the file that the page offers")
    if text.startswith("version https://git-lfs"):
        raise NotOnnx("is a Git LFS pointer, not the file: run 'git lfs pull' where it comes from")


@dataclass(frozen=True)
class _Span:
    """A message in the file: its first byte, and the one behind its last."""

    begin: int
    end: int


class _Reader:
    """Reads one file, and counts what it has read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._fields = 0
        self._locations: dict[str, int] = {}

    def header(self, file: _Span) -> OnnxHeader:
        graph, opset = None, 1
        for number, part in self._messages(file):
            if number == 7:
                graph = part
            elif number == 8:
                opset = self._opset(part) or opset
        if graph is None:
            raise NotOnnx("holds no network")
        return self._graph(graph, opset)

    def _graph(self, graph: _Span, opset: int) -> OnnxHeader:
        inputs, outputs, valued, nodes = [], [], set(), 0
        for number, part in self._messages(graph):
            if number == 1:
                nodes += 1
                self._node(part, 1)
            elif number == 5:
                valued.add(self._tensor(part))
            elif number == 15:
                valued.add(self._sparse(part))
            elif number == 11:
                inputs.append(self._value(part))
            elif number == 12:
                outputs.append(self._value(part))
        if not nodes:
            raise NotOnnx("holds no operations")
        given = tuple(one for one in inputs if one.name not in valued)
        return OnnxHeader(given, tuple(outputs), opset, self._locations)

    def _opset(self, span: _Span) -> int | None:
        domain, version = "", 0
        for number, part in self._parts(span):
            if number == 1 and isinstance(part, _Span):
                domain = self._text(part)
            elif number == 2 and isinstance(part, int):
                version = part
        return version if domain in {"", "ai.onnx"} else None

    def _node(self, node: _Span, depth: int) -> None:
        """Look for tensors whose data lie elsewhere, in the attributes of a node and the graphs within them."""
        if depth > _DEEPEST:
            raise NotOnnx("holds graphs within graphs, deeper than any network")
        for number, attribute in self._messages(node):
            if number != 5:
                continue
            for field, part in self._messages(attribute):
                if field in {5, 10}:
                    self._tensor(part)
                elif field in {22, 23}:
                    self._sparse(part)
                elif field in {6, 11}:
                    self._inner(part, depth + 1)

    def _inner(self, graph: _Span, depth: int) -> None:
        for number, part in self._messages(graph):
            if number == 1:
                self._node(part, depth)
            elif number == 5:
                self._tensor(part)
            elif number == 15:
                self._sparse(part)

    def _sparse(self, tensor: _Span) -> str:
        """Return a sparse tensor's name, that of its values, and note where the data of values and indices lie."""
        names = {field: self._tensor(part) for field, part in self._messages(tensor) if field in {1, 2}}
        return names.get(1, "")

    def _tensor(self, tensor: _Span) -> str:
        """Return a tensor's name, and note where its data lie."""
        name, told, outside = "", dict[str, str](), False
        for number, part in self._parts(tensor):
            if number == 8 and isinstance(part, _Span):
                name = self._text(part)
            elif number == 13 and isinstance(part, _Span):
                entry = {field: self._text(text) for field, text in self._messages(part)}
                told[entry.get(1, "")] = entry.get(2, "")
            elif number == 14:
                outside = part == _EXTERNAL
        if outside:
            location = told.get("location", "")
            end = _bytes_told(told.get("offset")) + _bytes_told(told.get("length"))
            self._locations[location] = max(end, self._locations.get(location, 0))
        return name

    def _value(self, value: _Span) -> TensorForm:
        name, kind, sides = "", "", list[Side]()
        for number, part in self._messages(value):
            if number == 1:
                name = self._text(part)
            elif number == 2:
                for tensor in (tensor for field, tensor in self._messages(part) if field == 1):
                    kind, sides = self._form(tensor)
        return TensorForm(name, kind, tuple(sides))

    def _form(self, tensor: _Span) -> tuple[str, list[Side]]:
        kind, sides = "", list[Side]()
        for number, part in self._parts(tensor):
            if number == 1 and isinstance(part, int):
                kind = _KINDS.get(part, f"values of kind {part}")
            elif number == 2 and isinstance(part, _Span):
                sides = [self._side(side) for field, side in self._messages(part) if field == 1]
        return kind, sides

    def _side(self, side: _Span) -> Side:
        found = next((part for number, part in self._parts(side) if number == 1 and isinstance(part, int)), 0)
        return found if 0 < found < 1 << 63 else None

    def _text(self, span: _Span) -> str:
        self._stream.seek(span.begin)
        return self._stream.read(min(span.end - span.begin, _LONGEST_NAME)).decode("utf-8", "replace")

    def _messages(self, span: _Span) -> Iterator[tuple[int, _Span]]:
        """Yield each field of a message that holds bytes, by its number."""
        return ((number, part) for number, part in self._parts(span) if isinstance(part, _Span))

    def _parts(self, span: _Span) -> Iterator[tuple[int, int | _Span]]:
        """Yield each field of a message by its number: whole numbers, or where the bytes of what is longer lie."""
        place = span.begin
        while place < span.end:
            self._fields += 1
            if self._fields > _MOST_FIELDS:
                raise NotOnnx("has more parts than any network")
            tag, place = self._varint(place, span.end)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, place = self._varint(place, span.end)
                yield number, value
                continue
            if wire == 2:
                size, place = self._varint(place, span.end)
            elif wire in _WIDTHS:
                size = _WIDTHS[wire]
            else:
                raise NotOnnx("is no ONNX file, or a damaged one")
            if size > span.end - place:
                raise NotOnnx("ends in the middle, or is no ONNX file")
            if wire == 2:
                yield number, _Span(place, place + size)
            place += size

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        self._stream.seek(place)
        value = 0
        for count, byte in enumerate(self._stream.read(min(_MOST_VARINT_BYTES, end - place))):
            value |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return value, place + count + 1
        raise NotOnnx("ends in the middle, or is no ONNX file")


def _bytes_told(text: str | None) -> int:
    """Return a number of bytes; 0 for what is none, which is refused where the data are read."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0
