"""SIR2 as its authors give it out: folders in folders, the layer told by a tag that may stand anywhere in the stem."""

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from orchestrator.datasets.raw.reading import Reading, grouped, needed_layers, stem, tagged_reading
from orchestrator.datasets.raw.tags import tagged
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout

LAYERS = ("blended", "transmission", "reflection")


def read_sir2(tree: RawTree, layout: Layout) -> Iterator[Reading]:
    """Yield what the layout makes of every folder with one of its names, and of the root.

    A scene is named by all folders above it inside that folder, so that equal names in different folders stay apart.
    """
    wanted = {name.casefold() for name in layout.inside}
    places = [place for place in tree.folders() if place.name.casefold() in wanted]
    if not places or tree.root.name.casefold() in wanted:
        places = [PurePosixPath(".")]
    for place in places:
        yield _read(tree, layout, place)


def _read(tree: RawTree, layout: Layout, place: PurePosixPath) -> Reading:
    tags = {layer: getattr(layout, layer) for layer in LAYERS}
    files, passed_over = [], []
    for file in tree.below(place):
        found = tagged(stem(file), tags)
        if found is None:
            passed_over.append(file)
        else:
            files.append((found[0], file))
    there = {layer for layer, _ in files}
    wanted = {*needed_layers(layout), *there}
    grouping = grouped(files, [_named(place, layout, part) for part in (1, 2)], wanted)

    def lacking(layer: str) -> str:
        return f"pictures with the tag {' or '.join(map(repr, tags[layer]))}"

    return tagged_reading(layout, place, grouping, lacking, passed_over)


def _named(place: PurePosixPath, layout: Layout, part: int) -> Callable[[PurePosixPath], str]:
    """Return how a scene is named.

    Whether what follows the tag belongs to the scene or to the layer is not documented: the way that leaves every scene
    whole is taken.

    Args:
        part: 1 for the stem without the tag, 2 for what stands before the tag alone.
    """
    tags = {layer: getattr(layout, layer) for layer in LAYERS}

    def name(path: PurePosixPath) -> str:
        found = tagged(stem(path), tags)
        assert found is not None  # only files with a tag are named
        above = path.parent.relative_to(place).parts
        return "/".join([*above, found[part]] if found[part] else above) or stem(path)

    return name
