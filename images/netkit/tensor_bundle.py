"""TensorFlow's checkpoints, second format, taken apart without TensorFlow: an index, and files of tensors' bytes.

Nothing that the index says is believed before it was held against the files, and every tensor has a checksum.
"""

import math
import os
from typing import Dict, List, Mapping, Optional, Tuple

import numpy as np

from netkit.crc32c import crc32c, unmasked
from netkit.file_kind import refuse_irregular
from netkit.malformed import Malformed
from netkit.sorted_table import MAX_BYTES, table_entries
from netkit.wire_format import fields, signed
from stagekit import BadInput

_AGAIN = "fetch the checkpoint again"
_MAX_AXES = 32
_MAX_SHARDS = 100_000
_VERSION = 1
"""Of the format, the only one that there is."""

_TYPES: Mapping[int, Tuple[str, str]] = {
    1: ("float32", "<f4"),
    2: ("float64", "<f8"),
    3: ("int32", "<i4"),
    4: ("uint8", "u1"),
    5: ("int16", "<i2"),
    6: ("int8", "i1"),
    8: ("complex64", "<c8"),
    9: ("int64", "<i8"),
    10: ("bool", "?"),
    14: ("bfloat16", "<u2"),
    17: ("uint16", "<u2"),
    18: ("complex128", "<c16"),
    19: ("float16", "<f2"),
    22: ("uint32", "<u4"),
    23: ("uint64", "<u8"),
}
"""TensorFlow's types of numbers: their names, and the NumPy types that hold their bits; texts are none."""


class BundleTensor:
    """A tensor of a checkpoint; its numbers are read on demand.

    Attributes:
        shape: Its size along each axis.
        kind: Its type's name, such as "float32"; None where it holds no numbers.
        in_slices: Whether several parts of it are stored, as of a variable that was spread over devices.
    """

    def __init__(self, raw: bytes) -> None:
        numbers: Dict[int, int] = {}
        dims: List[int] = []
        self.in_slices = False
        for number, value in fields(raw):
            if number == 2 and isinstance(value, bytes):
                dims = _dimensions(value)
            elif number == 7:
                self.in_slices = True
            elif isinstance(value, int):
                numbers[number] = value
        self.shape = tuple(dims)
        name, self._code = _TYPES.get(numbers.get(1, 0), (None, "u1"))
        self.kind: Optional[str] = name
        self.shard = numbers.get(3, 0)
        self.offset = numbers.get(4, 0)
        self.size = numbers.get(5, 0)
        self.checksum = unmasked(numbers.get(6, 0))
        wanted = math.prod(self.shape) * np.dtype(self._code).itemsize
        if name is not None and not self.in_slices and wanted != self.size:
            raise Malformed("a tensor in it has %d bytes and should have %d" % (self.size, wanted))

    def numbers(self, raw: bytes) -> np.ndarray:
        """Return its bytes as numbers; bfloat16, which NumPy does not have, as the same numbers in float32."""
        found = np.frombuffer(raw, self._code).reshape(self.shape)
        if self.kind == "bfloat16":
            widened = np.left_shift(found.astype(np.uint32), 16, dtype=np.uint32)
            return widened.view(np.float32)
        return np.asarray(found)


def _dimensions(raw: bytes) -> List[int]:
    found: List[int] = []
    for number, value in fields(raw):
        if number == 2 and isinstance(value, bytes):
            sizes = [signed(size) for key, size in fields(value) if key == 1 and isinstance(size, int)]
            found.append(sizes[-1] if sizes else 0)
    if len(found) > _MAX_AXES or not all(0 <= side < 1 << 48 for side in found):
        raise Malformed("a tensor in it has a shape that none can have")
    return found


class TensorBundle:
    """A checkpoint that TensorFlow's Saver wrote.

    Args:
        name: What it is called in messages.
        parts: Its files, by the ends of their names: 'index', and 'data-00000-of-00001' or as many as there are.
            Others may be among them.

    Attributes:
        tensors: By name; parts of partitioned variables are left out.

    Raises:
        BadInput: Where it cannot be read, or says of itself what its files do not hold.
    """

    def __init__(self, name: str, parts: Mapping[str, str]) -> None:
        self._name = name
        for path in parts.values():
            refuse_irregular(path)
        self._shards: List[str] = []
        try:
            self.tensors = self._listed(parts)
        except (Malformed, OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error

    def numbers(self, tensor: str) -> np.ndarray:
        """Return the numbers of a tensor.

        Raises:
            BadInput: Where it holds none, or its bytes are damaged.
        """
        entry = self.tensors[tensor]
        if entry.kind is None or entry.in_slices:
            raise BadInput(
                "%s stores %s %s" % (self._name, tensor, "in slices" if entry.in_slices else "as no numbers"),
                "save it again as one tensor of numbers",
            )
        try:
            with open(self._shards[entry.shard], "rb") as stream:
                stream.seek(entry.offset)
                raw = stream.read(entry.size)
        except OSError as error:
            raise self._unreadable(error) from error
        if len(raw) != entry.size or crc32c(raw) != entry.checksum:
            raise self._unreadable(Malformed("the bytes of %s do not have their checksum" % tensor))
        return entry.numbers(raw)

    def _listed(self, parts: Mapping[str, str]) -> Dict[str, BundleTensor]:
        with open(parts["index"], "rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise Malformed("its index has more than %d bytes" % MAX_BYTES)
        entries = table_entries(raw)
        key, header = next(entries, (None, b""))
        if key != b"":
            raise Malformed("its index has no header")
        count = _shard_count(header)
        names = ["data-%05d-of-%05d" % (number, count) for number in range(count)]
        missing = [name for name in names if name not in parts]
        if missing:
            raise Malformed("there is no file %s" % missing[0])
        self._shards = [parts[name] for name in names]
        sizes = [os.path.getsize(path) for path in self._shards]
        found = {}
        for key, value in entries:
            if key.startswith(b"\0"):  # a slice, which has the name of its tensor inside
                continue
            tensor = BundleTensor(value)
            if tensor.shard >= len(sizes) or tensor.offset + tensor.size > sizes[tensor.shard]:
                raise Malformed("a tensor in it lies outside its files")
            found[key.decode("utf-8")] = tensor
        return found

    def _unreadable(self, error: Exception) -> BadInput:
        return BadInput("%s is not a readable TensorFlow checkpoint: %s" % (self._name, error), _AGAIN)


def _shard_count(header: bytes) -> int:
    """Return how many files of tensors there are."""
    said = dict(fields(header))
    version, count = said.get(3, b""), said.get(1, 0)
    needed = dict(fields(version)).get(2, 0) if isinstance(version, bytes) else None
    if not isinstance(needed, int) or needed > _VERSION:
        raise Malformed("it is of a newer version of the format")
    if not isinstance(count, int) or not 0 < count < _MAX_SHARDS:
        raise Malformed("its index does not say how many files of tensors there are")
    if said.get(2, 0) != 0:
        raise Malformed("it was written on a machine with another order of bytes")
    return count
