"""A small world around a program on hostile input, in which nothing may change but what the program is for."""

import ctypes
import ctypes.util
import hashlib
import os
import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SECRET = "nobody but its owner reads this\n"

_WRITES = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400
"""Of inotify: modified, attributes changed, closed after writing, moved, made, removed."""
_READS = 0x1 | 0x20
"""Of inotify: read, opened."""
_IS_FOLDER = 0x40000000
_NONBLOCKING = os.O_NONBLOCK | os.O_CLOEXEC
_HEAD = struct.Struct("iIII")


class Watch:
    """Hears of all that is done in some folders, even where it is undone again, by Linux's inotify."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
        self._descriptor = self._library.inotify_init1(_NONBLOCKING)
        assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
        self._folders = {}
        for folder in folders:
            number = self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), _WRITES | _READS)
            assert number >= 0, os.strerror(ctypes.get_errno())
            self._folders[number] = folder

    def heard(self) -> list[str]:
        """Return what was done to files of the folders since the last time; that a folder was listed is not counted."""
        found = []
        while content := self._read():
            place = 0
            while place < len(content):
                number, mask, _cookie, length = _HEAD.unpack_from(content, place)
                name = os.fsdecode(content[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0"))
                place += _HEAD.size + length
                if not (mask & _IS_FOLDER and mask & _READS):
                    found.append(f"{'read' if mask & _READS else 'changed'} {self._folders[number] / name}")
        return list(dict.fromkeys(found))

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, 2**16)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True)
class Place:
    """Where one row of the table lies.

    given: hostile files, which are read and never changed
    made: a folder for all that the program may write: store, data, results
    temporary: its TMPDIR, of which nothing may be left
    decoys: folders nearby that are none of its business
    samples: good things to spoil: `store`, which has the run `first`, and `data`, which has the dataset `own`
    """

    given: Path
    made: Path
    temporary: Path
    decoys: Path
    samples: Path

    def copy(self, name: str) -> Path:
        """Copy one of the samples to where the program finds it, and return its place."""
        return Path(shutil.copytree(self.samples / name, self.made / name, symlinks=True))


class GuardedTree:
    """A tree with a home, a working folder and neighbours, all of which are watched."""

    def __init__(self, root: Path, samples: Path) -> None:
        self.root, self._samples = root, samples
        self.home, self.folder, self.rows = root / "home", root / "here", root / "rows"
        decoys = [self.home, self.home / ".ssh", root / "decoys", root / "decoys" / "inner"]
        for folder in (*decoys, self.folder, self.rows):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in decoys:
            (folder / "decoy.txt").write_text(SECRET)
            (folder / "decoy.png").write_bytes(b"\x89PNG\r\n\x1a\n" + SECRET.encode())
        self._watch = Watch(decoys)
        self._count = 0

    def environment(self, place: Place) -> dict[str, str]:
        """Return the environment of a program of a row."""
        kept = {name: os.environ[name] for name in ("PATH", "DOCKER_HOST", "LANG") if name in os.environ}
        data = {"SIRR_DATA": os.fspath(place.made / "data"), "SIRR_STORE": os.fspath(place.made / "store")}
        return {**kept, **data, "HOME": os.fspath(self.home), "TMPDIR": os.fspath(place.temporary), "NO_COLOR": "1"}

    def place(self) -> Place:
        """Return new folders for a row; the decoys are the neighbours of the files that are given."""
        self._count += 1
        root = self.rows / str(self._count)
        place = Place(root / "given", root / "made", root / "temporary", self.root / "decoys", self._samples)
        for folder in (place.given, place.made, place.temporary):
            folder.mkdir(parents=True)
        for name in ("decoy.txt", "decoy.png"):
            (root / name).write_text(SECRET)
        return place

    def clear(self, place: Place) -> None:
        """Remove the folders of a row that is done: all that lies there is looked at for every row."""
        shutil.rmtree(place.given.parent)

    def state(self) -> dict[str, str]:
        """Return everything but what rows have made, with times and contents."""
        return {path.relative_to(self.root).as_posix(): _description(path) for path in self._guarded(self.root)}

    def _guarded(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.parent.parent == self.rows and path.name == "made":
                continue
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from self._guarded(path)

    def heard(self) -> list[str]:
        """Return what was done to files of the decoys, and forget it."""
        return self._watch.heard()

    def close(self) -> None:
        self._watch.close()


def _description(path: Path) -> str:
    status = path.lstat()
    text = f"{status.st_mode:o} {status.st_ino}"
    if path.is_symlink():
        return f"{text} {os.readlink(path)}"
    if not path.is_file():
        return text
    if status.st_size > 2**22:
        return f"{text} {status.st_mtime_ns} {status.st_size}"
    return f"{text} {status.st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
