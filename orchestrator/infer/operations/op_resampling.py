"""Operations that read pixels from elsewhere: cropping, choosing, moving blocks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import ROWS, Size
from orchestrator.infer.graphs.resampling import Blocks, Take
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, SizesDiffer, attributes
from orchestrator.infer.loading.operator_sets import slice_ranges, split_ranges
from orchestrator.infer.operations.op_pointwise import add_pointwise, take_channels
from orchestrator.infer.operations.op_view_parts import gather as gather_of_view


def gather(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a choice of rows, columns or channels."""
    axis, source = attributes(node).get("axis", 0), loader.map(node.input[0])
    index = loader.constant(node.input[1])
    if axis not in range(1, 4) or index.ndim != 1:
        gather_of_view(loader, node)
    elif axis == 1:
        add_pointwise(loader, node, (node.input[0],), len(index), source.size)
    else:
        take_places(loader, node.input[0], node.output[0], {axis - 2: index})


def take_places(loader: Loader, name: str, output: str, indices: Mapping[int, Any]) -> str:
    """Add nodes that copy pixels along some axes, and return the last; those that change nothing are left out."""
    for axis, index in indices.items():
        source = loader.map(name)
        length = source.size.along(axis)
        places = np.where(np.asarray(index) < 0, np.asarray(index) + length, index)
        if len(places) == 0 or places.min() < 0 or places.max() >= length:
            raise NotTileableError("it reads beyond the picture, or nothing at all")
        if len(places) == length and (places == np.arange(length)).all():
            continue
        size = Size(len(places), source.size.width) if axis == ROWS else Size(source.size.height, len(places))
        made = f"{output}|{axis}"
        loader.add(Take(made, (name,), (), replace(source, size=size), source.size, axis, tuple(map(int, places))))
        name = made
    loader.alias(output, name)
    return name


def slice_(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a cut of rows, columns and channels."""
    shape, name = loader.shape(node.input[0]), node.input[0]
    ranges = slice_ranges(loader, node, shape)
    if len(ranges.get(0, range(1))) != 1:
        raise NotTileableError("it takes nothing out of the batch")
    channels = ranges.get(1, range(shape[1]))
    spatial = {axis - 2: np.array(places) for axis, places in ranges.items() if axis > 1}
    if channels == range(shape[1]):
        take_places(loader, name, node.output[0], spatial)
        return
    kept = f"{node.output[0]}|kept" if spatial else node.output[0]
    take_channels(loader, name, kept, channels)
    if spatial:
        take_places(loader, kept, node.output[0], spatial)


def split(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels, rows or columns split into several maps."""
    name, axis = node.input[0], attributes(node).get("axis", 0) % 4
    if axis == 0:
        raise NotTileableError("it splits the batch")
    ranges = split_ranges(loader, node, loader.shape(name)[axis], ("", "channels ", "rows ", "columns ")[axis])
    for output, places in zip(node.output, ranges, strict=True):
        if axis == 1:
            take_channels(loader, name, output, places)
        elif output:
            take_places(loader, name, output, {axis - 2: np.array(places)})


def blocks(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels moved into space, or back."""
    options, before = attributes(node), loader.map(node.input[0])
    block = options["blocksize"]
    if node.op_type == "DepthToSpace":
        size = Size(before.size.height * block, before.size.width * block)
        channels = before.channels // block**2
    else:
        if before.size.height % block or before.size.width % block:
            raise SizesDiffer((before.size,), f"its height and width are no multiples of {block}")
        size = Size(before.size.height // block, before.size.width // block)
        channels = before.channels * block**2
    more = tuple((name, options[name]) for name in ("mode",) if name in options)
    loader.add(
        Blocks(node.output[0], (node.input[0],), (), Map(channels, size), before.size, node.op_type, block, more)
    )
