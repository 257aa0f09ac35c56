"""Operations that look at every pixel by itself: elementwise ones, and those along the channels."""

from collections.abc import Sequence

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map, Pointwise
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, SizesDiffer, attributes
from orchestrator.infer.loading.operator_sets import ALONG_ONE_AXIS
from orchestrator.infer.operations.op_stored import with_stored_maps

ELEMENTWISE = (
    "Abs",
    "Acos",
    "Acosh",
    "Add",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "Ceil",
    "Celu",
    "Clip",
    "Cos",
    "Cosh",
    "Div",
    "Elu",
    "Erf",
    "Exp",
    "Floor",
    "Gelu",
    "HardSigmoid",
    "HardSwish",
    "LeakyRelu",
    "Log",
    "Max",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Mul",
    "Neg",
    "PRelu",
    "Pow",
    "Reciprocal",
    "Relu",
    "Round",
    "Selu",
    "Shrink",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Sub",
    "Sum",
    "Swish",
    "Tan",
    "Tanh",
    "ThresholdedRelu",
)


def elementwise(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation of maps, constants and values of the picture, pixel by pixel."""
    node = with_stored_maps(loader, node)
    maps, channels, size = joined(loader, node)
    add_pointwise(loader, node, maps, channels, size)


def joined(loader: Loader, node: onnx.NodeProto) -> tuple[tuple[str, ...], int, Size]:
    """Return the maps that a node reads pixel by pixel, and channels and size of what it makes of all its inputs."""
    maps = tuple(name for name in node.input if name and loader.is_map(name))
    sizes = {loader.map(name).size for name in maps}
    if len(sizes) > 1:
        raise SizesDiffer(sizes)
    channels = max(loader.map(name).channels for name in maps)
    for name in node.input:
        shape = loader.shape(name) if name and name not in maps else ()
        if len(shape) > 4 or any(side != 1 for side in (*shape[:-3], *shape[-2:])):
            raise NotTileableError(f"it meets a constant of {' x '.join(map(str, shape))}, which has pixels of its own")
        channels = max(channels, *shape[-3:-2], 1)
    return maps, channels, sizes.pop()


def add_pointwise(loader: Loader, node: onnx.NodeProto, maps: tuple[str, ...], channels: int, size: Size) -> None:
    """Add a node that runs as it stands on any region."""
    values = tuple(name for name in node.input if name and name not in maps)
    loader.add(Pointwise(node.output[0], maps, values, Map(channels, size), size, node))


def unchanged(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation that changes nothing."""
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2] and loader.constant(node.input[2]):
        raise NotTileableError("it is in training mode")
    loader.alias(node.output[0], node.input[0])


def softmax(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a softmax along the channels."""
    if loader.opset < ALONG_ONE_AXIS:
        raise NotTileableError(
            f"operator sets before {ALONG_ONE_AXIS} flatten all axes from its own on into one: it goes over the whole "
            f"picture; export the network with operator set {ALONG_ONE_AXIS} or a later one"
        )
    along_channels(loader, node)


def along_channels(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation along one axis, which must be that of the channels."""
    if attributes(node).get("axis", -1) not in {1, -3}:
        raise NotTileableError("it works along rows or columns")
    source = loader.map(node.input[0])
    add_pointwise(loader, node, (node.input[0],), source.channels, source.size)


def batch_normalisation(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a batch normalisation whose statistics are given."""
    if attributes(node).get("training_mode", 0):
        raise NotTileableError("it is in training mode")
    source = loader.map(node.input[0])
    add_pointwise(loader, node, (node.input[0],), source.channels, source.size)


def concat(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels put together."""
    node = with_stored_maps(loader, node, values=True)
    if not all(map(loader.is_map, node.input)):
        raise NotTileableError("it puts channels together with something other than maps")
    maps = tuple(node.input)
    sizes = {loader.map(name).size for name in maps}
    if len(sizes) > 1:
        raise SizesDiffer(sizes)
    channels = sum(loader.map(name).channels for name in maps)
    add_pointwise(loader, node, tuple(dict.fromkeys(maps)), channels, sizes.pop())


def take_channels(loader: Loader, name: str, output: str, channels: Sequence[int]) -> None:
    """Add the node that keeps some channels of a map, in any order, some perhaps several times."""
    source = loader.map(name)
    if list(channels) == list(range(source.channels)):
        loader.alias(output, name)
        return
    index = f"{output}|channels"
    loader.constants[index] = np.array(channels, np.int64)
    template = onnx.helper.make_node("Gather", [name, index], [output], axis=1)
    add_pointwise(loader, template, (name,), len(channels), source.size)
