"""Copies of a good checkpoint that nobody may adopt: cut off, with the names of another network, with NaN."""

import codecs
import io
import json
import pickletools
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

_ZIP = b"PK\x03\x04"
_NAN_BYTES = b"\xff"
"""Repeated it is NaN in every kind of floating-point number."""

_STRINGS = {"BINUNICODE": 5, "SHORT_BINUNICODE": 2}
"""Of Python's pickles: the operations that hold a text, and how many bytes stand before it."""

Spoil = Callable[[bytes], bytes | None]
"""From a file's content to a spoiled one; None where the file is of a kind that it does not know."""


def write_cut_off(good: Path, folder: Path) -> None:
    """Write a copy of a checkpoint, each of whose files ends in the middle."""
    _write(good, folder, lambda content: content[: len(content) // 2])


def write_of_another(good: Path, folder: Path) -> bool:
    """Write a copy whose tensors have other names; return whether there is a file in which they can be changed."""
    return _write(good, folder, _renamed)


def write_not_finite(good: Path, folder: Path) -> bool:
    """Write a copy with tensors of NaN; return whether there is a file in which they can be changed."""
    return _write(good, folder, _not_finite)


def _write(good: Path, folder: Path, spoil: Spoil) -> bool:
    folder.mkdir()
    spoiled = False
    for path in sorted(path for path in good.rglob("*") if path.is_file()):
        target = folder / path.relative_to(good)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = spoil(path.read_bytes())
        if content is None:
            shutil.copyfile(path, target)
        else:
            target.write_bytes(content)
            spoiled = True
    return spoiled


def _renamed(content: bytes) -> bytes | None:
    if _is_zip(content):
        return _zip_with(content, _other_names, lambda name: f"{_other(name[:-4])}.npy" if _is_array(name) else name)
    header = _safetensors_header(content)
    if header is None:
        return None
    names = {name if name == "__metadata__" else _other(name): value for name, value in header.items()}
    return _safetensors(names, content)


def _not_finite(content: bytes) -> bytes | None:
    if _is_zip(content):
        return _zip_with(content, _nan_entry, lambda name: name)
    header = _safetensors_header(content)
    if header is None:
        return None
    begin = 8 + int.from_bytes(content[:8], "little")
    return content[:begin] + _NAN_BYTES * (len(content) - begin)


def _other(name: str) -> str:
    """Return another name of the same length."""
    return codecs.encode(name, "rot13")


def _is_zip(content: bytes) -> bool:
    return content.startswith(_ZIP)


def _is_array(name: str) -> bool:
    return name.endswith(".npy")


def _zip_with(content: bytes, entry: Callable[[str, bytes], bytes], name: Callable[[str], str]) -> bytes:
    """Return a zip file, as PyTorch and NumPy write them, with every entry and its name changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as new:
        for info in old.infolist():
            new.writestr(name(info.filename), entry(info.filename, old.read(info)))
    return made.getvalue()


def _other_names(name: str, content: bytes) -> bytes:
    """Return PyTorch's pickle with other names of tensors, which all hold a dot; nothing of it is run."""
    if not name.endswith("/data.pkl"):
        return content
    changed = bytearray(content)
    for operation, text, place in pickletools.genops(content):
        before = _STRINGS.get(operation.name)
        if before is not None and place is not None and isinstance(text, str) and "." in text:
            begin = place + before
            changed[begin : begin + len(text.encode())] = _other(text).encode()
    return bytes(changed)


def _nan_entry(name: str, content: bytes) -> bytes:
    """Return an entry with NaN in place of its numbers: one of PyTorch's storages, or an array of NumPy's."""
    if "/data/" in name:
        return _NAN_BYTES * len(content)
    if _is_array(name):
        values = np.load(io.BytesIO(content), allow_pickle=False)
        if np.issubdtype(values.dtype, np.floating):
            made = io.BytesIO()
            np.save(made, np.full_like(values, np.nan))
            return made.getvalue()
    return content


def _safetensors_header(content: bytes) -> Mapping[str, object] | None:
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
    except ValueError:
        return None
    return header if isinstance(header, dict) else None


def _safetensors(header: Mapping[str, object], content: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + int.from_bytes(content[:8], "little") :]
