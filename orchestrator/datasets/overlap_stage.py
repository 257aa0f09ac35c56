"""From prepared datasets to ``overlap.json``: what is trained on and tested on, and what is done about it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from orchestrator.datasets.overlap_search import LayerFile, SceneOverlap, find_overlaps
from orchestrator.datasets.progress_callback import ProgressCallback
from stagekit import BadInput, write_atomically

Action = Literal["stop", "accept", "drop"]
"""What happens where pictures are trained on and tested on."""

LAYERS = ("blended", "transmission", "reflection")

_NAMED = 12


@dataclass(frozen=True)
class OverlapComparison:
    """Which prepared datasets are compared. train: by what they are trained as, such as 'synthetic' or 'real'"""

    train: Mapping[str, Path]
    test: Sequence[Path]
    action: Action
    output: Path


def compare_datasets(comparison: OverlapComparison, progress: ProgressCallback, warn: Callable[[str], None]) -> None:
    """Write which training pictures are test pictures too, and which are dropped therefore.

    Raises: BadInput that names the pairs, where there are any and the action is "stop".
    """
    train = {role: _Folder.read(folder) for role, folder in comparison.train.items()}
    test = [_Folder.read(folder) for folder in comparison.test]
    ours = [layer for folder in train.values() for layer in folder.layers]
    theirs = [layer for folder in test for layer in folder.layers]
    overlaps = find_overlaps(ours, theirs, progress)
    if overlaps and comparison.action == "stop":
        raise BadInput(
            overlap_sentence(overlaps),
            "take these pictures out of the training data, write 'drop_overlap: true' into the spec to leave them out "
            "of the training, or 'accept_overlap: \"REASON\"' to go on with the reason on top of the report",
        )
    dropped = _dropped(train, overlaps) if comparison.action == "drop" else {role: [] for role in train}
    if overlaps:
        warn(overlap_sentence(overlaps))
    document = {
        "action": comparison.action,
        "train": {role: {"name": folder.name, "pictures": folder.files} for role, folder in train.items()},
        "test": [{"name": folder.name, "pictures": folder.files} for folder in test],
        "overlaps": [asdict(overlap) for overlap in overlaps],
        "dropped": dropped,
    }
    with write_atomically(str(comparison.output / "overlap.json"), "w") as stream:
        json.dump(document, stream, indent=1)


def overlap_sentence(overlaps: Sequence[SceneOverlap]) -> str:
    """Return which pictures are trained on and tested on; of many, the first are named."""
    count = f"{len(overlaps)} training picture{'s are' if len(overlaps) != 1 else ' is'} also tested on"
    more = f"; and {len(overlaps) - _NAMED} more" if len(overlaps) > _NAMED else ""
    return f"{count}: {'; '.join(map(_named, overlaps[:_NAMED]))}{more}"


def _named(overlap: SceneOverlap) -> str:
    how = overlap.kind if overlap.kind == "same pixels" else f"{overlap.kind}, correlation {overlap.correlation:.2f}"
    return (
        f"{overlap.train_dataset} {overlap.train_scene} = {overlap.test_dataset} {overlap.test_scene} "
        f"({how}; {', '.join(overlap.layers)})"
    )


def _dropped(train: Mapping[str, "_Folder"], overlaps: Sequence[SceneOverlap]) -> dict[str, list[str]]:
    return {
        role: sorted({overlap.train_scene for overlap in overlaps if overlap.train_dataset == folder.name})
        for role, folder in train.items()
    }


@dataclass(frozen=True)
class _Folder:
    """A prepared dataset's layers. files: how many different files they are"""

    name: str
    layers: tuple[LayerFile, ...]

    @property
    def files(self) -> int:
        return len({layer.path for layer in self.layers})

    @classmethod
    def read(cls, folder: Path) -> "_Folder":
        try:
            document: dict[str, Any] = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
            name, items = str(document["name"]), document["items"]
            layers = tuple(
                LayerFile(name, item["id"], layer, folder / item[layer])
                for item in items
                for layer in LAYERS
                if item.get(layer)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{folder} is not a prepared dataset: {error}") from error
        return cls(name, layers)
