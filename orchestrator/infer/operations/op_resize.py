"""Resizing by nearest neighbours, linear or cubic, of the whole picture's positions; with and without antialiasing."""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.region import AXES, ROWS, Size
from orchestrator.infer.graphs.resampling import Axis, Linear
from orchestrator.infer.graphs.resize_taps import CUBIC, LINEAR, Filter, Taps, smoothed, tapped
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_resampling import take_places
from orchestrator.infer.operations.op_spreading import spread
from orchestrator.infer.session import Resources, Session

_MODES = ("nearest", "linear", "cubic")


class _Resized(NamedTuple):
    """What is asked for: the size, scales output by input, and whether they are given as scales."""

    size: Size
    scales: tuple[Fraction, Fraction]
    given: tuple[float, float] | None


def resize(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a resizing of rows and columns; of a value of the whole picture it is the same everywhere."""
    options, name, output = attributes(node), node.input[0], node.output[0]
    mode = options.get("mode", "nearest")
    how = options.get("coordinate_transformation_mode", "half_pixel")
    shape = loader.shape(name)
    if len(shape) != 4 or mode not in _MODES or how == "tf_crop_and_resize":
        raise NotTileableError(f"mode {mode} with {how} is not known here")
    before = Size(shape[2], shape[3])
    asked = _resized(loader, node, before)
    made = Map(shape[1], asked.size)
    if not loader.is_map(name):
        if before.pixels != 1:
            raise NotTileableError("it resizes a value with pixels of its own")
        spread(loader, name, output, made)
        return
    if mode == "nearest":
        take_places(loader, name, output, {axis: _nearest(loader, node, axis, before, asked) for axis in AXES})
        return
    rows, columns = (_axis(options, asked.scales[axis], before.along(axis), asked.size.along(axis)) for axis in AXES)
    if rows.is_identity and columns.is_identity:
        loader.alias(output, name)
    else:
        loader.add(Linear(output, (name,), (), made, before, (rows, columns)))


def _resized(loader: Loader, node: onnx.NodeProto, before: Size) -> _Resized:
    """Return the size after resizing and the scales."""
    sizes, scales = ([float(one) for one in _optional(loader, node, place)] for place in (3, 2))
    axes = [axis % 4 for axis in attributes(node).get("axes", range(4))]
    if len(sizes or scales) != len(axes):
        raise NotTileableError("it has neither a size nor scales")
    wanted = dict(zip(axes, sizes or scales, strict=True))
    shape = loader.shape(node.input[0])
    if any(wanted.get(axis, kept) != kept for axis, kept in zip((0, 1), shape[:2] if sizes else (1, 1), strict=True)):
        raise NotTileableError("it resizes channels, or the batch")
    if sizes:
        lengths = [int(wanted.get(2 + axis, before.along(axis))) for axis in AXES]
        return _kept_in_ratio(attributes(node), axes, before, Size(*lengths))
    down, across = (wanted.get(2 + axis, 1.0) for axis in AXES)
    lengths = [
        int(np.float32(before.along(axis)) * np.float32(scale))  # in single precision, as ONNX Runtime does
        for axis, scale in zip(AXES, (down, across), strict=True)
    ]
    return _Resized(Size(*lengths), (Fraction(down), Fraction(across)), (down, across))


def _kept_in_ratio(options: dict[str, Any], axes: list[int], before: Size, size: Size) -> _Resized:
    """Return what a policy makes of the size that is asked for; one that keeps the ratio has one scale for both axes.

    Raises:
        NotTileableError: Where nearest neighbours or antialiasing are asked for in a kept ratio.
    """
    policy = options.get("keep_aspect_ratio_policy", "stretch")
    rows, columns = (Fraction(size.along(axis), before.along(axis)) for axis in AXES)
    if policy == "stretch":
        return _Resized(size, (rows, columns), None)
    if options.get("mode", "nearest") == "nearest" or options.get("antialias", 0):
        raise NotTileableError(f"nearest neighbours or antialiasing with {policy} are not known here")
    resized = [axis for axis in AXES if 2 + axis in axes]
    scale = (min if policy == "not_larger" else max)((rows, columns)[axis] for axis in resized)
    lengths = [
        int(scale * before.along(axis) + Fraction(1, 2)) if axis in resized else before.along(axis) for axis in AXES
    ]
    down, across = (scale if axis in resized else Fraction(1) for axis in AXES)
    return _Resized(Size(*lengths), (down, across), None)


def _optional(loader: Loader, node: onnx.NodeProto, place: int) -> Any:
    """Return a constant input, empty where it is left out."""
    given = len(node.input) > place and node.input[place]
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
    if how == "half_pixel_symmetric":
        offset = Fraction(before, 2) * (1 - after / (scale * before))
        return offset + (place + Fraction(1, 2)) / scale - Fraction(1, 2)
    raise NotTileableError(f"coordinates {how} are not known here")


def _axis(options: dict[str, Any], scale: Fraction, before: int, after: int) -> Axis | Taps:
    """Return where resizing reads along an axis, and with which weights."""
    how = options.get("coordinate_transformation_mode", "half_pixel")
    positions = [float(_position(place, how, scale, before, after)) for place in range(after)]
    filtering = LINEAR if options["mode"] == "linear" else Filter(CUBIC.radius, options.get("cubic_coeff_a", -0.75))
    outside = not options.get("exclude_outside", 0)
    if options.get("antialias", 0) and scale < 1:
        return smoothed(positions, before, filtering, float(scale), outside=outside)
    if options["mode"] == "linear":
        return Axis(tuple(min(max(0.0, place), before - 1.0) for place in positions), before)
    return tapped(positions, before, filtering, outside=outside)


def _nearest(loader: Loader, node: onnx.NodeProto, axis: int, before: Size, asked: _Resized) -> Any:
    """Return which pixel each output copies along an axis: as ONNX Runtime says of a ramp.

    It finds them in single precision, and otherwise than by exact positions at some sizes.
    """
    length, after = before.along(axis), asked.size.along(axis)
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    del alone.attribute[:]
    alone.attribute.extend(one for one in node.attribute if one.name not in {"axes", "keep_aspect_ratio_policy"})
    nothing = "" if loader.opset >= 13 else "nothing"
    numbers = np.ones(4, np.int64 if asked.given is None else np.float32)
    numbers[2 + axis] = after if asked.given is None else asked.given[axis]
    alone.input[:] = ["ramp", nothing, nothing, "numbers"] if asked.given is None else ["ramp", nothing, "numbers"]
    alone.output[:] = ["copied"]
    shape = [1, 1, length, 1] if axis == ROWS else [1, 1, 1, length]
    graph = onnx.helper.make_graph(
        [alone],
        "nearest",
        [onnx.helper.make_tensor_value_info("ramp", onnx.TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name="copied")],
        [
            onnx.numpy_helper.from_array(numbers, "numbers"),
            onnx.numpy_helper.from_array(np.zeros(0, np.float32), "nothing"),
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", loader.opset)], ir_version=8)
    session = Session(model.SerializeToString(), Resources(threads=1), "a nearest resizing")
    (copied,) = session.run(["copied"], {"ramp": np.arange(length, dtype=np.float32).reshape(shape)})
    found = copied.ravel().astype(np.int64)
    if len(found) != after:
        raise NotTileableError("its size is not what was expected")
    return found
