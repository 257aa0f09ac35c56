"""What of a picture's way through a network is kept on disk, so that a killed process loses a segment, no picture."""

import contextlib
import json
import math
import shutil
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.infer.held import Held
from orchestrator.infer.node import Array

EVERY_S = 30.0
"""Seconds of work that are worth keeping: shorter ones are done again."""

_LARGEST_SHARE = 0.1
"""Of the time, what keeping may take."""
_BYTES_PER_S = 500e6
"""What is taken for granted of the disk before anything was written."""
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)
"""What reading a way raises that is not whole."""
_STATE, _DECIDED = "state.json", "decided.npz"


@dataclass(frozen=True)
class Way:
    """How far a picture is. begin: the cut before which all is done; share: of the work, 0 to 1

    held: the maps that what follows reads, and finished outputs; decided: numbers of the whole picture
    """

    begin: int
    share: float
    held: Mapping[str, Held]
    decided: Mapping[str, Array]


@dataclass
class Kept:
    """The latest way of one picture. A way is whole when its state is written, which happens last.

    Nothing waits for the disk: after the machine itself went down, checksums tell what did not get there.

    folder: of this picture alone; identity: of network, picture and cuts: a way of another one is not taken up
    every: least seconds of work between two ways
    """

    folder: Path
    identity: str
    every: float = EVERY_S
    _last: float = field(default_factory=time.monotonic)
    _rate: float = _BYTES_PER_S
    _begin: int = 0
    _maps: dict[str, tuple[Path, int]] = field(default_factory=dict)
    """Of the latest way, where each map lies, and its checksum."""

    def found(self) -> Way | None:
        """Return the latest whole way that is of this identity."""
        for folder in sorted(self.folder.glob("way-*"), reverse=True):
            with contextlib.suppress(*_BROKEN):
                return self._read(folder)
        return None

    def offer(self, way: Way) -> None:
        """Keep a way where enough was done since the last one that losing it would hurt."""
        if time.monotonic() - self._last >= max(self.every, self._fresh(way) / self._rate / _LARGEST_SHARE):
            self.keep(way)

    def keep(self, way: Way) -> None:
        """Keep a way, unless it is that of before, and forget earlier ones.

        Where the disk has no room, nothing is kept, and nothing is lost.
        """
        if way.begin == self._begin:
            return
        began = time.monotonic()
        folder = self.folder / f"way-{way.begin:06d}"
        needed = self._fresh(way)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < 2 * needed:
                return
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            maps = self._write(folder, way)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            return
        self._maps, self._begin = maps, way.begin
        for other in self.folder.glob("way-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        self._last = time.monotonic()
        if needed:
            self._rate = needed / max(self._last - began, 1e-3)

    def _fresh(self, way: Way) -> int:
        """Return the bytes that keeping a way would write."""
        return sum(held.values.nbytes for name, held in way.held.items() if name not in self._maps)

    def _write(self, folder: Path, way: Way) -> dict[str, tuple[Path, int]]:
        maps: dict[str, tuple[Path, int]] = {}
        for place, (name, held) in enumerate(way.held.items()):
            path = folder / f"{place}.f32"
            if name in self._maps:
                # Maps never change once they are made: that of the way before is this one.
                before, checksum = self._maps[name]
                path.hardlink_to(before)
                maps[name] = path, checksum
            else:
                maps[name] = path, held.save(path)
        numbered: dict[str, Any] = {str(place): value for place, value in enumerate(way.decided.values())}
        np.savez(folder / _DECIDED, **numbered)
        state = {
            "identity": self.identity,
            "begin": way.begin,
            "share": way.share,
            "maps": [[name, list(held.values.shape), maps[name][1]] for name, held in way.held.items()],
            "decided": list(way.decided),
        }
        (folder / "state.partial").write_text(json.dumps(state), encoding="utf-8")
        (folder / "state.partial").rename(folder / _STATE)
        return maps

    def _read(self, folder: Path) -> Way:
        """Return the way in a folder.

        Raises: one of `_BROKEN` where it is not whole, or another's.
        """
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state["identity"] != self.identity:
            raise ValueError(folder)
        held, maps = {}, {}
        for place, (name, shape, checksum) in enumerate(state["maps"]):
            path = folder / f"{place}.f32"
            held[name] = Held.saved(path, shape)
            maps[name] = path, checksum
            if held[name].checksum() != checksum:
                raise ValueError(path)
        with np.load(folder / _DECIDED, allow_pickle=False) as stored:
            decided = {name: stored[str(place)] for place, name in enumerate(state["decided"])}
        begin, share = int(state["begin"]), float(state["share"])
        if not (begin >= 0 and math.isfinite(share)):
            raise ValueError(folder)
        self._maps, self._begin = maps, begin
        return Way(begin, share, held, decided)
