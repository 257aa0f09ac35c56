"""What is odd about a prepared dataset: sizes, modes, moved pairs, foreign truths, equal layers, duplicates."""

import hashlib
import io
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from orchestrator.datasets.overlap_search import pixel_hash
from orchestrator.datasets.prepared_index import LAYERS, IndexItem
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.raw.shift import shift_estimate
from orchestrator.datasets.truths import TruthTrace, faults_in_words, truth_faults, truth_trace
from orchestrator.datasets.uniform import read_index
from stagekit.inside import read_inside

CheckName = Literal["files", "sizes", "modes", "aligned", "truths", "layers", "reflections", "duplicates"]
Severity = Literal["ok", "note", "warning", "error"]

_SHOWN = 5
_UNREADABLE = (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError)
"""What Pillow raises for a PNG file that is none, is not whole, or is far too large."""
_EMPTY_LEVELS = 2.0
"""A reflection whose largest value is below this, in grey levels, adds nothing that can be seen."""


@dataclass(frozen=True)
class DatasetFinding:
    """What one check found.

    Attributes:
        scenes: All that it concerns.
        message: What it is, in words; empty scenes where all is well.
    """

    check: CheckName
    severity: Severity
    message: str
    scenes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What was measured on one scene."""

    id: str
    wrong: tuple[str, ...]
    hashes: Mapping[str, str]
    sizes: Mapping[str, tuple[int, int]]
    shift: tuple[int, int] | None
    truth: TruthTrace | None
    empty: bool


def check_dataset(folder: Path, progress: ProgressCallback) -> list[DatasetFinding]:
    """Return a finding for every check of a prepared dataset, in a fixed order; an error means that it was changed.

    Raises:
        BadInput: Where the folder holds no prepared dataset.
    """
    index = read_index(folder)
    entries = index.items
    seen = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for one in pool.map(lambda entry: _seen(folder, entry), entries):
            seen.append(one)
            progress(len(seen), len(entries))
    return [
        _files(seen),
        _sizes(seen),
        _modes(entries),
        _aligned(seen, index.role),
        _truths(seen, index.role),
        _layers(seen, index.role),
        _reflections(seen, entries, index.role),
        *_duplicates(seen),
    ]


def _seen(folder: Path, entry: IndexItem) -> _Seen:
    wrong, pictures = [], {}
    for layer in LAYERS:
        stored = entry.layers.get(layer)
        if stored is None:
            continue
        try:
            content = read_inside(folder, stored.file)
            if hashlib.sha256(content).hexdigest() != stored.sha256:
                wrong.append(f"{stored.file} was changed")
            with Image.open(io.BytesIO(content), formats=("PNG",)) as opened:
                if opened.size != (entry.width, entry.height):
                    wrong.append(f"{stored.file} has another size than the index says")
                    continue
                pictures[layer] = np.asarray(opened.convert("RGB"))
        except _UNREADABLE as error:
            wrong.append(f"{stored.file}: {str(error) or type(error).__name__}")
    blended, transmission = pictures.get("blended"), pictures.get("transmission")
    comparable = blended is not None and transmission is not None and blended.shape == transmission.shape
    reflection = pictures.get("reflection")
    return _Seen(
        entry.id,
        tuple(wrong),
        {layer: pixel_hash(pixels) for layer, pixels in pictures.items()},
        {layer: pixels.shape[:2] for layer, pixels in pictures.items()},
        shift_estimate(blended, transmission) if comparable else None,  # type: ignore[arg-type]  # both are there
        truth_trace(blended, transmission) if comparable else None,  # type: ignore[arg-type]
        reflection is not None and float(reflection.max()) < _EMPTY_LEVELS,
    )


def _files(seen: Sequence[_Seen]) -> DatasetFinding:
    wrong = {one.id: one.wrong for one in seen if one.wrong}
    if wrong:
        words = "; ".join(problem for problems in list(wrong.values())[:_SHOWN] for problem in problems)
        return DatasetFinding("files", "error", f"not as they were prepared: {words}", tuple(wrong))
    return DatasetFinding("files", "ok", f"{len(seen)} scenes, every file as it was prepared")


def _sizes(seen: Sequence[_Seen]) -> DatasetFinding:
    unequal = [one.id for one in seen if len(set(one.sizes.values())) > 1]
    if unequal:
        return DatasetFinding("sizes", "error", "layers of one scene have different sizes", tuple(unequal))
    sizes = {size for one in seen for size in one.sizes.values()}
    odd = [one.id for one in seen if any(side % 4 for size in one.sizes.values() for side in size)]
    words = f"{len(sizes)} different size{'s' if len(sizes) != 1 else ''}"
    if odd:
        return DatasetFinding(
            "sizes", "note", f"{words}; sides that are no multiples of 4, which IBCLN's program resizes", tuple(odd)
        )
    return DatasetFinding("sizes", "ok", words)


def _modes(entries: Sequence[IndexItem]) -> DatasetFinding:
    noted = {entry.id: entry.notes for entry in entries if entry.notes}
    if not noted:
        return DatasetFinding("modes", "ok", "all raw files were plain 8-bit RGB")
    words = dict.fromkeys(note for notes in noted.values() for note in notes)
    return DatasetFinding("modes", "note", "; ".join(words), tuple(noted))


def _aligned(seen: Sequence[_Seen], role: str) -> DatasetFinding:
    if role != "pairs":
        return DatasetFinding("aligned", "ok", "no pairs")
    moved = {one.id: one.shift for one in seen if one.shift not in {None, (0, 0)}}
    measured = sum(one.shift is not None for one in seen)
    if moved:
        words = ", ".join(f"{name} by {shift}" for name, shift in list(moved.items())[:_SHOWN])
        message = f"the transmission is moved against the blended picture (rows, columns): {words}"
        return DatasetFinding("aligned", "warning", message, tuple(moved))
    unknown = f"; {len(seen) - measured} share too little detail to tell" if measured < len(seen) else ""
    return DatasetFinding("aligned", "ok", f"{measured} pairs lie on each other{unknown}")


def _truths(seen: Sequence[_Seen], role: str) -> DatasetFinding:
    """Return which truths are not those of their pictures: another scene's, mirrored, turned, of other colours."""
    if role != "pairs":
        return DatasetFinding("truths", "ok", "no pairs")
    traces = {one.id: one.truth for one in seen if one.truth is not None}
    faults = truth_faults(traces)
    if faults:
        return DatasetFinding("truths", "error", faults_in_words(faults, len(seen)), tuple(faults))
    belong = sum(trace.belongs for trace in traces.values())
    unknown = f"; {len(seen) - belong} share too little detail to tell" if belong < len(seen) else ""
    return DatasetFinding("truths", "ok", f"{belong} transmissions belong to their blended pictures{unknown}")


