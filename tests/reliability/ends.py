"""Counts how often the program of a stage came to its end: it leaves a file then, which the kernel tells of."""

import ctypes
import os
import struct
import threading
from collections import Counter
from pathlib import Path

from stagekit.program import DONE_FILE

_LIBC = ctypes.CDLL(None, use_errno=True)
_HEADER = struct.Struct("iIII")
_CREATE, _MOVED_TO = 0x100, 0x80
_POLL_S = 0.1


class EndsWatch(threading.Thread):
    """Watches the staging folders of a store from before anything is in them.

    Args:
        stagings: The folder that holds them.
    """

    def __init__(self, stagings: Path) -> None:
        super().__init__(daemon=True)
        self.ends: Counter[str] = Counter()
        """How often each key's program has ended well."""
        self._finished = threading.Event()
        self._folders: dict[int, Path] = {}
        self._depth = len(stagings.parts)
        self._handle = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watch(stagings)

    def run(self) -> None:
        """Count until `close`."""
        while not self._finished.wait(_POLL_S):
            self._read()

    def close(self) -> None:
        """End the watch, with all counted that has happened."""
        self._finished.set()
        self.join()
        self._read()
        os.close(self._handle)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._handle, 1 << 16)
            except BlockingIOError:
                return
            while data:
                number, kind, _, size = _HEADER.unpack_from(data)
                name = data[_HEADER.size : _HEADER.size + size].rstrip(b"\0").decode()
                data = data[_HEADER.size + size :]
                if name and number in self._folders:
                    self._found(self._folders[number] / name, moved=bool(kind & _MOVED_TO))

    def _found(self, path: Path, *, moved: bool) -> None:
        below = path.parts[self._depth :]
        if len(below) == 1 or below[1:] == ("work",):
            self._watch(path)
        elif below[1:] == ("work", DONE_FILE) and moved:
            self.ends[below[0]] += 1

    def _watch(self, folder: Path) -> None:
        """Watch a folder, and what was made in it before it was watched."""
        number = _LIBC.inotify_add_watch(self._handle, os.fsencode(folder), _CREATE | _MOVED_TO)
        if number < 0:  # it is gone again, or no folder
            return
        self._folders[number] = folder
        if folder.name != "work":
            for path in folder.iterdir():
                self._found(path, moved=False)
