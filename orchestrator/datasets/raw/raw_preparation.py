"""A raw folder as a uniform dataset with an index."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.raw.decoding import stored_scenes
from orchestrator.datasets.raw.encode import SIZES_DIFFER, SceneJob, StoredScene
from orchestrator.datasets.raw.recognise import Recognised
from orchestrator.datasets.raw.variant import FoundVariant, found_variant
from orchestrator.datasets.uniform import INDEX, SCHEMA, read_index
from orchestrator.spec.published import Variant
from stagekit import BadInput, write_atomically

_SHOWN = 12


@dataclass(frozen=True)
class PreparationOrder:
    """What is to be prepared.

    Attributes:
        name: As the report shows them.
        title: As the report shows them.
        source: As the report shows them.
        catalogue: The published set's name, None for a user's own.
        output: Where the dataset goes; it is replaced as a whole.
        changed: Pictures of other kinds than 8-bit RGB are converted, each with a note; else they are refused.
    """

    name: str
    title: str
    source: str
    role: Literal["layers", "pairs"]
    output: Path
    catalogue: str | None = None
    variants: Sequence[Variant] = ()
    changed: bool = False
    workers: int | None = None


def prepare_raw(order: PreparationOrder, root: Path, found: Recognised, progress: ProgressCallback) -> FoundVariant:
    """Write a dataset's pictures and its index; where it fails, what was there before stays, and nothing else.

    Raises:
        BadInput: Names every scene that cannot be prepared.
    """
    partial = order.output.with_name(f".{order.output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        scenes = _stored(order, root, found, partial, progress)
        variant = found_variant(scenes, order.variants)
        _write_index(order, found, scenes, variant, partial)
        read_index(partial)  # what the decoding process answered lies inside, as everything that reads it demands
        _exchange(partial, order.output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return variant


def _exchange(made: Path, place: Path) -> None:
    """Put a folder at its place; what was there is deleted only when the new one stands."""
    before = place.with_name(f".{place.name}.before")
    shutil.rmtree(before, ignore_errors=True)
    if place.exists():
        place.rename(before)
    made.rename(place)
    shutil.rmtree(before, ignore_errors=True)


def _stored(
    order: PreparationOrder, root: Path, found: Recognised, output: Path, progress: ProgressCallback
) -> list[StoredScene]:
    layout = found.reading.layout
    identifiers = safe_identifiers(scene.name for scene in found.scenes)
    jobs = [
        SceneJob(identifier, scene.name, root, scene.files, output, layout.size, order.changed)
        for identifier, scene in zip(identifiers, found.scenes, strict=True)
    ]
    answers = stored_scenes(jobs, order.workers, progress)
    problems = [answer for answer in answers if isinstance(answer, str)]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BadInput(
            f"{len(problems)} of {len(jobs)} scenes cannot be prepared: {'; '.join(problems[:_SHOWN])}{more}",
            _remedy(problems),
        )
    return [answer for answer in answers if isinstance(answer, StoredScene)]


def _remedy(problems: Sequence[str]) -> str:
    """Return what to do; files of other sizes than their partners are whole, and were changed by somebody."""
    if all(SIZES_DIFFER in problem for problem in problems):
        return (
            "take both files of a pair as they were published, or bring your own to one size; nothing is resized "
            "here, as that changes scores"
        )
    return "replace these files by whole ones of a kind that is read; scenes are never left out in silence"


def _write_index(
    order: PreparationOrder, found: Recognised, scenes: Sequence[StoredScene], variant: FoundVariant, folder: Path
) -> None:
    index: dict[str, Any] = {
        "schema": SCHEMA,
        "name": order.name,
        "title": order.title,
        "source": order.source,
        "role": order.role,
        "catalogue": order.catalogue,
        "variant": asdict(variant),
        "layout": {"kind": found.reading.layout.kind, "place": str(found.reading.place)},
        "warnings": [*found.notes, *_summary(scenes)],
        "items": [asdict(scene) for scene in scenes],
    }
    with write_atomically(str(folder / INDEX), "w") as stream:
        json.dump(index, stream, indent=1)


def _summary(scenes: Sequence[StoredScene]) -> list[str]:
    """Return each different note of the scenes once, with how many have it."""
    counts: dict[str, int] = {}
    for scene in scenes:
        for note in scene.notes:
            counts[note] = counts.get(note, 0) + 1
    return [f"{count} scene{'s' if count != 1 else ''}: {note}" for note, count in counts.items()]
