"""PyTorch's files taken apart without PyTorch: the zip file, and the run of pickles that was usual before version 1.6.

No framework sees a file before all that it says of itself was held against the bytes that are there: the oldest PyTorch
that is used here believes a file, and reads memory that is not the file's.
"""

import os
import re
import zipfile
from typing import Any, BinaryIO, Callable, Dict, Optional, Tuple

import numpy as np

from netkit.file_kind import BROKEN_ZIP, refuse_foreign, refuse_irregular
from netkit.malformed import Malformed
from netkit.pickled_data import PLAIN_MAKERS
from netkit.plain_pickle import Maker, PlainUnpickler, Refused, shown
from netkit.tensor_storage import STORAGES, Storage, item_bytes, tensor_makers
from stagekit import BadInput

MAX_PICKLE_BYTES = 1 << 28
"""Largest pickle in a zip file: it names tensors, and their numbers lie beside it."""

_MAX_RECORDS = 200_000
_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_AGAIN = "fetch the file again, or give another one"
_SAVE_STATE = "load it in the program that made it, and save its state_dict() instead"
_STORAGE_NAME = re.compile(r"torch(?:\.cuda|\.storage)?\.(?:_?Typed|(\w+?))Storage")
_PROGRAMS = frozenset(
    [
        "os",
        "posix",
        "nt",
        "sys",
        "subprocess",
        "builtins",
        "__builtin__",
        "importlib",
        "runpy",
        "shutil",
        "socket",
        "pty",
        "ctypes",
        "code",
        "commands",
        "webbrowser",
        "pickle",
        "_pickle",
        "marshal",
        "operator",
        "functools",
        "torch.storage",
        "torch.serialization",
        "torch.hub",
    ]
)
"""Modules that no file of tensors calls anything of."""


class TensorFile:
    """An open file of tensors.

    Attributes:
        content: Containers, numbers, texts, and `StoredTensor` where the file has a tensor; these can be read until the
            file is closed.

    Raises:
        BadInput: Where the file is missing, damaged, of another kind, or wants to build anything else.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        refuse_irregular(path)
        try:
            self._stream: BinaryIO = open(path, "rb")  # noqa: SIM115  # closed by `close`
        except OSError as error:
            raise BadInput("%s cannot be read: %s" % (path, error.strerror), _AGAIN) from error
        self._archive: Optional[zipfile.ZipFile] = None
        try:
            self.content = self._explained(self._load)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "TensorFile":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; tensors cannot be read afterwards."""
        if self._archive is not None:
            self._archive.close()
        self._stream.close()

    def numbers(self, tensor: Any) -> np.ndarray:
        """Return the numbers of a tensor of this file; bfloat16 as float32, which holds the same numbers.

        Raises:
            BadInput: Where they are damaged.
        """
        found: np.ndarray = self._explained(tensor.read)
        return found

    def _explained(self, read: Callable[[], Any]) -> Any:
        """Return what `read` returns, with its failures told as what is wrong with the file."""
        try:
            return read()
        except Refused as refused:
            raise self._refusal(refused.name) from refused
        except Malformed as error:
            raise self._damaged(str(error)) from error
        except BROKEN_ZIP as error:
            raise self._damaged("its container is broken (%s)" % error) from error
        except MemoryError as error:
            raise self._damaged("it asks for more memory than there is") from error

    def _damaged(self, reason: str) -> BadInput:
        return BadInput("%s is not a readable file of tensors: %s" % (self.path, reason), _AGAIN)

    def _refusal(self, name: str) -> BadInput:
        module = name.rpartition(".")[0]
        if module in _PROGRAMS or module.partition(".")[0] in _PROGRAMS:
            return BadInput(
                "%s wants to call %s, which no file of tensors needs" % (self.path, name),
                "do not use this file: it may have been made to run code",
            )
        if module.startswith("torch.") and "nn." in module:
            return BadInput(
                "%s holds a whole PyTorch module (%s), not its tensors alone" % (self.path, name), _SAVE_STATE
            )
        return BadInput(
            "%s holds an object of %s, which is neither a tensor nor plain data" % (self.path, name), _SAVE_STATE
        )

    def _load(self) -> Any:
        head = self._stream.read(4)
        self._stream.seek(0)
        if head == b"PK\x03\x04" and zipfile.is_zipfile(self._stream):
            self._archive = zipfile.ZipFile(self._stream)
            folder = _pickle_folder(self._archive, self.path)
            if folder is not None:
                return _Zipped(self._archive, folder).load()
        refuse_foreign(self.path)
        self._stream.seek(0)
        return _Legacy(self._stream, os.fstat(self._stream.fileno()).st_size).load()


