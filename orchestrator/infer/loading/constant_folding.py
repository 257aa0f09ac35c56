"""Computes nodes whose inputs are known, within bounds: what a file makes of its constants may be of any size."""

import math
from collections.abc import Container, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.loading.number_folding import folded_numbers

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
    if all(value.size <= _FEW for value in inputs.values()) and all(name in inputs for name in node.input):
        number = folded_numbers(node, [inputs[name] for name in node.input])
        if number is not None:
            return [number]
    # Its import takes longer than many a network's run.
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415

    if node.op_type not in _NO_LARGER:
        _inferred(node, opset, inputs, inputs)
    model = _model_of(node, opset, inputs, ())
    return [np.asarray(value) for value in ReferenceEvaluator(model).run(None, dict(inputs))]


def shaped(node: onnx.NodeProto, opset: int, inputs: Mapping[str, Array], constants: Container[str]) -> list[Array]:
    """Return arrays of the shapes and kinds of what a node makes of its inputs; their numbers mean nothing.

    Args:
        node: See `folded`.
        opset: See `folded`.
        inputs: Every input of the node, by its name.
        constants: The inputs whose numbers are known; of the others the shapes and kinds are.

    Raises:
        NotFolded: Where it draws random numbers, or where its results are too large, or of a size that depends on
            numbers that are not known.
    """
    if node.op_type in _DRAWN:
        raise NotFolded("it draws random numbers")
    types = _inferred(node, opset, inputs, constants)
    return [
        np.ones([side.dim_value for side in one.shape.dim], onnx.helper.tensor_dtype_to_np_dtype(one.elem_type))
        for one in types
    ]


def _model_of(
    node: onnx.NodeProto, opset: int, inputs: Mapping[str, Array], numbers: Sequence[onnx.TensorProto]
) -> onnx.ModelProto:
    """Return a model of one node; some of its inputs may be given as numbers."""
    kinds = [onnx.helper.make_tensor_value_info(name, _kind(value), value.shape) for name, value in inputs.items()]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "one", kinds, outputs, numbers)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])


def _inferred(
    node: onnx.NodeProto, opset: int, inputs: Mapping[str, Array], constants: Container[str]
) -> list[onnx.TypeProto.Tensor]:
    """Return the types of a node's results, as the inputs' shapes, and the numbers of constants, tell.

    Raises:
        NotFolded: Where a result has too many values, or of a number that is not known.
    """
    numbers = [
        numpy_helper.from_array(value, name)
        for name, value in inputs.items()
        if value.size <= _FEW and name in constants
    ]
    model = _model_of(node, opset, inputs, numbers)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True, strict_mode=True)
    except onnx.shape_inference.InferenceError as error:
        raise NotFolded(f"the size of its result is not known: {str(error).splitlines()[0]}") from error
    types = [output.type.tensor_type for output in inferred.graph.output]
    for tensor in types:
        if not tensor.HasField("shape") or not all(side.HasField("dim_value") for side in tensor.shape.dim):
            raise NotFolded("the size of its result is not known before it is computed")
        values = math.prod(side.dim_value for side in tensor.shape.dim)
        if values > MOST_VALUES:
            raise NotFolded(f"its result has {values:,} values")
    return types


def _kind(value: Array) -> int:
    return int(onnx.helper.np_dtype_to_tensor_dtype(value.dtype))
