"""Operations that order, count or add up the channels of each pixel."""

import onnx

from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_kinds import add_typed
from orchestrator.infer.operations.op_pointwise import add_pointwise

_CHANNELS = {1, -3}


def extreme_place(loader: Loader, node: onnx.NodeProto) -> None:
    """Take the number of the channel that is largest or smallest."""
    options = attributes(node)
    if options.get("axis", 0) not in _CHANNELS or not options.get("keepdims", 1):
        raise NotTileableError("it goes over something else than the channels, or leaves their axis out")
    add_typed(loader, node, "int64", channels=1)


def running_sum(loader: Loader, node: onnx.NodeProto) -> None:
    """Take sums over the channels up to each."""
    if int(loader.constant(node.input[1]).reshape(())) not in _CHANNELS:
        raise NotTileableError("it works along rows or columns")
    source = loader.map(node.input[0])
    add_pointwise(loader, node, (node.input[0],), source.channels, source.size)


def largest(loader: Loader, node: onnx.NodeProto) -> None:
    """Take so many of the largest or smallest channels, and which they are."""
    options = attributes(node)
    if options.get("axis", -1) not in _CHANNELS:
        raise NotTileableError("it works along rows or columns")
    if not options.get("sorted", 1):
        raise NotTileableError("it leaves their order open")
    count = int(loader.constant(node.input[1]).reshape(()))
    for place, kind in enumerate(("float32", "int64")):
        if place < len(node.output) and node.output[place]:
            add_typed(loader, node, kind, count, place)


def neighbouring_channels(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a normalisation by the channels beside each."""
    source = loader.map(node.input[0])
    add_pointwise(loader, node, (node.input[0],), source.channels, source.size)
