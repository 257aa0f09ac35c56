"""Which layout a raw folder has, where in it, and which of its scenes belong to a published set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from orchestrator.datasets.raw.layout_folders import read_folders
from orchestrator.datasets.raw.layout_frames import read_frames
from orchestrator.datasets.raw.layout_sir2 import read_sir2
from orchestrator.datasets.raw.layout_tagged import read_tagged
from orchestrator.datasets.raw.layout_voc import Names, read_voc
from orchestrator.datasets.raw.reading import Grouping, RawScene, Reading
from orchestrator.datasets.raw.tree import RawTree, plain_name
from orchestrator.spec.published import Layout, Selection
from stagekit import BadInput

EVERY_SCENE = Selection()

_SHOWN = 12


@dataclass(frozen=True)
class Recognised:
    """The scenes of a dataset in a raw folder, and what a person should know of how they were found."""

    reading: Reading
    scenes: tuple[RawScene, ...]
    notes: tuple[str, ...] = ()


def recognise(
    tree: RawTree, layouts: Sequence[Layout], selection: Selection = EVERY_SCENE, names: Names | None = None
) -> Recognised:
    """Return a dataset's scenes in a raw folder.

    Args:
        names: The published list, needed by layouts of kind 'voc'.

    Raises:
        BadInput: Where no layout fits, with the nearest and what it misses; where several places fit; where scenes are
            not whole, all of which are named; where scenes that belong to the set are not there.
    """
    readings = [reading for layout in layouts for reading in _read(tree, layout, names)]
    fitting = [reading for reading in readings if reading.fits]
    if not fitting:
        _refuse_unknown(tree, layouts, readings)
    reading = _only(_preferred(fitting, tree, selection))
    problems = [*(f"{path} is a link that leads nowhere" for path in tree.broken), *reading.problems]
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BadInput(
            f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in {_place(reading.place)}: "
            + "; ".join(problems[:_SHOWN])
            + more,
            "complete or remove these files; scenes are never left out in silence",
        )
    scenes, notes = _selected(reading, tree, selection)
    if reading.passed_over:
        few = ", ".join(map(str, reading.passed_over[:3]))
        notes = (*notes, f"{len(reading.passed_over)} pictures belong to no scene and were passed over: {few}")
    return Recognised(replace(reading, scenes=()), scenes, notes)


def photographs(tree: RawTree) -> Recognised:
    """Return every picture below a folder as a scene of its own, named by its path without the end."""
    grouping = Grouping()
    for file in tree.files:
        grouping.add(plain_name(str(file.with_suffix(""))), "layer", file)
    if grouping.twice or tree.broken:
        broken = [f"{path} is a link that leads nowhere" for path in tree.broken]
        raise BadInput("; ".join([*broken, *grouping.twice][:_SHOWN]), "keep one of the files")
    layout = Layout(kind="voc")
    return Recognised(Reading(layout, PurePosixPath(".")), grouping.raw_scenes())


def _read(tree: RawTree, layout: Layout, names: Names | None) -> Iterator[Reading]:
    if layout.kind == "folders":
        yield from read_folders(tree, layout)
    elif layout.kind == "tagged":
        yield from read_tagged(tree, layout)
    elif layout.kind == "sir2":
        yield from read_sir2(tree, layout)
    elif layout.kind == "frames":
        yield from read_frames(tree, layout)
    else:
        assert names is not None  # who prepares such a layout reads the list first
        yield from read_voc(tree, layout, names)


def _refuse_unknown(tree: RawTree, layouts: Sequence[Layout], readings: Sequence[Reading]) -> None:
    known = "; ".join(dict.fromkeys(layout_words(layout) for layout in layouts))
    near = [reading for reading in readings if reading.nearness]
    if not near:
        tops = sorted({file.parts[0] for file in tree.files})
        there = ", ".join(tops[:5]) + (f" and {len(tops) - 5} more" if len(tops) > 5 else "")
        raise BadInput(f"{str(tree.root)!r} has none of the known layouts; it holds {there}", f"known are: {known}")
    nearest = max(near, key=lambda reading: reading.nearness)
    raise BadInput(
        f"{str(tree.root)!r} has none of the known layouts; nearest is {layout_words(nearest.layout)}, which misses "
        + "; ".join(nearest.missing),
        f"known are: {known}",
    )


def layout_words(layout: Layout) -> str:
    """Return a layout in words, for people."""
    layers = [layout.blended, layout.transmission, layout.reflection]
    parts = ", ".join(" or ".join(names) for names in layers if names)
    match layout.kind:
        case "folders":
            return f"folders {parts}"
        case "tagged":
            return f"one folder with files …-{parts.replace(', ', ', …-')}"
        case "sir2":
            return f"SIR2's folders ({' or '.join(layout.inside)}) with tags {parts}"
        case "frames":
            truth = " or ".join(layout.transmission)
            return f"videos (GROUP/VIDEO/{' or '.join(layout.blended)}_NUMBER with GROUP/{truth}_NAME/VIDEO_{truth})"
        case "voc":
            return "a folder of VOC2012's photographs (JPEGImages)"


def _preferred(fitting: Sequence[Reading], tree: RawTree, selection: Selection) -> list[Reading]:
    """Return those that lie in a folder with one of the names that the catalogue tells, where there are such."""

    def named(reading: Reading) -> bool:
        wanted = {name.casefold() for name in (*reading.layout.inside, *selection.folders)}
        above = [tree.root.name, *reading.place.parts]
        return any(part.casefold() in wanted for part in above)

    return [reading for reading in fitting if named(reading)] or list(fitting)


def _only(fitting: Sequence[Reading]) -> Reading:
    """Return the one reading; several layouts may read the same place, and then the first counts.

    Raises:
        BadInput: Where places differ.
    """
    places = dict.fromkeys(reading.place for reading in fitting)
    if len(places) > 1:
        named = ", ".join(_place(place) for place in list(places)[:_SHOWN])
        raise BadInput(f"{len(places)} folders fit: {named}", "name the one that is meant with --from")
    return fitting[0]


def _selected(reading: Reading, tree: RawTree, selection: Selection) -> tuple[tuple[RawScene, ...], tuple[str, ...]]:
    scenes = reading.scenes
    without = set(selection.without)
    kept = tuple(scene for scene in scenes if scene.name not in without)
    notes = []
    if not kept:
        raise BadInput(
            f"all {len(scenes)} scenes in {_place(reading.place)} belong to the test set, and none to this one",
            "take the download that holds the training pictures, or prepare the test set from this one",
        )
    if len(kept) < len(scenes):
        notes.append(f"{len(scenes) - len(kept)} scenes left out, which belong to the test set")
    if not selection.only:
        return kept, tuple(notes)
    there = {scene.name: scene for scene in kept}
    absent = [name for name in selection.only if name not in there]
    if not absent:
        return tuple(there[name] for name in selection.only), tuple(notes)
    exact = {name.casefold() for name in selection.folders}
    folders = {part.casefold() for part in (tree.root.name, *reading.place.parts)}
    if exact & folders and set(there) in _counted(len(selection.only)):
        return kept, (*notes, "names are not the published numbers; all scenes of the folder were taken")
    hint = "take a complete download, whose files keep their published numbers"
    padded = next((name for name in there if name.lstrip("0") in absent), None)
    if padded is not None:
        hint = f"rename the files: {padded!r} has leading zeros, and the published number is {padded.lstrip('0')!r}"
    raise BadInput(
        f"{len(absent)} of the {len(selection.only)} published test scenes are not there: {', '.join(absent)}", hint
    )


def _counted(count: int) -> list[set[str]]:
    """Return the names of scenes that were numbered anew, from 0 or from 1."""
    return [{str(number) for number in range(first, first + count)} for first in (0, 1)]


def _place(place: PurePosixPath) -> str:
    return "the folder itself" if str(place) == "." else repr(str(place))
