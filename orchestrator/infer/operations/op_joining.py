"""Parts of pictures put together along rows or columns: turned pictures, and patches that were computed apart."""

from collections.abc import Sequence

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import AXES
from orchestrator.infer.graphs.resampling import Take
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, SizesDiffer, attributes
from orchestrator.infer.operations.op_pointwise import concat as channels_together
from orchestrator.infer.operations.op_resampling import take_places


def concat(loader: Loader, node: onnx.NodeProto) -> None:
    """Take maps put together: their channels, their rows or their columns."""
    axis = attributes(node)["axis"] % 4
    if axis == 0:
        raise NotTileableError("it puts pictures together")
    if axis == 1:
        channels_together(loader, node)
    else:
        joined_parts(loader, node, axis - 2)


def joined_parts(loader: Loader, node: onnx.NodeProto, axis: int) -> None:
    """Take maps put together along rows or columns.

    Args:
        axis: Of the picture: rows or columns.
    """
    names, output = list(node.input), node.output[0]
    if not all(map(loader.is_map, names)):
        raise NotTileableError("it puts parts of a picture together, or something other than maps")
    maps = [loader.map(name) for name in names]
    other = AXES[1 - axis]
    if len({found.size.along(other) for found in maps}) > 1:
        raise SizesDiffer({found.size for found in maps})
    if len({(found.channels, found.kind) for found in maps}) > 1:
        raise NotTileableError("it puts parts of different numbers of channels together")
    source, places = _of_one(loader, names, maps, axis)
    if source is not None:
        take_places(loader, source, output, {axis: places})
        return
    _chosen(loader, names, [found.size.along(axis) for found in maps], axis, output)


def _of_one(loader: Loader, names: Sequence[str], maps: Sequence[Map], axis: int) -> tuple[str | None, list[int]]:
    """Return the one map that all parts are cut out of, and their places in it; None where there is none."""
    sources, places = set(), list[int]()
    for name, found in zip(names, maps, strict=True):
        node = loader.nodes.get(name)
        if isinstance(node, Take) and node.axis == axis:
            sources.add(node.inputs[0])
            places += node.index
        else:
            sources.add(name)
            places += range(found.size.along(axis))
    return (sources.pop(), places) if len(sources) == 1 else (None, places)


def _chosen(loader: Loader, names: Sequence[str], lengths: Sequence[int], axis: int, output: str) -> None:
    """Add a choice of the part that each row or column lies in, of parts whose edges are repeated over the others."""
    ends = np.cumsum(lengths)
    every = np.arange(ends[-1])
    chosen = ""
    for number in reversed(range(len(names))):
        places = np.clip(every - (ends[number] - lengths[number]), 0, lengths[number] - 1)
        part = take_places(loader, names[number], f"{output}|part{number}", {axis: places})
        if not chosen:
            chosen = part
            continue
        mask, made = f"{output}|before{number}", output if number == 0 else f"{output}|chosen{number}"
        loader.constants[mask] = (every < ends[number]).reshape((1, 1, -1, 1) if axis == 0 else (1, 1, 1, -1))
        loader.take(onnx.helper.make_node("Where", [mask, part, chosen], [made]))
        chosen = made
    if len(names) == 1:
        loader.alias(output, chosen)