def _pickle_folder(archive: zipfile.ZipFile, path: str) -> Optional[str]:
    """Return the folder of the one pickle in an archive, None where it has none."""
    names = archive.namelist()
    if len(names) > _MAX_RECORDS or len(set(names)) != len(names):
        raise Malformed("it has %d entries, some of the same name" % len(names))
    found = [name[: -len("data.pkl")] for name in names if name.count("/") <= 1 and name.endswith("data.pkl")]
    if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
        raise BadInput("%s is a TorchScript program, not a file of tensors" % path, "give a state dict")
    return found[0] if len(found) == 1 else None


class _Zipped:
    """The zip format: a pickle, and a file for every storage."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self._archive = archive
        self._folder = folder
        self._storages: Dict[str, Storage] = {}
        self._little = self._order() == b"little"

    def load(self) -> Any:
        info = self._info("data.pkl")
        if info.file_size > MAX_PICKLE_BYTES:
            raise Malformed("its pickle has %d bytes" % info.file_size)
        with self._archive.open(info) as stream:
            return _unpickled(stream, info.file_size, self._storage).load()

    def _order(self) -> bytes:
        name = self._folder + "byteorder"
        if name not in self._archive.NameToInfo:
            return b"little"
        with self._archive.open(name) as stream:
            order = stream.read(8)
        if order not in (b"little", b"big"):
            raise Malformed("its order of bytes is %r" % order)
        return order

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._archive.getinfo(self._folder + name)
        except KeyError as error:
            raise Malformed("it has no part %s" % name) from error

    def _storage(self, identifier: Any) -> Storage:
        kind, key, count = _identified(identifier)
        if key not in self._storages:
            info = self._info("data/" + key)
            if info.file_size != count * item_bytes(kind):
                raise Malformed(
                    "the storage %s has %d bytes and should have %d" % (key, info.file_size, count * item_bytes(kind))
                )
            self._storages[key] = Storage(kind, count, lambda: self._bytes(info), little=self._little)
        return _same(self._storages[key], kind, count)

    def _bytes(self, info: zipfile.ZipInfo) -> np.ndarray:
        with self._archive.open(info) as stream:
            found = np.empty(info.file_size, np.uint8)
            _fill(stream, found)
            if stream.read(1):
                raise Malformed("the storage %s is longer than it says" % info.filename)
        return found


class _Legacy:
    """The format before version 1.6: a magic number, the pickle, the storages' keys, and their bytes one by one."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._size = size
        self._storages: Dict[str, Storage] = {}
        self._places: Dict[str, int] = {}

    def load(self) -> Any:
        if self._plain() != _MAGIC:
            raise Malformed("it does not begin as PyTorch's files do")
        if self._plain() != _LEGACY_VERSION:
            raise Malformed("it is in a version of PyTorch's old format that is not known")
        system = self._plain()
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise Malformed("it was written on a machine with another order of bytes")
        content = self._unpickler(self._storage).load()
        keys = self._plain()
        plain = isinstance(keys, list) and all(isinstance(key, (str, int)) for key in keys)
        if not plain or sorted(map(str, keys)) != sorted(self._storages):
            raise Malformed("its list of storages is not that of its tensors")
        for key in keys:
            self._locate(str(key))
        return content

    def _unpickler(self, persistent: Callable[[Any], Any]) -> PlainUnpickler:
        return _unpickled(self._stream, self._size - self._stream.tell(), persistent)

    def _plain(self) -> Any:
        def refuse(_identifier: Any) -> Any:
            raise Malformed("it has a tensor where none belongs")

        return self._unpickler(refuse).load()

    def _storage(self, identifier: Any) -> Any:
        kind, key, count = _identified(identifier)
        if key not in self._storages:
            self._storages[key] = Storage(kind, count, lambda: self._bytes(key))
        root = _same(self._storages[key], kind, count)
        view = identifier[5] if len(identifier) > 5 else None
        return root if view is None else _part(root, view)

    def _locate(self, key: str) -> None:
        """Remember where a storage's bytes lie, and go on behind them."""
        storage = self._storages[key]
        raw = self._stream.read(8)
        if int.from_bytes(raw, "little", signed=True) != storage.count or len(raw) != 8:
            raise Malformed("it ends in the middle, or a storage has another length than its tensors say")
        self._places[key] = self._stream.tell()
        if self._places[key] + storage.bytes > self._size:
            raise Malformed("it ends in the middle of a storage")
        self._stream.seek(storage.bytes, os.SEEK_CUR)

    def _bytes(self, key: str) -> np.ndarray:
        self._stream.seek(self._places[key])
        found = np.empty(self._storages[key].bytes, np.uint8)
        _fill(self._stream, found)
        return found


