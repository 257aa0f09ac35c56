"""What a layout makes of a raw folder: its scenes, or what is missing for it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from orchestrator.datasets.identifiers import natural_order, shown_name
from orchestrator.datasets.raw.tree import RawTree, plain_name
from orchestrator.spec.published import Layout

LayerName = str
"""'blended', 'transmission', 'reflection', or 'layer' for photographs that serve as either."""


@dataclass(frozen=True)
class RawScene:
    """One scene.

    Attributes:
        name: As the raw files tell it.
        files: Layer to path in the tree.
    """

    name: str
    files: Mapping[LayerName, PurePosixPath]


@dataclass(frozen=True)
class Reading:
    """A layout, read at a place of a raw tree.

    Attributes:
        missing: What the layout needs and the place has not, in words; empty where it fits.
        problems: Scenes that are not whole, two files for one layer of a scene: a fitting layout with these is refused.
        passed_over: Pictures that belong to no scene.
    """

    layout: Layout
    place: PurePosixPath
    scenes: tuple[RawScene, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    passed_over: tuple[PurePosixPath, ...] = ()
    nearness: int = 0
    """How many of the layout's parts are there: tells which layout was nearest where none fits."""

    @property
    def fits(self) -> bool:
        """Whether the place has all that the layout needs."""
        return not self.missing


@dataclass
class Grouping:
    """Collects files as layers of scenes, and what is wrong with them."""

    scenes: dict[str, dict[LayerName, PurePosixPath]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    def add(self, scene: str, layer: LayerName, path: PurePosixPath) -> None:
        """Put a file in its place; a second one for the same place is a problem."""
        layers = self.scenes.setdefault(scene, {})
        if layer in layers:
            self.twice.append(f"{_shown(layers[layer])} and {_shown(path)} are both {layer} of {shown_name(scene)!r}")
        else:
            layers[layer] = path

    def problems(self, needed: Sequence[LayerName], optional: Sequence[LayerName] = ()) -> list[str]:
        """Return every scene that lacks a layer; an optional layer is lacked where other scenes have it."""
        used = {layer for layers in self.scenes.values() for layer in layers}
        wanted = [*needed, *(layer for layer in optional if layer in used)]
        alone = [
            f"{_shown(next(iter(layers.values())))} has no {layer}"
            for _, layers in sorted(self.scenes.items())
            for layer in wanted
            if layer not in layers
        ]
        return [*self.twice, *alone]

    def raw_scenes(self) -> tuple[RawScene, ...]:
        """Return the scenes in the order of their names: numbers by value, as people count."""
        return tuple(RawScene(name, dict(self.scenes[name])) for name in sorted(self.scenes, key=natural_order))


def needed_layers(layout: Layout) -> list[LayerName]:
    """Return the layers without which a place is not of this layout."""
    return ["blended", "transmission", *(["reflection"] if layout.reflection_needed else [])]


def tagged_reading(
    layout: Layout,
    place: PurePosixPath,
    grouping: Grouping,
    lacking: Callable[[LayerName], str],
    passed_over: Sequence[PurePosixPath],
) -> Reading:
    """Return a place whose layers are told by tags in the names.

    Args:
        lacking: Words for a layer without any picture.
    """
    needed = needed_layers(layout)
    there = {layer for layers in grouping.scenes.values() for layer in layers}
    missing = tuple(f"{lacking(layer)} in {str(place)!r}" for layer in needed if layer not in there)
    if missing:
        return Reading(layout, place, missing=missing, nearness=len(there))
    return Reading(
        layout,
        place,
        grouping.raw_scenes(),
        problems=tuple(grouping.problems(needed, ("reflection",))),
        passed_over=tuple(passed_over),
        nearness=len(there),
    )


def grouped(
    files: Iterable[tuple[LayerName, PurePosixPath]], keys: Sequence[Callable[[PurePosixPath], str]], needed: set[str]
) -> Grouping:
    """Return files as scenes by the first of several ways to name a scene by which every scene is whole.

    Where none is, the first way's grouping is returned, with its problems.
    """
    listed = list(files)
    groupings = []
    for key in keys:
        grouping = Grouping()
        for layer, path in listed:
            grouping.add(key(path), layer, path)
        whole = not grouping.twice and all(needed <= set(layers) for layers in grouping.scenes.values())
        if whole:
            return grouping
        groupings.append(grouping)
    return groupings[0]


def stem(path: PurePosixPath) -> str:
    """Return a file's name without its end, in one Unicode form."""
    return plain_name(path.stem)


def by_stem(files: Iterable[PurePosixPath]) -> dict[str, list[PurePosixPath]]:
    """Return files by their stems."""
    found: defaultdict[str, list[PurePosixPath]] = defaultdict(list)
    for file in files:
        found[stem(file)].append(file)
    return dict(found)


def subfolder(tree: RawTree, place: PurePosixPath, names: Sequence[str]) -> list[PurePosixPath]:
    """Return the folders right below a place that have one of the names, whatever their capitals."""
    wanted = {name.casefold() for name in names}
    parents = {file.parent for file in tree.files}
    return sorted(folder for folder in parents if folder.parent == place and folder.name.casefold() in wanted)


def _shown(path: PurePosixPath) -> str:
    return shown_name(str(path))
