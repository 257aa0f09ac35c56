"""Operations that compare, choose, and change what values are: pixel by pixel, in maps that are held as float32.

A map of another kind holds its values as float32 all the same: 0 and 1 for what is false and true, and whole numbers,
which are exact up to 2^24. Only the nodes that need it see the network's own kind.
"""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map, Pointwise, Typed
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_pointwise import joined
from orchestrator.infer.operations.op_stored import with_stored_maps

COMPARISONS = ("And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Or", "Xor")
TESTS = ("IsInf", "IsNaN", "Not")

_FLOATS = frozenset({"float32", "float16"})
_WHOLE = frozenset({"int8", "uint8", "int16", "uint16", "int32", "int64"})


def comparison(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation that tells of each pixel whether something holds."""
    add_typed(loader, node, "bool")


def where(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a choice between two for each pixel."""
    add_typed(loader, node, loader.kind(node.input[1]))


def cast(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a change of kind; one to float16 rounds to it, and leaves float32."""
    name, output = node.input[0], node.output[0]
    before, after = loader.kind(name), _asked_kind(loader, node)
    if after == "float16":
        rounded(loader, name, output)
    elif after == before == "float32":
        loader.alias(output, name)
    elif not loader.is_map(name):
        loader.take_value(node)
    elif after == "float32" or (before == "bool" and after in _WHOLE):
        template, source = onnx.helper.make_node("Identity", [name], [output]), loader.map(name)
        loader.add(Pointwise(output, (name,), (), Map(source.channels, source.size, after), source.size, template))
    elif after in _WHOLE | {"bool"}:
        add_typed(loader, onnx.helper.make_node("Cast", [name], [output], to=_number(after)), after)
    else:
        raise NotTileableError(f"it leaves float32 for {after}")


def rounded(loader: Loader, name: str, output: str) -> None:
    """Add a map or a value of the whole picture that is another one rounded to float16."""
    down = onnx.helper.make_node("Cast", [name], [output], to=onnx.TensorProto.FLOAT16)
    if loader.is_map(name):
        add_typed(loader, down, "float32")
        return
    down.output[0] = f"{output}|half"
    loader.take_value(down)
    loader.take_value(onnx.helper.make_node("Cast", [down.output[0]], [output], to=onnx.TensorProto.FLOAT))


def _asked_kind(loader: Loader, node: onnx.NodeProto) -> str:
    if node.op_type == "CastLike":
        return loader.kind(node.input[1])
    return onnx.helper.tensor_dtype_to_np_dtype(attributes(node)["to"]).name


def _number(kind: str) -> int:
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))


def add_typed(loader: Loader, node: onnx.NodeProto, kind: str, channels: int | None = None, place: int = 0) -> None:
    """Add a node that runs as it stands on any region, in the network's own kinds.

    Args:
        kind: Of its output.
        channels: Of its output; None for what its inputs give when they are joined.
        place: Which of its outputs is meant.
    """
    node = with_stored_maps(loader, node)
    maps, found, size = joined(loader, node)
    kinds = tuple((name, loader.map(name).kind) for name in dict.fromkeys(maps) if loader.map(name).kind != "float32")
    values = tuple(name for name in node.input if name and name not in maps)
    made = Map(found if channels is None else channels, size, kind)
    loader.add(Typed(node.output[place], maps, values, made, size, node, kinds, place))


def quantised(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a rounding to whole numbers with a scale, or the way back."""
    options, source = attributes(node), loader.map(node.input[0])
    if options.get("block_size", 0):
        raise NotTileableError("it has a scale for each block of values")
    scale = loader.constant(node.input[1])
    if scale.size != 1 and options.get("axis", 1) not in {1, -3}:
        raise NotTileableError("it has scales along rows or columns")
    if node.op_type == "DequantizeLinear":
        kind = "float32"
    elif len(node.input) > 2 and node.input[2]:
        kind = str(loader.constant(node.input[2]).dtype)
    else:
        kind = onnx.helper.tensor_dtype_to_np_dtype(options.get("output_dtype") or onnx.TensorProto.UINT8).name
    if kind not in _WHOLE | _FLOATS or source.kind not in _WHOLE | _FLOATS:
        raise NotTileableError(f"it leaves float32 for {kind}")
    kinds = ((node.input[0], source.kind),) if source.kind not in _FLOATS else ()
    values, made = tuple(name for name in node.input[1:] if name), Map(source.channels, source.size, kind)
    loader.add(Typed(node.output[0], (node.input[0],), values, made, source.size, node, kinds))
