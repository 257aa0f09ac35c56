"""Operations that read pixels from elsewhere: cropping, padding, resizing, moving blocks."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.load import Loader, Unplaceable, attributes
from orchestrator.infer.node import Map
from orchestrator.infer.op_pointwise import add_pointwise, take_channels
from orchestrator.infer.region import AXES, ROWS, Size
from orchestrator.infer.resampling import Axis, Blocks, Linear, Take
from orchestrator.infer.windows import Window, Windowed


def gather(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a choice of rows, columns or channels."""
    axis, of = attributes(node).get("axis", 0), loader.map(node.input[0])
    index = loader.constant(node.input[1])
    if axis not in range(1, 4) or index.ndim != 1:
        raise Unplaceable("it takes pictures out of a batch, or single rows, columns or channels")
    if axis == 1:
        add_pointwise(loader, node, (node.input[0],), len(index), of.size)
    else:
        _take(loader, node.input[0], node.output[0], {axis - 2: index})


def _take(loader: Loader, name: str, output: str, indices: Mapping[int, Any]) -> None:
    """Add nodes that copy pixels along some axes; those that change nothing are left out."""
    for axis, index in indices.items():
        of = loader.map(name)
        length = of.size.along(axis)
        places = np.where(np.asarray(index) < 0, np.asarray(index) + length, index)
        if len(places) == 0 or places.min() < 0 or places.max() >= length:
            raise Unplaceable("it reads beyond the picture, or nothing at all")
        if len(places) == length and (places == np.arange(length)).all():
            continue
        size = Size(len(places), of.size.width) if axis == ROWS else Size(of.size.height, len(places))
        made = f"{output}|{axis}"
        loader.add(Take(made, (name,), (), Map(of.channels, size), of.size, axis, tuple(map(int, places))))
        name = made
    loader.alias(output, name)


