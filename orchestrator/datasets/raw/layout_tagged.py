"""All layers in one folder, told apart by the end of the stem, as CEILNet's sets are."""

from collections.abc import Iterator
from functools import partial
from pathlib import PurePosixPath

from orchestrator.datasets.raw.reading import Grouping, Reading, stem, tagged_reading
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout

LAYERS = ("blended", "transmission", "reflection")


def read_tagged(tree: RawTree, layout: Layout) -> Iterator[Reading]:
    """Yield what the layout makes of every folder that holds a picture with one of its tags."""
    for place in tree.folders():
        grouping = Grouping()
        passed_over = []
        for file in tree.inside(place):
            found = _layer(file, layout)
            if found is None:
                passed_over.append(file)
            else:
                grouping.add(found[1], found[0], file)
        if grouping.scenes:
            yield tagged_reading(layout, place, grouping, partial(_called, layout), passed_over)


def _layer(file: PurePosixPath, layout: Layout) -> tuple[str, str] | None:
    """Return a file's layer and scene."""
    name = stem(file)
    for layer in LAYERS:
        for tag in getattr(layout, layer):
            for separator in "-_":
                if name.casefold().endswith(f"{separator}{tag}".casefold()) and len(name) > len(tag) + 1:
                    return layer, name[: -len(tag) - 1]
    return None


def _called(layout: Layout, layer: str) -> str:
    return f"pictures called {' or '.join(f'…-{tag}' for tag in getattr(layout, layer))}"
