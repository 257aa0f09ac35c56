"""Everyday objects in a pickle that are data: NumPy's arrays and numbers, namespaces of options, dates and paths."""

import math
import re
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from netkit.malformed import Malformed
from netkit.plain_pickle import Maker, Record, Reference

_PLAIN_DTYPE = re.compile(r"([<>|=]?)([biufcSUMm?])(\d*)(\[\w+\])?")
_BYTE_ORDERS = ("<", ">", "|", "=")


class _DtypeDraft:
    """A NumPy data type in the making.

    Attributes:
        code: Such as "f8"; "O" for objects.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="

    def set_state(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 5 or state[1] not in _BYTE_ORDERS:
            raise Malformed("a NumPy data type in it is none")
        if state[2] is not None or state[3] is not None:
            raise Malformed("a NumPy data type in it has parts")
        self.order = state[1]

    def dtype(self) -> np.dtype:
        """Return the type; objects have none."""
        try:
            return np.dtype(self.order + np.dtype(self.code).str[1:])
        except (TypeError, ValueError) as error:
            raise Malformed("there is no NumPy data type %r" % self.code) from error


class PickledArray:
    """A NumPy array inside a pickle, whose bytes lie there too.

    Attributes:
        shape: Its size along each axis.
        kind: Its data type's name.
    """

    def __init__(self) -> None:
        self.shape: Tuple[int, ...] = ()
        self.kind = "uint8"
        self._value: Any = np.zeros(0, np.uint8)

    def set_state(self, state: Any) -> None:
        """Take over what NumPy keeps of an array: version, shape, type, order, bytes."""
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Malformed("a NumPy array in it is none")
        shape, draft, fortran, raw = state[-4:]
        self.set_content(shape, draft, "F" if fortran else "C", raw)

    def set_content(self, shape: Any, draft: Any, order: str, raw: Any) -> None:
        """Take over an array's content after holding its shape against its bytes."""
        if not isinstance(draft, _DtypeDraft) or not _is_shape(shape):
            raise Malformed("a NumPy array in it has no type or shape")
        if draft.code == "O" or not isinstance(raw, bytes):
            self.shape, self.kind, self._value = shape, "object", None
            return
        dtype = draft.dtype()
        if math.prod(shape) * dtype.itemsize != len(raw):
            raise Malformed("a NumPy array in it does not have the bytes of its shape")
        self.shape, self.kind = shape, dtype.name
        flat = np.frombuffer(bytearray(raw), dtype) if raw else np.zeros(0, dtype)
        shaped = flat.reshape(shape[::-1]).T if order == "F" else flat.reshape(shape)
        self._value = shaped.astype(dtype.newbyteorder("="), copy=False)

    def read(self) -> np.ndarray:
        """Return the array.

        Raises:
            Malformed: Where it holds objects, which are no numbers.
        """
        if self._value is None:
            raise Malformed("a NumPy array in it holds objects")
        return np.asarray(self._value)


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) <= 32
        and all(isinstance(side, int) and 0 <= side < 1 << 48 for side in shape)
    )


def _dtype(arguments: Tuple[Any, ...]) -> Any:
    code = arguments[0] if arguments else None
    if isinstance(code, Reference):
        code = "O"
    if not isinstance(code, str) or not (code.startswith("O") or _PLAIN_DTYPE.fullmatch(code)):
        raise Malformed("a NumPy data type in it is none")
    return _DtypeDraft("O" if code.startswith("O") else code)


def _scalar(arguments: Tuple[Any, ...]) -> Any:
    """Return a NumPy number as Python's."""
    if len(arguments) != 2 or not isinstance(arguments[0], _DtypeDraft):
        raise Malformed("a NumPy number in it is none")
    draft, raw = arguments
    if draft.code == "O":
        return raw
    dtype = draft.dtype()
    if not isinstance(raw, bytes) or len(raw) != dtype.itemsize or not len(raw):
        raise Malformed("a NumPy number in it has too many or too few bytes")
    value = np.frombuffer(raw, dtype)[0]
    return value.item() if dtype.kind in "biufc?" else str(value)


def _array(_arguments: Tuple[Any, ...]) -> PickledArray:
    """Return an array in the making; its state follows."""
    return PickledArray()