def slice_(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a cut of rows, columns and channels."""
    starts, ends = (loader.constant(node.input[place]).tolist() for place in (1, 2))
    given = [loader.constant(name).tolist() if name else None for name in node.input[3:]]
    axes = given[0] if given and given[0] is not None else list(range(len(starts)))
    steps = given[1] if len(given) > 1 and given[1] is not None else [1] * len(starts)
    shape, name = loader.shape(node.input[0]), node.input[0]
    ranges = {
        axis % 4: range(shape[axis % 4])[slice(start, end, step)]
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    if len(ranges.get(0, range(1))) != 1:
        raise Unplaceable("it takes nothing out of the batch")
    channels = ranges.get(1, range(shape[1]))
    spatial = {axis - 2: np.array(places) for axis, places in ranges.items() if axis > 1}
    if channels == range(shape[1]):
        _take(loader, name, node.output[0], spatial)
        return
    kept = f"{node.output[0]}|kept" if spatial else node.output[0]
    take_channels(loader, name, kept, channels)
    if spatial:
        _take(loader, kept, node.output[0], spatial)


def pad(loader: Loader, node: onnx.NodeProto) -> None:
    """Take padding by edges, mirror images, wrapping, or zeros."""
    of = loader.map(node.input[0])
    mode = attributes(node).get("mode", "constant")
    pads = [int(pad) for pad in loader.constant(node.input[1])]
    if len(node.input) > 3 and node.input[3]:
        whole = [0] * 8
        axes = [int(axis) % 4 for axis in loader.constant(node.input[3])]
        for place, axis in enumerate(axes):
            whole[axis], whole[4 + axis] = pads[place], pads[len(axes) + place]
        pads = whole
    if any(pads[place] for place in (0, 1, 4, 5)):
        raise Unplaceable("it adds channels or pictures")
    if mode == "constant" and any(pads):
        _pad_with_zeros(loader, node, of, pads)
        return
    kinds = {"reflect": "reflect", "edge": "edge", "wrap": "wrap", "constant": "edge"}
    indices = {}
    for axis in AXES:
        length = of.size.along(axis)
        before, after = pads[2 + axis], pads[6 + axis]
        kept = np.arange(max(0, -before), length - max(0, -after))
        indices[axis] = np.pad(kept, (max(0, before), max(0, after)), mode=kinds[mode])  # type: ignore[call-overload]
    _take(loader, node.input[0], node.output[0], indices)


def _pad_with_zeros(loader: Loader, node: onnx.NodeProto, of: Map, pads: list[int]) -> None:
    """Add zeros, as a pooling over single pixels whose padding counts."""
    number = float(loader.constant(node.input[2])) if len(node.input) > 2 and node.input[2] else 0.0
    if number or min(pads) < 0:
        raise Unplaceable(f"it pads with {number:g}, or with less than nothing")
    size = Size(of.size.height + pads[2] + pads[6], of.size.width + pads[3] + pads[7])
    weight, windows = f"{node.output[0]}|one", (Window(1, pad=pads[2]), Window(1, pad=pads[3]))
    loader.constants[weight] = np.ones((of.channels, 1, 1, 1), np.float32)
    more = (("group", of.channels),)
    loader.add(
        Windowed(node.output[0], (node.input[0],), (weight,), Map(of.channels, size), of.size, "Conv", windows, 1, more)
    )


def resize(loader: Loader, node: onnx.NodeProto) -> None:
    """Take nearest or linear resizing."""
    of, before = attributes(node), loader.map(node.input[0])
    mode = of.get("mode", "nearest")
    how = of.get("coordinate_transformation_mode", "half_pixel" if node.op_type == "Resize" else "asymmetric")
    size, scales = _resized(loader, node, before.size)
    if mode not in {"nearest", "linear"} or of.get("antialias", 0) or how == "tf_crop_and_resize":
        raise Unplaceable(f"mode {mode} with {how} is not known here")
    if mode == "nearest":
        rounding = of.get("nearest_mode", "round_prefer_floor" if node.op_type == "Resize" else "floor")
        places = {
            axis: _nearest(how, rounding, scales[axis], before.size.along(axis), size.along(axis)) for axis in AXES
        }
        _take(loader, node.input[0], node.output[0], places)
        return
    rows, columns = (_linear(how, scales[axis], before.size.along(axis), size.along(axis)) for axis in AXES)
    if rows.is_identity and columns.is_identity:
        loader.alias(node.output[0], node.input[0])
        return
    made = Map(before.channels, size)
    loader.add(Linear(node.output[0], (node.input[0],), (), made, before.size, (rows, columns)))


def _resized(loader: Loader, node: onnx.NodeProto, before: Size) -> tuple[Size, tuple[Fraction, Fraction]]:
    """Return the size after resizing and the scales, output by input, along both axes."""
    places: tuple[int | None, int] = (3, 2) if node.op_type == "Resize" else (None, 1)
    if attributes(node).get("keep_aspect_ratio_policy", "stretch") != "stretch" or "axes" in attributes(node):
        raise Unplaceable("its size is given in a way that is not known here")
    sizes, scales = _optional(loader, node, places[0]), _optional(loader, node, places[1])
    if len(sizes) == 4:
        size = Size(int(sizes[2]), int(sizes[3]))
        rows, columns = (Fraction(size.along(axis), before.along(axis)) for axis in AXES)
        return size, (rows, columns)
    if len(scales) != 4:
        raise Unplaceable("it has neither a size nor scales")
    rows, columns = (Fraction(float(scales[2 + axis])) for axis in AXES)
    return Size(int(before.height * rows), int(before.width * columns)), (rows, columns)


def _optional(loader: Loader, node: onnx.NodeProto, place: int | None) -> Any:
    """Return a constant input, empty where it is left out."""
    given = place is not None and len(node.input) > place and node.input[place]
    return loader.constant(given) if given else ()


def _position(place: int, how: str, scale: Fraction, before: int, after: int) -> Fraction:
    """Return where in the input an output pixel lies, after the ONNX specification of Resize."""
    if how == "asymmetric":
        return place / scale
    if how == "align_corners":
        return Fraction(place * (before - 1), after - 1) if after > 1 else Fraction(0)
    if how == "pytorch_half_pixel" and after <= 1:
        return Fraction(0)
    if how in {"half_pixel", "pytorch_half_pixel"}:
        return (place + Fraction(1, 2)) / scale - Fraction(1, 2)
    raise Unplaceable(f"coordinates {how} are not known here")


def _linear(how: str, scale: Fraction, before: int, after: int) -> Axis:
    """Return where linear resizing reads: positions are exact, and kept inside the input."""
    positions = (float(_position(place, how, scale, before, after)) for place in range(after))
    return Axis(tuple(min(max(0.0, place), before - 1.0) for place in positions), before)


def _nearest(how: str, rounding: str, scale: Fraction, before: int, after: int) -> Any:
    """Return which pixel each output copies, with the single precision in which ONNX Runtime finds it."""
    places, scale32 = np.arange(after, dtype=np.float32), np.float32(float(scale))
    half = np.float32(0.5)
    if how == "asymmetric":
        places = places / scale32
    elif how == "align_corners":
        places = places * np.float32(before - 1) / np.float32(max(1, after - 1))
    elif how == "half_pixel" or (how == "pytorch_half_pixel" and after > 1):
        places = (places + half) / scale32 - half
    elif how == "pytorch_half_pixel":
        places = np.zeros(after, np.float32)
    else:
        raise Unplaceable(f"coordinates {how} are not known here")
    rounded = {
        "floor": np.floor(places),
        "ceil": np.ceil(places),
        "round_prefer_floor": np.ceil(places - half),
        "round_prefer_ceil": np.floor(places + half),
    }[rounding]
    return np.clip(rounded, 0, before - 1).astype(np.int64)


def blocks(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels moved into space, or back."""
    of, before = attributes(node), loader.map(node.input[0])
    block = of["blocksize"]
    if node.op_type == "DepthToSpace":
        size = Size(before.size.height * block, before.size.width * block)
        channels = before.channels // block**2
    else:
        size = Size(before.size.height // block, before.size.width // block)
        channels = before.channels * block**2
    more = tuple((name, of[name]) for name in ("mode",) if name in of)
    loader.add(
        Blocks(node.output[0], (node.input[0],), (), Map(channels, size), before.size, node.op_type, block, more)
    )
