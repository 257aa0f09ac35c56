"""Constants with rows or columns of their own, such as grids of coordinates, as maps that are cut with the others."""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.graphs.spread_nodes import Spread, Stored
from orchestrator.infer.loading.model_loader import Loader, SizesDiffer

_FLOATS = frozenset({"float32", "float64"})


def with_stored_maps(loader: Loader, node: onnx.NodeProto, *, values: bool = False) -> onnx.NodeProto:
    """Return a node whose constants with pixels of their own are maps.

    Args:
        values: Whether constants and values of the whole picture of one number a channel become maps too.

    Raises:
        SizesDiffer: Where one has other rows or columns than the maps that it meets.
    """
    sizes = {loader.map(name).size for name in node.input if name and loader.is_map(name)}
    stored = {name for name in node.input if name in loader.constants and _has_pixels(loader.shape(name))}
    flat = {name for name in node.input if values and name not in stored and not loader.is_map(name)}
    if not stored | flat or len(sizes) != 1:
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    (size,) = sizes
    for place, name in enumerate(node.input):
        if name in stored:
            copy.input[place] = _stored(loader, name, size)
        elif name in flat and loader.shape(name)[2:] == (size.height, size.width):
            copy.input[place] = _spread(loader, name, size)
    return copy


def _spread(loader: Loader, name: str, size: Size) -> str:
    output = f"{name}|{size.height}x{size.width}"
    made = Map(loader.shape(name)[1], size)
    loader.add(Spread(output, (), (name,), made, size))
    return output


def _has_pixels(shape: tuple[int, ...]) -> bool:
    return len(shape) <= 4 and all(side == 1 for side in shape[:-3]) and any(side != 1 for side in shape[-2:])


def _stored(loader: Loader, name: str, size: Size) -> str:
    """Return the map that a constant is among maps of a size."""
    output = f"{name}|{size.height}x{size.width}"
    if loader.is_map(output):
        return output
    value = loader.constants[name]
    value = value.reshape((1,) * (4 - value.ndim) + value.shape)
    lengths = (value.shape[2], value.shape[3])
    if any(length not in {1, whole} for length, whole in zip(lengths, (size.height, size.width), strict=True)):
        raise SizesDiffer({size, Size(*lengths)})
    kind = "float32" if str(value.dtype) in _FLOATS else str(value.dtype)
    loader.constants[f"{output}|values"] = np.ascontiguousarray(value, np.float32)
    made = Map(value.shape[1], size, kind)
    loader.add(Stored(output, (), (f"{output}|values",), made, size, lengths))
    return output
