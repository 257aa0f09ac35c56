"""Operations that give values another shape or order, and move none: they make views."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import onnx

from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.loading.operator_sets import numbers
from orchestrator.infer.operations.op_kinds import rounded
from orchestrator.infer.operations.view_making import add_view


def reshape(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a reshaping to a shape that is known."""
    view = loader.view(node.input[0])
    shape = [int(side) for side in loader.constant(node.input[1])]
    if not attributes(node).get("allowzero", 0):
        shape = [view.shape[place] if side == 0 else side for place, side in enumerate(shape)]
    _reshape(loader, node, shape)


def _reshape(loader: Loader, node: onnx.NodeProto, shape: Sequence[int]) -> None:
    view = loader.view(node.input[0])
    known = int(np.prod([side for side in shape if side != -1]))
    count = int(np.prod(view.shape))
    add_view(loader, node.output[0], view.reshaped([count // max(1, known) if side == -1 else side for side in shape]))


def flatten(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a flattening to two axes."""
    shape = loader.view(node.input[0]).shape
    axis = attributes(node).get("axis", 1)
    axis += len(shape) * (axis < 0)
    _reshape(loader, node, [int(np.prod(shape[:axis])), int(np.prod(shape[axis:]))])


def transpose(loader: Loader, node: onnx.NodeProto) -> None:
    """Take axes in another order."""
    view = loader.view(node.input[0])
    order = attributes(node).get("perm", list(range(len(view.axes)))[::-1])
    add_view(loader, node.output[0], view.transposed(order))


def unsqueeze(loader: Loader, node: onnx.NodeProto) -> None:
    """Take axes of length 1 added."""
    shape = list(loader.view(node.input[0]).shape)
    axes = numbers(loader, node, 1, "axes") or []
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    _reshape(loader, node, shape)


def squeeze(loader: Loader, node: onnx.NodeProto) -> None:
    """Take axes of length 1 left out."""
    shape = loader.view(node.input[0]).shape
    axes = numbers(loader, node, 1, "axes")
    left = (
        {axis for axis, side in enumerate(shape) if side == 1} if axes is None else {one % len(shape) for one in axes}
    )
    _reshape(loader, node, [side for axis, side in enumerate(shape) if axis not in left])


def unchanged(loader: Loader, node: onnx.NodeProto) -> None:
    """Take an operation that changes nothing."""
    add_view(loader, node.output[0], loader.view(node.input[0]))


def expand(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a picture that is spread along axes of length 1: what it meets there spreads it."""
    view = loader.view(node.input[0])
    shape = np.broadcast_shapes(view.shape, tuple(loader.constant(node.input[1]).tolist()))
    if shape == view.shape:
        add_view(loader, node.output[0], view)
    else:
        loader.spread(node.output[0], node.input[0], shape)


def cast(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a rounding to float16, or a change of the values' kind to what they are."""
    view, kind = loader.view(node.input[0]), attributes(node)["to"]
    if kind == onnx.TensorProto.FLOAT:
        unchanged(loader, node)
    elif kind == onnx.TensorProto.FLOAT16:
        source = f"{view.source}|float16"
        if not loader.is_map(source):
            rounded(loader, view.source, source)
        add_view(loader, node.output[0], replace(view, source=source))
    else:
        raise NotTileableError("it leaves float32")
