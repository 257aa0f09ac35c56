"""Tensors of a file before they are read: storages, and views of them that are held against their bounds."""

import math
import sys
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from netkit.malformed import Malformed
from netkit.plain_pickle import Maker, shown

MAX_EXPANDED = 1 << 24
"""Most elements of a tensor that shows some of its storage's elements several times."""

_MAX_AXES = 32

ELEMENTS: Mapping[str, str] = {
    "float32": "f4",
    "float64": "f8",
    "float16": "f2",
    "bfloat16": "u2",
    "uint8": "u1",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "bool": "u1",
    "complex64": "c8",
    "complex128": "c16",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
}
"""PyTorch's data types that are read, with the NumPy types that hold their bits."""

STORAGES: Mapping[str, str] = {
    "Float": "float32",
    "Double": "float64",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Byte": "uint8",
    "Char": "int8",
    "Short": "int16",
    "Int": "int32",
    "Long": "int64",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "Untyped": "uint8",
}
"""Data types by the first part of their storages' names."""


def item_bytes(kind: str) -> int:
    """Return the size of one element in bytes."""
    return np.dtype(ELEMENTS[kind]).itemsize


class Storage:
    """A run of bytes of the file, read when a tensor first asks for it.

    Args:
        kind: Data type of its elements.
        count: How many they are.
        fetch: Returns its bytes: as many as the elements need.
        little: Whether its bytes lie as on this project's machines.
    """

    def __init__(self, kind: str, count: int, fetch: Callable[[], np.ndarray], *, little: bool = True) -> None:
        self.kind = kind
        self.count = count
        self.bytes = count * item_bytes(kind)
        self._fetch = fetch
        self._little = little
        self._raw: Optional[np.ndarray] = None

    def elements(self, kind: str) -> np.ndarray:
        """Return its elements as another or the same data type, one axis, in this machine's byte order."""
        if self._raw is None:
            self._raw = self._fetch()
            if self._raw.nbytes != self.bytes:
                raise Malformed("a storage in it has %d bytes and should have %d" % (self._raw.nbytes, self.bytes))
        dtype = np.dtype(ELEMENTS[kind])
        found = self._raw[: self.bytes // dtype.itemsize * dtype.itemsize].view(dtype)
        if self._little != (sys.byteorder == "little"):
            found = found.byteswap()
        return found


class StoredTensor:
    """A tensor of a file: what it looks like is known, its numbers are read on demand.

    Attributes:
        shape: Its size along each axis.
        kind: PyTorch's name of its data type, such as "float32".

    Raises:
        Malformed: Where any of its elements would lie outside its storage.
    """

    def __init__(self, storage: Any, offset: Any, shape: Any, strides: Any, kind: Optional[str] = None) -> None:
        if not isinstance(storage, Storage):
            raise Malformed("a tensor in it has no storage")
        self.kind = storage.kind if kind is None else kind
        self.shape: Tuple[int, ...] = _numbers(shape)
        self._strides = _numbers(strides)
        (self._offset,) = _numbers((offset,))
        self._storage = storage
        if len(self._strides) != len(self.shape):
            raise Malformed("a tensor in it has %d axes and %d steps" % (len(self.shape), len(self._strides)))
        count = math.prod(self.shape)
        there = storage.bytes // item_bytes(self.kind)
        last = self._offset + sum((side - 1) * step for side, step in zip(self.shape, self._strides))
        if count and last >= there:
            raise Malformed("a tensor in it reaches to element %d of a storage with %d" % (last + 1, there))
        if count > max(there, MAX_EXPANDED):
            raise Malformed("a tensor in it repeats its storage to %d elements" % count)

    def read(self) -> np.ndarray:
        """Return its numbers; bfloat16, which NumPy does not have, as the same numbers in float32."""
        if not math.prod(self.shape):
            found = np.zeros(self.shape, ELEMENTS[self.kind])
        else:
            elements = self._storage.elements(self.kind)[self._offset :]
            steps = [step * elements.itemsize for step in self._strides]
            found = np.lib.stride_tricks.as_strided(elements, self.shape, steps)
        if self.kind == "bfloat16":
            widened = np.left_shift(found.astype(np.uint32), 16, dtype=np.uint32)
            return widened.reshape(-1).view(np.float32).reshape(self.shape)
        return np.asarray(found != 0) if self.kind == "bool" else np.ascontiguousarray(found).reshape(self.shape)


def _numbers(values: Any) -> Tuple[int, ...]:
    """Return sizes, steps or an offset: whole numbers that are neither negative nor absurd."""
    if not isinstance(values, (tuple, list)) or len(values) > _MAX_AXES:
        raise Malformed("a tensor in it has no plain shape")
    for value in values:
        if type(value) is not int or not 0 <= value < 1 << 48:
            raise Malformed("a tensor in it has a size, step or offset of %s" % shown(value))
    return tuple(values)


def tensor_makers() -> Dict[str, Maker]:
    """Return what PyTorch's own ways of building a tensor stand for."""

    def rebuilt(arguments: Tuple[Any, ...]) -> StoredTensor:
        return StoredTensor(*_at_least(arguments, 4)[:4])

    def rebuilt_with_type(arguments: Tuple[Any, ...]) -> StoredTensor:
        storage, offset, shape, strides, _grad, _hooks, kind = _at_least(arguments, 7)[:7]
        name = getattr(kind, "name", "").rpartition(".")[2]
        if name not in ELEMENTS:
            raise Malformed("a tensor in it is of a data type that is not read: %s" % (name or "none"))
        return StoredTensor(storage, offset, shape, strides, name)

    def parameter(arguments: Tuple[Any, ...]) -> Any:
        return _at_least(arguments, 1)[0]

    def of_subclass(arguments: Tuple[Any, ...]) -> StoredTensor:
        function, _kind, inner = _at_least(arguments, 3)[:3]
        name = getattr(function, "name", "")
        if name not in makers or makers[name] is of_subclass or not isinstance(inner, tuple):
            raise Malformed("a tensor in it is of an unknown kind: %s" % name)
        found = makers[name](inner)
        if not isinstance(found, StoredTensor):
            raise Malformed("a tensor in it is of an unknown kind: %s" % name)
        return found

    makers: Dict[str, Maker] = {
        "torch._utils._rebuild_tensor": rebuilt,
        "torch._utils._rebuild_tensor_v2": rebuilt,
        "torch._utils._rebuild_tensor_v3": rebuilt_with_type,
        "torch._utils._rebuild_parameter": parameter,
        "torch._utils._rebuild_parameter_with_state": parameter,
        "torch._tensor._rebuild_from_type_v2": of_subclass,
        "torch.Size": lambda arguments: _numbers(_at_least(arguments, 1)[0]),
        "torch.device": lambda arguments: ":".join(str(part) for part in arguments if isinstance(part, (str, int))),
    }
    return makers


def _at_least(arguments: Sequence[Any], count: int) -> Sequence[Any]:
    if len(arguments) < count:
        raise Malformed("a tensor in it is made of too few parts")
    return arguments
