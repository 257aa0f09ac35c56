"""What nodes make of a few numbers, as files compute shapes: without ONNX's evaluator, whose import takes a while."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from orchestrator.infer.graphs.node import Array

Attributes = Mapping[str, Any]
Fold = Callable[[Attributes, Sequence[Array]], Array | None]
"""Returns the result, or None where it is left to ONNX's evaluator."""

_EXACT_CASTS = {onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}
_FEW = 1024
_POSITIONAL = 5
"""Inputs of a slice: what is cut, starts, ends, axes and steps."""


def folded_numbers(node: onnx.NodeProto, given: Sequence[Array]) -> Array | None:
    """Return the one result of a node, or None where it is left to ONNX's evaluator.

    Args:
        given: Its inputs, in their order; none of them is left out. A few numbers each.

    Raises what numpy raises where the node cannot be computed.
    """
    fold = _FOLDS.get(node.op_type)
    if fold is None or len(node.output) != 1 or len(given) != len(node.input):
        return None
    attributes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    with np.errstate(all="ignore"):
        found = fold(attributes, given)
    return None if found is None else np.asarray(found)


def _constant(attributes: Attributes, _given: Sequence[Array]) -> Array | None:
    kinds = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    for name, value in attributes.items():
        if name == "value":
            return numpy_helper.to_array(value)
        if name in kinds:
            return np.array(value, kinds[name])
    return None


def _cast(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    """Whole numbers to wider kinds; how others are rounded is left to ONNX."""
    if attributes["to"] not in _EXACT_CASTS or given[0].dtype.kind not in "iub" or set(attributes) != {"to"}:
        return None
    return given[0].astype(onnx.helper.tensor_dtype_to_np_dtype(attributes["to"]))


def _axes(attributes: Attributes, given: Sequence[Array]) -> tuple[int, ...] | None:
    if len(given) > 1:
        return tuple(int(axis) for axis in given[1])
    return tuple(attributes["axes"]) if "axes" in attributes else None


def _unsqueeze(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    axes = _axes(attributes, given)
    return None if axes is None else np.expand_dims(given[0], axes)


def _squeeze(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    return np.squeeze(given[0], _axes(attributes, given))


def _transposed(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    return np.transpose(given[0], attributes.get("perm"))


def _filled(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    sides = given[0].tolist()
    if math.prod(sides) > _FEW:
        return None
    return np.full(sides, numpy_helper.to_array(attributes["value"]) if "value" in attributes else np.float32(0))


def _concat(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    return np.concatenate(given, attributes["axis"])


def _gather(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    return np.take(given[0], given[1], attributes.get("axis", 0))


def _slice(_attributes: Attributes, given: Sequence[Array]) -> Array | None:
    if len(given) < 3:
        return None
    starts, ends = (one.tolist() for one in given[1:3])
    axes = given[3].tolist() if len(given) > 3 else list(range(len(starts)))
    steps = given[4].tolist() if len(given) == _POSITIONAL else [1] * len(starts)
    cut = [slice(None)] * given[0].ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return given[0][tuple(cut)]


def _divided(_attributes: Attributes, given: Sequence[Array]) -> Array | None:
    """Whole numbers that are not negative; ONNX rounds the others towards zero, and numpy down."""
    dividend, divisor = given
    if dividend.dtype.kind not in "iu" or np.any(dividend < 0) or np.any(divisor < 1):
        return None
    return np.asarray(dividend // divisor)


def _remainder(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    """Of whole numbers; ONNX gives it the sign of the divisor, as numpy does, unless it is told to do as C does."""
    if attributes.get("fmod", 0) or given[0].dtype.kind not in "iu" or np.any(given[1] == 0):
        return None
    return np.asarray(np.mod(given[0], given[1]))


def _where(_attributes: Attributes, given: Sequence[Array]) -> Array | None:
    return np.where(given[0], given[1], given[2]) if given[1].dtype == given[2].dtype else None


def _reshaped(attributes: Attributes, given: Sequence[Array]) -> Array | None:
    if len(given) < 2 or attributes.get("allowzero", 0):
        return None
    sides = [given[0].shape[place] if side == 0 else int(side) for place, side in enumerate(given[1].tolist())]
    return np.reshape(given[0], sides)


def _binary(operation: Callable[[Array, Array], Any]) -> Fold:
    def fold(attributes: Attributes, given: Sequence[Array]) -> Array | None:
        if attributes or len(given) != 2 or given[0].dtype != given[1].dtype:
            return None
        return np.asarray(operation(*given))

    return fold


_FOLDS: Mapping[str, Fold] = {
    "Constant": _constant,
    "Identity": lambda _attributes, given: given[0],
    "Cast": _cast,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Transpose": _transposed,
    "ConstantOfShape": _filled,
    "Neg": lambda _attributes, given: np.asarray(np.negative(given[0])),
    "Gather": _gather,
    "Slice": _slice,
    "Add": _binary(np.add),
    "Sub": _binary(np.subtract),
    "Mul": _binary(np.multiply),
    "Equal": _binary(np.equal),
    "Div": _divided,
    "Mod": _remainder,
    "Where": _where,
    "Reshape": _reshaped,
}