def _array_of_buffer(arguments: Tuple[Any, ...]) -> PickledArray:
    if len(arguments) != 4 or arguments[3] not in ("C", "F"):
        raise Malformed("a NumPy array in it is none")
    raw, draft, shape, order = arguments
    found = PickledArray()
    found.set_content(shape, draft, order, raw)
    return found


def _encoded(arguments: Tuple[Any, ...]) -> bytes:
    """Return bytes, which protocol 2 writes as a text."""
    text = arguments[0] if arguments else None
    if not isinstance(text, str) or arguments[1:] not in (("latin1",), ("latin-1",)):
        raise Malformed("bytes in it are not in latin-1")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise Malformed("bytes in it are not in latin-1") from error


def _dictionary(arguments: Tuple[Any, ...]) -> Dict[Any, Any]:
    """Return a dictionary: empty, or of a dictionary or of pairs."""
    found: Dict[Any, Any] = {}
    for part in arguments:
        if isinstance(part, dict):
            found.update(part)
        elif isinstance(part, list):
            for pair in part:
                if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], (str, int)):
                    raise Malformed("a dictionary in it is made of what are no pairs")
                found[pair[0]] = pair[1]
    return found


def _record(arguments: Tuple[Any, ...]) -> Record:
    """Return the fields of a namespace; they follow, or are given as one dictionary."""
    return Record(_dictionary(arguments))


def _members(arguments: Tuple[Any, ...]) -> Any:
    """Return the members of a collection as a list."""
    return list(arguments[0]) if arguments and isinstance(arguments[0], (list, tuple)) else []


def _shown(name: str) -> Maker:
    """Return a maker of a text that shows what a call stood for."""

    def make(arguments: Tuple[Any, ...]) -> str:
        return "%s(%s)" % (name, ", ".join(str(part) for part in arguments if isinstance(part, (str, int, float))))

    return make


def _path(arguments: Tuple[Any, ...]) -> str:
    return "/".join(part for part in arguments if isinstance(part, str))


def _complex(arguments: Tuple[Any, ...]) -> complex:
    if not 1 <= len(arguments) <= 2 or not all(type(part) in (int, float) for part in arguments):
        raise Malformed("a complex number in it is none")
    return complex(*arguments)


def _bytes(arguments: Tuple[Any, ...]) -> bytes:
    given = arguments[0] if arguments else b""
    if isinstance(given, str):
        return _encoded(arguments)
    return given if isinstance(given, bytes) else b""


_NUMPY: Dict[str, Maker] = {"scalar": _scalar, "_reconstruct": _array}

PLAIN_MAKERS: Mapping[str, Maker] = {
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": lambda _arguments: {},
    "collections.Counter": _dictionary,
    "collections.deque": _members,
    **{"%s.%s" % (module, name): _members for module in ("builtins", "__builtin__") for name in ("set", "frozenset")},
    **{
        "%s.%s" % (module, name): make
        for module in ("builtins", "__builtin__")
        for name, make in (
            ("dict", _dictionary),
            ("list", _members),
            ("complex", _complex),
            ("bytes", _bytes),
            ("bytearray", _bytes),
            ("slice", _shown("slice")),
            ("range", _shown("range")),
            ("xrange", _shown("range")),
        )
    },
    "argparse.Namespace": _record,
    "types.SimpleNamespace": _record,
    "easydict.EasyDict": _record,
    "addict.addict.Dict": _record,
    "munch.Munch": _record,
    "yacs.config.CfgNode": _record,
    "_codecs.encode": _encoded,
    **{"pathlib.%s" % name: _path for name in ("Path", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")},
    **{"pathlib._local.%s" % name: _path for name in ("PosixPath", "WindowsPath")},
    **{"datetime.%s" % name: _shown(name) for name in ("datetime", "date", "time", "timedelta")},
    "numpy.dtype": _dtype,
    **{"numpy.%s.multiarray.%s" % (core, name): make for core in ("core", "_core") for name, make in _NUMPY.items()},
    **{"numpy.%s.numeric._frombuffer" % core: _array_of_buffer for core in ("core", "_core")},
}
"""What calls of these classes and functions stand for, by full name."""