def _layers(seen: Sequence[_Seen], role: str) -> DatasetFinding:
    same = [one.id for one in seen if role == "pairs" and len(set(one.hashes.values())) < len(one.hashes)]
    if same:
        return DatasetFinding("layers", "warning", "two layers of one scene are the same picture", tuple(same))
    return DatasetFinding("layers", "ok", "the layers of every scene differ" if role == "pairs" else "no pairs")


def _reflections(seen: Sequence[_Seen], entries: Sequence[IndexItem], role: str) -> DatasetFinding:
    empty = [one.id for one in seen if one.empty]
    if empty:
        return DatasetFinding("reflections", "warning", "reflections are black", tuple(empty))
    have = sum("reflection" in entry.layers for entry in entries)
    words = f"{have} of {len(entries)} scenes have one" if role == "pairs" else "no pairs"
    return DatasetFinding("reflections", "ok", words)


def _duplicates(seen: Sequence[_Seen]) -> Iterator[DatasetFinding]:
    """Yield which scenes share a blended picture, a warning, or another layer, as sets do on purpose."""
    for layer in LAYERS:
        places: defaultdict[str, list[str]] = defaultdict(list)
        for one in seen:
            if layer in one.hashes:
                places[one.hashes[layer]].append(one.id)
        groups = [names for names in places.values() if len(names) > 1]
        if not groups:
            continue
        words = "; ".join(" = ".join(names[:_SHOWN]) for names in groups[:_SHOWN])
        severity: Severity = "warning" if layer == "blended" else "note"
        scenes = tuple(name for names in groups for name in names)
        yield DatasetFinding("duplicates", severity, f"scenes with the same {layer}: {words}", scenes)
    if all(len({one.hashes.get(layer, one.id) for one in seen}) == len(seen) for layer in LAYERS):
        yield DatasetFinding("duplicates", "ok", "no picture is there twice")
