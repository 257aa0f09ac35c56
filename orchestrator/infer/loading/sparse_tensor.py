"""Constants that a file gives as sparse tensors: their values and where they lie; computed with as dense ones."""

import math

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.loading.constant_folding import MOST_VALUES


def dense(tensor: onnx.SparseTensorProto) -> Array:
    """Return all values of a sparse tensor.

    Raises:
        ValueError: Where its indices are none of its shape, or it is larger than any layer's weights.
    """
    shape = tuple(tensor.dims)
    if any(side < 0 for side in shape):
        raise ValueError("it has a side of less than nothing")
    if math.prod(shape) > MOST_VALUES:
        raise ValueError(f"it has {math.prod(shape):,} values once it is dense")
    values = onnx.numpy_helper.to_array(tensor.values).ravel()
    places = onnx.numpy_helper.to_array(tensor.indices)
    if places.ndim == 2:
        if places.shape[1] != len(shape) or (places < 0).any() or (places >= np.array(shape)).any():
            raise ValueError("its indices lie outside of it")
        places = np.ravel_multi_index(tuple(places.T), shape) if len(places) else places.ravel()
    if places.ndim != 1 or len(places) != len(values):
        raise ValueError("it has not as many indices as values")
    if len(places) and (places.min() < 0 or places.max() >= math.prod(shape)):
        raise ValueError("its indices lie outside of it")
    found = np.zeros(math.prod(shape), values.dtype)
    found[places] = values
    return found.reshape(shape)
