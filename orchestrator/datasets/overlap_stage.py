"""From prepared datasets to ``overlap.json``: what is trained on and tested on, and what is done about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.datasets.overlap_search import LayerFile, find_overlaps
from orchestrator.datasets.progress_callback import ProgressCallback
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile
from stagekit.results.overlap import ComparedDataset, OverlapAction, OverlapFile, SceneOverlap

LAYERS = ("blended", "transmission", "reflection")

_NAMED = 12


@dataclass(frozen=True)
class OverlapComparison:
    """Which prepared datasets are compared.

    Attributes:
        train: By what they are trained as, such as 'synthetic' or 'real'.
    """

    train: Mapping[str, Path]
    test: Sequence[Path]
    action: OverlapAction
    output: Path


def compare_datasets(
    comparison: OverlapComparison,
    progress: ProgressCallback,
    warn: Callable[[str], None],
    record: Callable[[str], None],
) -> None:
    """Write which training pictures are test pictures too, and which are dropped therefore.

    Args:
        record: Called with each of them in words, for the stage's log.

    Raises:
        BadInput: Names the pairs, where there are any and the action is "stop".
    """
    train = {role: _Folder.read(folder) for role, folder in comparison.train.items()}
    test = [_Folder.read(folder) for folder in comparison.test]
    ours = [layer for folder in train.values() for layer in folder.layers]
    theirs = [layer for folder in test for layer in folder.layers]
    overlaps = find_overlaps(ours, theirs, progress)
    for overlap in overlaps:
        record(f"trained on and tested on: {_named(overlap)}")
    if overlaps and comparison.action == "stop":
        raise BadInput(
            overlap_sentence(overlaps),
            "take these pictures out of the training data, write 'drop_overlap: true' into the spec to leave them out "
            "of the training, or 'accept_overlap: \"REASON\"' to go on with the reason on top of the report",
        )
    dropped = _dropped(train, overlaps) if comparison.action == "drop" else dict.fromkeys(train, ())
    if overlaps:
        warn(overlap_sentence(overlaps))
    OverlapFile(
        action=comparison.action,
        train={role: ComparedDataset(folder.name, folder.files) for role, folder in train.items()},
        test=tuple(ComparedDataset(folder.name, folder.files) for folder in test),
        overlaps=tuple(overlaps),
        dropped=dropped,
    ).save(comparison.output)


def overlap_sentence(overlaps: Sequence[SceneOverlap]) -> str:
    """Return which pictures are trained on and tested on; of many, the first are named, and where all of them are."""
    count = f"{len(overlaps)} training picture{'s are' if len(overlaps) != 1 else ' is'} also tested on"
    more = f"; and {len(overlaps) - _NAMED} more, which the stage's log names" if len(overlaps) > _NAMED else ""
    return f"{count}: {'; '.join(map(_named, overlaps[:_NAMED]))}{more}"


def _named(overlap: SceneOverlap) -> str:
    how = overlap.kind if overlap.kind == "same pixels" else f"{overlap.kind}, correlation {overlap.correlation:.2f}"
    return (
        f"{overlap.train_dataset} {overlap.train_scene} = {overlap.test_dataset} {overlap.test_scene} "
        f"({how}; {', '.join(overlap.layers)})"
    )


def _dropped(train: Mapping[str, "_Folder"], overlaps: Sequence[SceneOverlap]) -> dict[str, tuple[str, ...]]:
    return {
        role: tuple(sorted({overlap.train_scene for overlap in overlaps if overlap.train_dataset == folder.name}))
        for role, folder in train.items()
    }


@dataclass(frozen=True)
class _Folder:
    """A prepared dataset's layers.

    Attributes:
        files: How many different files they are.
    """

    name: str
    layers: tuple[LayerFile, ...]

    @property
    def files(self) -> int:
        return len({layer.path for layer in self.layers})

    @classmethod
    def read(cls, folder: Path) -> "_Folder":
        dataset = DatasetFile.load(folder)
        return cls(
            dataset.name,
            tuple(
                LayerFile(dataset.name, item.id, layer, folder / path)
                for item in dataset.items
                for layer in LAYERS
                if (path := getattr(item, layer)) is not None
            ),
        )
