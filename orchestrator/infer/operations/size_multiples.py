"""Networks that take multiples of some number of pixels: edges are repeated up to one, and the answers are cropped."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from orchestrator.infer.graphs.graph import Graph, ordered
from orchestrator.infer.graphs.node import AnyNode, Map
from orchestrator.infer.graphs.region import AXES, ROWS, Size
from orchestrator.infer.graphs.resampling import Take
from orchestrator.infer.loading.model_file import PictureRefused, is_picture
from orchestrator.infer.loading.model_loader import Loader, SizesDiffer
from orchestrator.infer.operations.op_resampling import take_places

_MULTIPLES = (2, 4, 8, 16, 32, 64, 128)


def fitting_multiple(graph: Graph, graph_at: Callable[[Size], Graph]) -> int:
    """Return of which number height and width must be multiples; 1 where the network takes the graph's size.

    One that takes it and answers with pictures of other sizes, whatever the multiple, has 1 too.

    Args:
        graph: At a size of picture.
        graph_at: Returns the network at another size.

    Raises:
        PictureRefused: Where maps of different sizes meet at all that are tried.
    """
    if _fits(graph):
        return 1
    for multiple in _MULTIPLES:
        if _fits(graph_at(_odd_multiple(graph.size, multiple))):
            return multiple
    met = [one for one in graph.not_tileable if one.why.startswith(SizesDiffer.WORDS)]
    if met:
        raise PictureRefused(f"the network takes no picture of {graph.size} pixels: {met[0]}")
    return 1


def padded_size(size: Size, multiple: int) -> Size:
    """Return the smallest size of such multiples that holds a picture."""
    return Size(*(-(-size.along(axis) // multiple) * multiple for axis in AXES))


def own_size(answer: Size, size: Size, multiple: int) -> Size:
    """Return how much of an answer to a padded picture answers the picture itself, in the answer's own scale.

    Args:
        answer: Size of the whole answer.
        size: Of the picture, before it was padded.
    """
    whole = padded_size(size, multiple)
    return Size(*(-(-size.along(axis) * answer.along(axis) // whole.along(axis)) for axis in AXES))


def take_padding(loader: Loader, image: str, size: Size, multiple: int) -> None:
    """Let the nodes of a network read the picture with its last row and column repeated."""
    wanted = padded_size(size, multiple)
    places = {axis: np.minimum(np.arange(wanted.along(axis)), size.along(axis) - 1) for axis in AXES}
    loader.alias(image, take_places(loader, image, f"{image}|padded", places))


def cropped(graph: Graph, multiple: int) -> Graph:
    """Return the graph of a network that reads a padded picture with its answers cropped, in their own scale."""
    nodes, outputs = dict(graph.nodes), {}
    for name, source in graph.outputs.items():
        found = graph.map(source)
        outputs[name] = _cut(nodes, f"{name}|cropped", source, found, own_size(found.size, graph.size, multiple))
    return ordered(replace(graph, nodes=nodes, outputs=outputs, multiple=multiple))


def _cut(nodes: dict[str, AnyNode], output: str, source: str, found: Map, size: Size) -> str:
    for axis in AXES:
        length = size.along(axis)
        if length < found.size.along(axis):
            after = Size(length, found.size.width) if axis == ROWS else Size(found.size.height, length)
            made = replace(found, size=after)
            nodes[f"{output}|{axis}"] = Take(
                f"{output}|{axis}", (source,), (), made, found.size, axis, tuple(range(length))
            )
            source, found = f"{output}|{axis}", made
    return source


def padded_picture(picture: np.ndarray, multiple: int) -> np.ndarray:
    """Return a picture, (H, W, 3), with its last row and column repeated up to the multiples."""
    height, width = picture.shape[:2]
    size = padded_size(Size(height, width), multiple)
    return np.pad(picture, ((0, size.height - height), (0, size.width - width), (0, 0)), mode="edge")


def cropped_pictures(answers: Mapping[str, np.ndarray], size: Size, multiple: int) -> dict[str, np.ndarray]:
    """Return answers to a padded picture, (H, W, C) each, cropped in their own scale.

    Args:
        size: Of the picture, before it was padded.
    """
    own = {name: own_size(Size(*answer.shape[:2]), size, multiple) for name, answer in answers.items()}
    return {name: answer[: own[name].height, : own[name].width] for name, answer in answers.items()}


def _fits(graph: Graph) -> bool:
    """Whether all maps of a network fit together, and its pictures the one that goes in."""
    if any(one.why.startswith(SizesDiffer.WORDS) for one in graph.not_tileable):
        return False
    return all(graph.map(source).size == graph.size for name, source in graph.outputs.items() if is_picture(name))


def _odd_multiple(size: Size, multiple: int) -> Size:
    """Return a size that holds a picture and is of no larger power of two than the multiple."""
    counts = (-(-size.along(axis) // multiple) | 1 for axis in AXES)
    return Size(*(count * multiple for count in counts))
