"""What a file is that was given for a checkpoint and is none: named for what it is, with what to do."""

import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from typing import Optional, Sequence, Tuple

from stagekit import BadInput

_HEAD_BYTES = 4096
_UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".aria2", ".tmp")
_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".tar", ".index", ".npz")
_UNPACK = "unpack it, and give what is inside"
_SAVE_AGAIN = "save it again with a newer PyTorch"
_TAR_FORMAT = (b"sys_info", b"pickle", b"tensors", b"storages")
_WEIGHTS = "give a file that PyTorch wrote, such as a .pt or .pth file"

_Kind = Tuple[str, str]

BROKEN_ZIP = (
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What Python's reader of zip files raises for broken and unusual ones."""

_BEGINNINGS: Sequence[Tuple[bytes, str, str]] = (
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\0\5\x16\7", "a file of macOS's own, which lies beside the real one", "give the file without '._' in front"),
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes", _WEIGHTS),
    (b"MATLAB 5.0", "a MATLAB file", _WEIGHTS),
    (b"\x93NUMPY", "a NumPy file of one array", _WEIGHTS),
    (b"\x89PNG", "a picture", _WEIGHTS),
    (b"\xff\xd8\xff", "a picture", _WEIGHTS),
    (b"GIF8", "a picture", _WEIGHTS),
    (b"%PDF", "a PDF document", _WEIGHTS),
    (b"MZ", "a Windows program", _WEIGHTS),
    (b"\x7fELF", "a Linux program", _WEIGHTS),
)


def refuse_irregular(path: str) -> None:
    """Refuse what is no plain file, before it is opened: reading a pipe or a device may never end.

    Raises:
        BadInput: Where there is nothing, or something other than a file.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        raise BadInput(
            "%s cannot be read: %s" % (path, getattr(error, "strerror", error)), "correct the path"
        ) from error
    if not stat.S_ISREG(mode):
        raise BadInput("%s is %s, not a file" % (path, _irregular(mode)), "give the checkpoint's file")


def refuse_foreign(path: str) -> None:
    """Refuse a file that is known to be something else than a checkpoint.

    Args:
        path: A plain file.

    Raises:
        BadInput: Says what it is, and what to do.
    """
    found = _foreign(path)
    if found is not None:
        raise BadInput("%s is %s" % (path, found[0]), found[1])


def _irregular(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a disk"),
    )
    return next((words for test, words in kinds if test(mode)), "something else")


def _foreign(path: str) -> Optional[_Kind]:
    with open(path, "rb") as stream:
        head = stream.read(_HEAD_BYTES)
    return _of_no_content(path, head) or _of_its_beginning(path, head) or _of_text(head)


def _of_no_content(path: str, head: bytes) -> Optional[_Kind]:
    if not head:
        return "an empty file", "fetch it again: nothing of it arrived"
    if not head.strip(b"\0"):
        return "a file of zeros, as an interrupted copy leaves", "fetch it again"
    if path.lower().endswith(_UNFINISHED):
        return "an unfinished download, by its name", "wait until it is complete, or fetch it again"
    return None


def _of_its_beginning(path: str, head: bytes) -> Optional[_Kind]:
    known = next(((what, remedy) for begin, what, remedy in _BEGINNINGS if head.startswith(begin)), None)
    if head[257:262] == b"ustar":
        of_torch = head[:100].rstrip(b"\0") in _TAR_FORMAT
        return ("in PyTorch's tar format of 2016", _SAVE_AGAIN) if of_torch else ("a tar archive", _UNPACK)
    if head.startswith(b"PK"):
        return _of_zip(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < os.path.getsize(path):
        return "a safetensors file", "write its tensors with torch.save, and give that file"
    return known


def _of_zip(path: str) -> _Kind:
    if not zipfile.is_zipfile(path):
        return "cut short: its beginning is a zip container's and its end is missing", "fetch it again"
    try:
        with zipfile.ZipFile(path) as archive:
            return _of_members([name for name in archive.namelist()[:10_000] if not name.endswith("/")])
    except BROKEN_ZIP as error:
        return "a zip container with a broken list of its parts (%s)" % error, "fetch it again"


def _of_members(names: Sequence[str]) -> _Kind:
    pickles = [name for name in names if name.endswith("data.pkl")]
    if len(pickles) > 1:
        return "a zip archive of several files of PyTorch (%s)" % ", ".join(map(_shown, pickles[:3])), _UNPACK
    if pickles:
        return "a file of PyTorch (it holds %s)" % _shown(pickles[0]), "give a checkpoint of this network"
    inside = [name for name in names if name.lower().endswith(_CHECKPOINTS)]
    if inside:
        return "a zip archive around %s" % ", ".join(map(_shown, inside[:3])), _UNPACK
    if any(name.endswith(".npy") for name in names):
        return "a NumPy file of arrays, not PyTorch's (it holds %s)" % _shown(names[0]), _WEIGHTS
    holds = _shown(names[0]) if names else "nothing"
    return "a zip archive that is no checkpoint of PyTorch: it holds %s" % holds, _WEIGHTS


def _of_text(head: bytes) -> Optional[_Kind]:
    text = _decoded(head)
    if text is None:
        return None
    lower = text[:1000].lower()
    if lower.startswith("version https://git-lfs"):
        size = re.search(r"^size (\d+)", text, re.MULTILINE)
        stands = " for a file of %s bytes" % size.group(1) if size else " for the file"
        remedy = "run 'git lfs pull' in the repository, or download the file itself"
        return "a Git LFS pointer, a small text that stands%s" % stands, remedy
    if lower.startswith(("<!doctype html", "<head")) or "<html" in lower:
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        titled = " (%s)" % _shown(title.group(1)) if title and title.group(1).strip() else ""
        remedy = "open the address in a browser, and download the file itself"
        return "a web page%s, not the file that the page offers" % titled, remedy
    if lower.startswith("model_checkpoint_path"):
        return "the text file beside a TensorFlow checkpoint", "give the folder that it lies in"
    kind = "a server's or program's text, which" if lower.startswith(("<?xml", "{")) else "a text that"
    return "%s begins %s" % (kind, _shown(text)), _WEIGHTS


def _decoded(head: bytes) -> Optional[str]:
    """Return the beginning of a file as text, None where it is none."""
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # else a letter that the end of what was read cuts
            return None
        text = head[: error.start].decode("utf-8-sig")
    text = text.lstrip()
    plain = text.startswith("<") or all(letter.isprintable() or letter.isspace() for letter in text)
    return text if plain else None


def _shown(text: str) -> str:
    """Return the beginning of a foreign text on one line, in quotes, without anything that a terminal obeys."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text[:500])
    return "'%s'" % " ".join(plain.split())[:60]