def _unpickled(stream: Any, size: int, persistent: Callable[[Any], Any]) -> PlainUnpickler:
    makers: Dict[str, Maker] = {**PLAIN_MAKERS, **tensor_makers()}
    return PlainUnpickler(stream, size, makers, persistent)


def _identified(identifier: Any) -> Tuple[str, str, int]:
    """Return data type, key and number of elements of a storage that a pickle points to."""
    if isinstance(identifier, tuple) and identifier and identifier[0] == "module":
        name = getattr(identifier[1] if len(identifier) > 1 else None, "name", "unnamed")
        raise Refused("torch.nn." + name)
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[0] != "storage":
        raise Malformed("it points to what is no storage")
    _word, named, key, _place, count = identifier[:5]
    match = _STORAGE_NAME.fullmatch(getattr(named, "name", ""))
    kind = STORAGES.get(match.group(1) or "") if match else None
    if kind is None:
        raise Malformed("it has a storage of a kind that is not read: %s" % getattr(named, "name", "unnamed"))
    if type(count) is not int or not 0 <= count < 1 << 48 or not isinstance(key, (str, int)):
        raise Malformed("it has a storage of %s elements" % shown(count))
    return kind, str(key), count


def _same(storage: Storage, kind: str, count: int) -> Storage:
    """Return a storage after making sure that two of its tensors say the same of it."""
    if (storage.kind, storage.count) != (kind, count):
        raise Malformed("two tensors in it say different things of one storage")
    return storage


def _part(root: Storage, view: Any) -> Storage:
    """Return the part of a storage that a file of PyTorch before version 0.4 names as one of its own."""
    if not isinstance(view, tuple) or len(view) != 3 or not all(type(part) is int for part in view[1:]):
        raise Malformed("it points to what is no part of a storage")
    _key, begin, count = view
    if not 0 <= begin <= begin + count <= root.count:
        raise Malformed("a part of a storage reaches beyond it")
    size = item_bytes(root.kind)
    return Storage(root.kind, count, lambda: root.elements("uint8")[begin * size : (begin + count) * size])


def _fill(stream: Any, target: np.ndarray) -> None:
    """Read exactly as many bytes as a target has."""
    view = memoryview(target.data)
    filled = 0
    while filled < len(view):
        count = stream.readinto(view[filled:])
        if not count:
            raise Malformed("it ends in the middle of a storage")
        filled += count
