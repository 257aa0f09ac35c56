"""Computes nodes whose inputs are known, within bounds: what a file makes of its constants may be of any size."""

import math
from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from orchestrator.infer.node import Array

MOST_VALUES = 2**26
"""Of a result: a quarter of a gibibyte in single precision, more than any layer's weights."""

_FEW = 1024
"""Inputs with at most so many values may be numbers that a shape depends on."""

_DRAWN = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
_NO_LARGER = frozenset({"Compress", "NonZero", "Unique"})
"""Operations whose results have no known shape, and at most as many values as their inputs, times their dimensions."""


class NotFolded(Exception):
    """A node cannot be computed beforehand; the message says why."""


def folded(node: onnx.NodeProto, opset: int, inputs: Mapping[str, Array]) -> list[Array]:
    """Return what a node makes of its inputs.

    Args:
        opset: Version of ONNX's own operations.
        inputs: Every input of the node, by its name.

    Raises:
        NotFolded: Where it draws random numbers, or where its results are too large, or of a size that is not known
            beforehand. Also raises what the operation raises.
    """
    if node.op_type in _DRAWN:
        raise NotFolded("it draws random numbers")
    kinds = [onnx.helper.make_tensor_value_info(name, _kind(value), value.shape) for name, value in inputs.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    numbers = [numpy_helper.from_array(value, name) for name, value in inputs.items() if value.size <= _FEW]
    opsets = [onnx.helper.make_opsetid("", opset)]
    known = onnx.helper.make_model(
        onnx.helper.make_graph([node], "known", kinds, outputs, numbers), opset_imports=opsets
    )
    if node.op_type not in _NO_LARGER:
        _refuse_large(known)
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "one", kinds, outputs), opset_imports=opsets)
    found = ReferenceEvaluator(model).run(None, dict(inputs))
    return [np.asarray(value) for value in found]


def _refuse_large(model: onnx.ModelProto) -> None:
    """Raise NotFolded where a result has too many values, as the inputs' shapes and numbers tell."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True, strict_mode=True)
    except onnx.shape_inference.InferenceError as error:
        raise NotFolded(f"the size of its result is not known: {str(error).splitlines()[0]}") from error
    for output in inferred.graph.output:
        tensor = output.type.tensor_type
        if not tensor.HasField("shape") or not all(side.HasField("dim_value") for side in tensor.shape.dim):
            raise NotFolded("the size of its result is not known before it is computed")
        values = math.prod(side.dim_value for side in tensor.shape.dim)
        if values > MOST_VALUES:
            raise NotFolded(f"its result has {values:,} values")


def _kind(value: Array) -> int:
    return int(onnx.helper.np_dtype_to_tensor_dtype(value.dtype))
