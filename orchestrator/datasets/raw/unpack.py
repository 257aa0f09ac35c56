"""Archives, unpacked without harm: no links, nothing outside the folder, no more than expected."""

import bz2
import contextlib
import gzip
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from orchestrator.datasets.bounded_archives import BROKEN, ENCRYPTED, BoundedReads, opened_zip
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.errors import InputInvalid
from stagekit.inside import unsafe_id, unsafe_name

ARCHIVES = (".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".tar", ".tgz")
"""Ends of names by which a file is taken for an archive."""

_ENCRYPTED_FILE = "an encrypted file"

MARK = ".unpacked-by-sirr-orch"
"""A file in every folder that was made by unpacking: no other folder is ever replaced."""

_CHUNK_BYTES = 2**20
_HEADER_BYTES = 2**22
"""Of a member's header, names and the like; nothing has more than a few thousand."""
_PACKED: Mapping[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""How packed tar files begin."""
_HEAD_BYTES = 512
_LFS = b"version https://git-lfs"
_KINDS = (
    (b"PK\x03\x04", "a zip archive", ".zip"),
    (b"\x1f\x8b", "packed with gzip", ".tar.gz"),
    (b"BZh", "packed with bzip2", ".tar.bz2"),
    (b"\xfd7zXZ\0", "packed with xz", ".tar.xz"),
)
"""How archives begin, what they are, and an end of a name that is right for them."""
_UNREAD = (b"Rar!", b"7z\xbc\xaf\x27\x1c")
_SPARE_BYTES = 2**28
"""Of a disk, what unpacking leaves free."""
_BROKEN = (tarfile.TarError, *BROKEN)
"""What the readers of archives raise for what is none, or is not whole."""


@dataclass(frozen=True)
class UnpackLimits:
    """What an archive may unpack to; more is taken for an attack or a mistake."""

    members: int = 400_000
    member_bytes: int = 2**31
    total_bytes: int = 2**36


@dataclass(frozen=True)
class _Member:
    """One file of an archive.

    Attributes:
        kind: 'file', 'folder', or what else it is, in words.
        entry: As the archive's reader knows it.
    """

    name: str
    size: int
    kind: str
    entry: zipfile.ZipInfo | tarfile.TarInfo


def is_archive(path: Path) -> bool:
    """Return whether a file's name is that of an archive."""
    return path.name.lower().endswith(ARCHIVES)


def unpacked_name(archive: Path) -> str:
    """Return the name of the folder that an archive is unpacked into: its own without the end, a plain name."""
    end = next((end for end in ARCHIVES if archive.name.lower().endswith(end)), "")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", archive.name[: len(archive.name) - len(end)])[:80].strip("-.")
    return "unpacked" if unsafe_id(stem) else stem


def unpack(archive: Path, folder: Path, progress: ProgressCallback, limits: UnpackLimits = UnpackLimits()) -> None:
    """Write an archive's files into a folder, which appears only when all of them are there.

    A folder that was unpacked before is replaced; every other one stays as it is.

    Raises:
        InputInvalid: Where the archive is damaged, cut off, encrypted, too large, or holds links, devices, or paths
            that lead outside, or where the folder is not one that was unpacked; nothing is left behind.
    """
    refuse_to_replace(folder)
    refuse_others(archive)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_all(archive, partial, progress, limits)
        (partial / MARK).write_text(f"{archive.name}\n", encoding="utf-8", errors="replace")
        before = folder.with_name(f".{folder.name}.before")
        shutil.rmtree(before, ignore_errors=True)
        if folder.exists():
            folder.rename(before)
        partial.rename(folder)
        shutil.rmtree(before, ignore_errors=True)
    except _BROKEN as error:
        raise InputInvalid(
            f"{archive.name} is damaged or cut off: {str(error) or type(error).__name__}", hint="download it again"
        ) from error
    except OSError as error:
        if error.errno is None:
            raise InputInvalid(f"{archive.name} is damaged or cut off: {error}", hint="download it again") from error
        raise InputInvalid(f"{archive.name} cannot be unpacked: {error}", hint="free space, check rights") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse_others(archive: Path) -> None:
    """Name what a file really is that is given as an archive.

    Raises:
        InputInvalid: Where it is another thing.
    """
    with archive.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if not head:
        raise InputInvalid(f"{archive.name} is empty", hint="download it again")
    if re.match(rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", head, re.IGNORECASE):
        raise InputInvalid(
            f"{archive.name} is a web page and no archive: the address led to a page that asks, or says no",
            hint="open the address in a browser, agree to what the page asks, and save the file that it offers",
        )
    if head.startswith(_LFS):
        raise InputInvalid(
            f"{archive.name} is a pointer of Git LFS and not the file itself",
            hint="run 'git lfs pull' where it was cloned, or download the file itself",
        )
    called_zip = archive.name.lower().endswith(".zip")
    for magic, kind, end in _KINDS:
        if head.startswith(magic) and called_zip != (end == ".zip"):
            hint = f"rename it to {archive.stem}{end}, and name that"
            raise InputInvalid(f"{archive.name} is {kind}, whatever its name says", hint=hint)
    if head.startswith(_UNREAD):
        raise InputInvalid(
            f"{archive.name} is a RAR or 7z archive, which is not read", hint="unpack it by hand, and name the folder"
        )


def refuse_to_replace(folder: Path) -> None:
    """Raise InputInvalid where a folder is there that was not made by unpacking."""
    if folder.is_symlink() or (folder.exists() and not (folder / MARK).is_file()):
        raise InputInvalid(
            f"{folder} is there already and was not unpacked by this program: it is not replaced",
            hint="name that folder instead of the archive, or move it away",
        )


def _write_all(archive: Path, folder: Path, progress: ProgressCallback, limits: UnpackLimits) -> None:
    with _opened(archive) as opened:
        members = _checked(archive.name, opened.members(), limits)
        needed, free = sum(member.size for member in members), shutil.disk_usage(folder).free - _SPARE_BYTES
        if needed > free:
            raise InputInvalid(
                f"{archive.name} unpacks to {needed / 2**20:.0f} MiB, and {max(free, 0) / 2**20:.0f} MiB are free",
                where=str(folder.parent),
                hint="free some space",
            )
        for done, member in enumerate(members, 1):
            if member.kind == "file":
                target = folder / _inside(archive.name, member.name)
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(opened.stream(member), target, member.size)
            progress(done, len(members))


def _write(source: IO[bytes], target: Path, size: int) -> None:
    """Write no more than the archive's own table says, whatever the packed data unfold to."""
    left = size
    with source, target.open("xb") as stream:
        while chunk := source.read(min(_CHUNK_BYTES, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise ValueError(f"{target.name} is larger than the archive says")
            stream.write(chunk)
    if left:
        raise EOFError(f"{target.name} ends early")


def _checked(name: str, found: Iterator[_Member], limits: UnpackLimits) -> list[_Member]:
    """Return the members, none of which may do harm; no more are looked at than may be there."""
    members: list[_Member] = []
    files: set[str] = set()
    folders: set[str] = set()
    total = 0
    for member in found:
        members.append(member)
        total += member.size
        if len(members) > limits.members:
            raise _refused(name, f"holds more than {limits.members} files")
        if member.kind == _ENCRYPTED_FILE:
            raise InputInvalid(
                f"{name} is encrypted: {member.name!r} needs a password",
                hint="unpack it by hand with its password, and name the folder",
            )
        if member.kind not in {"file", "folder"}:
            raise _refused(name, f"holds {member.kind}, {member.name!r}")
        if member.size > limits.member_bytes:
            raise _refused(name, f"holds {member.name!r} of {member.size} bytes")
        if total > limits.total_bytes:
            raise _refused(name, f"unpacks to more than {limits.total_bytes} bytes")
        path = PurePosixPath(str(_inside(name, member.name)).casefold())
        folders.update(str(parent) for parent in path.parents)
        if member.kind == "file":
            if str(path) in files:
                raise _refused(name, f"holds {member.name!r} twice")
            files.add(str(path))
    clash = sorted(files & folders)
    if clash:
        raise _refused(name, f"holds {clash[0]!r} as a file and as a folder")
    return members


def _inside(name: str, member: str) -> PurePosixPath:
    """Return a member's path inside the folder.

    Raises:
        InputInvalid: Where it leads out of it, or is not one that a file should have.
    """
    path = PurePosixPath(member.replace("\\", "/"))
    inner = "" if path == PurePosixPath() else str(path)
    mistake = unsafe_name(inner) if inner else ""
    if mistake or (path.parts and ":" in path.parts[0]):
        raise _refused(name, f"holds the path {member!r}, which {mistake or 'leads outside'}")
    if path.name == MARK:
        raise _refused(name, f"holds the file {member!r}, by which unpacked folders are told")
    return path


def _refused(name: str, why: str) -> InputInvalid:
    return InputInvalid(
        f"{name} {why}: nothing was unpacked", hint="unpack it by hand if you trust it, and name the folder"
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator["_Archive"]:
    if path.name.lower().endswith(".zip"):
        with opened_zip(path) as zipped:
            yield _Archive(zipped, None)
    else:
        with (
            BoundedReads(_unfolded(path), _HEADER_BYTES) as stream,
            tarfile.open(fileobj=stream, mode="r:") as packed_tar,
        ):
            yield _Archive(None, packed_tar)


def _unfolded(path: Path) -> IO[bytes]:
    """Return a tar file's content, whatever it is packed with."""
    with path.open("rb") as stream:
        head = stream.read(8)
    opened = next((opened for magic, opened in _PACKED.items() if head.startswith(magic)), None)
    return path.open("rb") if opened is None else cast(IO[bytes], opened(path, "rb"))


@dataclass(frozen=True)
class _Archive:
    """A zip or tar archive by its members."""

    _zip: zipfile.ZipFile | None
    _tar: tarfile.TarFile | None

    def members(self) -> Iterator[_Member]:
        """Yield what it holds, one by one: a table can be endless."""
        return self._zip_members() if self._zip is not None else self._tar_members()

    def stream(self, member: _Member) -> IO[bytes]:
        if isinstance(member.entry, zipfile.ZipInfo):
            assert self._zip is not None
            return self._zip.open(member.entry)
        assert self._tar is not None
        stream = self._tar.extractfile(member.entry)
        assert stream is not None  # only plain files are asked for
        return stream

    def _zip_members(self) -> Iterator[_Member]:
        assert self._zip is not None
        for info in self._zip.infolist():
            mode = info.external_attr >> 16
            kind = "file"
            if info.is_dir():
                kind = "folder"
            elif stat.S_ISLNK(mode):
                kind = "a link"
            elif mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
                kind = "a special file"
            elif info.flag_bits & ENCRYPTED:
                kind = _ENCRYPTED_FILE
            yield _Member(info.filename, 0 if info.is_dir() else info.file_size, kind, info)

    def _tar_members(self) -> Iterator[_Member]:
        assert self._tar is not None
        for info in self._tar:
            kind = "a special file"
            if info.isdir():
                kind = "folder"
            elif info.issym() or info.islnk():
                kind = "a link"
            elif info.isreg() and not info.issparse():
                kind = "file"
            yield _Member(info.name, info.size if info.isreg() else 0, kind, info)
