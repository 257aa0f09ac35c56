"""Archives, unpacked without harm: no links, nothing outside the folder, no more than expected."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.errors import InputInvalid

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Ends of names by which a file is taken for an archive."""

_CHUNK_BYTES = 2**20


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
        kind: 'file', 'folder', or what else it is.
    """

    name: str
    size: int
    kind: str


def is_archive(path: Path) -> bool:
    """Return whether a file's name is that of an archive."""
    return path.name.lower().endswith(ARCHIVES)


def unpack(archive: Path, folder: Path, progress: ProgressCallback, limits: UnpackLimits = UnpackLimits()) -> None:
    """Write an archive's files into a folder, which appears only when all of them are there.

    Raises:
        InputInvalid: Where the archive is damaged, cut off, too large, or holds links, devices, or paths that lead
            outside; nothing is left behind.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write_all(archive, partial, progress, limits)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, zipfile.BadZipFile):
            raise InputInvalid(
                f"{archive.name} cannot be unpacked: {error}", hint="free space, check rights"
            ) from error
        raise InputInvalid(
            f"{archive.name} is damaged or cut off: {error or type(error).__name__}", hint="download it again"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_all(archive: Path, folder: Path, progress: ProgressCallback, limits: UnpackLimits) -> None:
    with _Opened(archive) as opened:
        members = opened.members
        _check(archive.name, members, limits)
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


def _check(name: str, members: list[_Member], limits: UnpackLimits) -> None:
    if len(members) > limits.members:
        raise _refused(name, f"holds {len(members)} files; at most {limits.members} are unpacked")
    total = sum(member.size for member in members)
    if total > limits.total_bytes:
        raise _refused(name, f"unpacks to {total} bytes; at most {limits.total_bytes} are unpacked")
    seen: set[str] = set()
    for member in members:
        inside = str(_inside(name, member.name))
        if member.kind not in {"file", "folder"}:
            raise _refused(name, f"holds a {member.kind}, {member.name!r}")
        if member.size > limits.member_bytes:
            raise _refused(name, f"holds {member.name!r} of {member.size} bytes")
        if member.kind == "file" and inside.casefold() in seen:
            raise _refused(name, f"holds {member.name!r} twice")
        seen |= {inside.casefold()} if member.kind == "file" else set()


def _inside(name: str, member: str) -> PurePosixPath:
    """Return a member's path inside the folder.

    Raises:
        InputInvalid: Where it leads out of it.
    """
    path = PurePosixPath(member.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]) or "\0" in member:
        raise _refused(name, f"holds the path {member!r}, which leads outside")
    return path


def _refused(name: str, why: str) -> InputInvalid:
    return InputInvalid(
        f"{name} {why}: nothing was unpacked", hint="unpack it by hand if you trust it, and name the folder"
    )


class _Opened:
    """A zip or tar archive by its members."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path) if path.name.lower().endswith(".zip") else None
        # Opened from start to end for good: the handle lives as long as this object, which is a context manager.
        self._tar = tarfile.open(path) if self._zip is None else None  # noqa: SIM115

    def __enter__(self) -> "_Opened":
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (self._zip, self._tar):
            if opened is not None:
                opened.close()

    @property
    def members(self) -> list[_Member]:
        return list(self._zip_members() if self._zip is not None else self._tar_members())

    def stream(self, member: _Member) -> IO[bytes]:
        if self._zip is not None:
            return self._zip.open(member.name)
        assert self._tar is not None
        stream = self._tar.extractfile(member.name)
        assert stream is not None  # only plain files are asked for
        return stream

    def _zip_members(self) -> Iterator[_Member]:
        assert self._zip is not None
        for info in self._zip.infolist():
            mode = info.external_attr >> 16
            linked = stat.S_ISLNK(mode)
            other = mode and not linked and stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}
            kind = "folder" if info.is_dir() else "link" if linked else "special file" if other else "file"
            yield _Member(info.filename, 0 if info.is_dir() else info.file_size, kind)

    def _tar_members(self) -> Iterator[_Member]:
        assert self._tar is not None
        for info in self._tar:
            linked = info.issym() or info.islnk()
            kind = "folder" if info.isdir() else "file" if info.isreg() else "link" if linked else "special file"
            yield _Member(info.name, info.size if info.isreg() else 0, kind)
