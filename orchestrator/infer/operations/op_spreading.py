"""Operations that repeat what they are given: channels of a map, a map, or a value of the whole picture everywhere."""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import AXES, Size
from orchestrator.infer.graphs.spread_nodes import Spread
from orchestrator.infer.loading.model_loader import Loader, NotTileableError
from orchestrator.infer.operations.op_pointwise import take_channels
from orchestrator.infer.operations.op_resampling import take_places


def expand(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a repetition up to a shape."""
    before = loader.shape(node.input[0])
    asked = tuple(int(side) for side in loader.constant(node.input[1]))
    repeated(loader, node, np.broadcast_shapes(before, asked))


def tile(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a repetition so many times along each axis."""
    before, times = loader.shape(node.input[0]), loader.constant(node.input[1]).tolist()
    repeated(loader, node, tuple(side * int(count) for side, count in zip(before, times, strict=True)))


def tile_of_view(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a repetition of a picture in another shape along axes of one place: the same place so many times."""
    name, output = node.input[0], node.output[0]
    before, times = loader.shape(name), loader.constant(node.input[1]).tolist()
    if any(count > 1 and side > 1 for side, count in zip(before, times, strict=True)):
        raise NotTileableError("it repeats more than single places of a picture in another shape")
    repeated_axes = [axis for axis, count in enumerate(times) if count > 1]
    for axis in repeated_axes:
        places, made = f"{output}|places{axis}", output if axis == repeated_axes[-1] else f"{output}|{axis}"
        loader.constants[places] = np.zeros(times[axis], np.int64)
        loader.take(onnx.helper.make_node("Gather", [name, places], [made], axis=axis))
        name = made
    if not repeated_axes:
        loader.take(onnx.helper.make_node("Identity", [name], [output]))


def repeated(loader: Loader, node: onnx.NodeProto, after: tuple[int, ...]) -> None:
    """Add the node that repeats a map or a value until it has a shape."""
    name, output = node.input[0], node.output[0]
    before = loader.shape(name)
    if loader.is_map(name):
        _repeat_map(loader, name, output, after)
    elif len(after) == 4 and after[0] == 1 and after[2] * after[3] > 1 and before[-2:] in {(), (1,), (1, 1)}:
        spread(loader, name, output, Map(after[1], Size(after[2], after[3])))
    else:
        loader.take_value(node)


def _repeat_map(loader: Loader, name: str, output: str, after: tuple[int, ...]) -> None:
    before, source = loader.shape(name), loader.map(name)
    if len(after) != 4 or after[0] != 1:
        raise NotTileableError("it makes several pictures of one")
    places = {axis: np.arange(after[2 + axis]) % source.size.along(axis) for axis in AXES}
    if after[1] == source.channels:
        take_places(loader, name, output, places)
        return
    kept = output if after[2:] == before[2:] else f"{output}|channels"
    take_channels(loader, name, kept, [place % source.channels for place in range(after[1])])
    if kept != output:
        take_places(loader, kept, output, places)


def spread(loader: Loader, name: str, output: str, made: Map) -> None:
    """Add the map that holds a value of the whole picture, or a constant, at every pixel.

    Args:
        name: Of a value of one number or one a channel.
    """
    shape = loader.shape(name)
    if len(shape) > 4 or any(side != 1 for side in (*shape[:-3], *shape[-2:])):
        raise NotTileableError(f"it spreads a value of {' x '.join(map(str, shape))}, which has pixels of its own")
    if loader.kind(name) != "float32":
        raise NotTileableError(f"it computes with values of {loader.kind(name)}")
    loader.add(Spread(output, (), (name,), made, made.size))
