"""A folder of pictures for each layer; the pictures of a scene have the same stem, or the same but for a tag."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from orchestrator.datasets.raw.reading import Reading, grouped, needed_layers, stem, subfolder
from orchestrator.datasets.raw.tags import tagged
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout

TAGS = {"blended": ("m", "input"), "transmission": ("g", "label1", "gt"), "reflection": ("r", "label2")}
"""Tags by which stems of the same scene may differ."""

LAYERS = ("blended", "transmission", "reflection")


def read_folders(tree: RawTree, layout: Layout) -> Iterator[Reading]:
    """Yield what the layout makes of every folder that holds a folder of blended pictures or of transmissions."""
    for place in tree.folders():
        folders = {layer: subfolder(tree, place, getattr(layout, layer)) for layer in LAYERS}
        if folders["blended"] or folders["transmission"]:
            yield _read(tree, layout, place, folders)


def _read(tree: RawTree, layout: Layout, place: PurePosixPath, folders: dict[str, list[PurePosixPath]]) -> Reading:
    needed = needed_layers(layout)
    missing = [
        f"a folder {' or '.join(map(repr, getattr(layout, layer)))} in {str(place)!r}"
        for layer in needed
        if not folders[layer]
    ]
    several = [
        f"{' and '.join(repr(str(folder)) for folder in holders)} both hold the {layer}"
        for layer, holders in folders.items()
        if len(holders) > 1
    ]
    present = {layer: holders[0] for layer, holders in folders.items() if holders}
    if missing or several:
        return Reading(layout, place, missing=(*missing, *several), nearness=len(present))
    files = [(layer, path) for layer, folder in present.items() for path in tree.inside(folder)]
    grouping = grouped(files, (stem, _without_tag), set(present))
    return Reading(
        layout,
        place,
        grouping.raw_scenes(),
        problems=tuple(grouping.problems(needed, ("reflection",))),
        nearness=len(present),
    )


def _without_tag(path: PurePosixPath) -> str:
    found = tagged(stem(path), TAGS)
    return stem(path) if found is None else found[1]
