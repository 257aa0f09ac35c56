"""Checkpoints of a picture on its way through a network: a killed process loses a segment, no picture."""

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

from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.graphs.node import Array

EVERY_S = 30.0
"""Seconds of work that are worth a checkpoint: shorter ones are done again."""

_LARGEST_SHARE = 0.1
"""Of the time, what writing checkpoints may take."""
_BYTES_PER_S = 500e6
"""What is taken for granted of the disk before anything was written."""
_BROKEN = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile)
"""What reading a resume point raises that is not whole."""
_STATE, _REDUCED = "state.json", "reduced.npz"


@dataclass(frozen=True)
class ResumePoint:
    """How far a picture is.

    Attributes:
        begin: The cut before which all is done.
        share: Of the work, 0 to 1.
        buffers: The live tensors that what follows reads, and finished outputs.
        reduced: Results of global reductions.
    """

    begin: int
    share: float
    buffers: Mapping[str, TensorBuffer]
    reduced: Mapping[str, Array]


@dataclass
class PictureCheckpoint:
    """The latest resume point of one picture, on disk. It is whole when its state is written, which happens last.

    Nothing waits for the disk: after the machine itself went down, checksums tell what did not get there.

    Attributes:
        folder: Of this picture alone.
        identity: Of network, picture and cuts: a point of another one is not taken up.
        every: Least seconds of work between two points.
    """

    folder: Path
    identity: str
    every: float = EVERY_S
    _last: float = field(default_factory=time.monotonic)
    _rate: float = _BYTES_PER_S
    _begin: int = 0
    _maps: dict[str, tuple[Path, int]] = field(default_factory=dict)
    """Of the latest point, where each tensor lies, and its checksum."""

    def latest(self) -> ResumePoint | None:
        """Return the latest whole resume point that is of this identity."""
        for folder in sorted(self.folder.glob("resume-*"), reverse=True):
            with contextlib.suppress(*_BROKEN):
                return self._read(folder)
        return None

    def offer(self, point: ResumePoint) -> None:
        """Save a resume point where enough was done since the last one that losing it would hurt."""
        if time.monotonic() - self._last >= max(self.every, self._fresh(point) / self._rate / _LARGEST_SHARE):
            self.save(point)

    def save(self, point: ResumePoint) -> None:
        """Save a resume point, unless it is that of before, and forget earlier ones.

        Where the disk has no room, nothing is saved, and nothing is lost.
        """
        if point.begin == self._begin:
            return
        began = time.monotonic()
        folder = self.folder / f"resume-{point.begin:06d}"
        needed = self._fresh(point)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(self.folder).free < 2 * needed:
                return
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            maps = self._write(folder, point)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            return
        self._maps, self._begin = maps, point.begin
        for other in self.folder.glob("resume-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        self._last = time.monotonic()
        if needed:
            self._rate = needed / max(self._last - began, 1e-3)

    def _fresh(self, point: ResumePoint) -> int:
        """Return the bytes that saving a resume point would write."""
        return sum(buffer.values.nbytes for name, buffer in point.buffers.items() if name not in self._maps)

    def _write(self, folder: Path, point: ResumePoint) -> dict[str, tuple[Path, int]]:
        maps: dict[str, tuple[Path, int]] = {}
        for place, (name, buffer) in enumerate(point.buffers.items()):
            path = folder / f"{place}.f32"
            if name in self._maps:
                # Tensors never change once they are made: that of the point before is this one.
                before, checksum = self._maps[name]
                path.hardlink_to(before)
                maps[name] = path, checksum
            else:
                maps[name] = path, buffer.save(path)
        numbered: dict[str, Any] = {str(place): value for place, value in enumerate(point.reduced.values())}
        np.savez(folder / _REDUCED, **numbered)
        state = {
            "identity": self.identity,
            "begin": point.begin,
            "share": point.share,
            "maps": [[name, list(buffer.values.shape), maps[name][1]] for name, buffer in point.buffers.items()],
            "reduced": list(point.reduced),
        }
        (folder / "state.partial").write_text(json.dumps(state), encoding="utf-8")
        (folder / "state.partial").rename(folder / _STATE)
        return maps

    def _read(self, folder: Path) -> ResumePoint:
        """Return the resume point in a folder.

        Raises one of `_BROKEN` where it is not whole, or another's.
        """
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        if state["identity"] != self.identity:
            raise ValueError(folder)
        buffers, maps = {}, {}
        for place, (name, shape, checksum) in enumerate(state["maps"]):
            path = folder / f"{place}.f32"
            buffers[name] = TensorBuffer.opened(path, shape)
            maps[name] = path, checksum
            if buffers[name].checksum() != checksum:
                raise ValueError(path)
        with np.load(folder / _REDUCED, allow_pickle=False) as stored:
            reduced = {name: stored[str(place)] for place, name in enumerate(state["reduced"])}
        begin, share = int(state["begin"]), float(state["share"])
        if not (begin >= 0 and math.isfinite(share)):
            raise ValueError(folder)
        self._maps, self._begin = maps, begin
        return ResumePoint(begin, share, buffers, reduced)
