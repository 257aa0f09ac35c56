"""Operations that read pixels from elsewhere: cropping, padding, resizing, moving blocks."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.node import Map
from orchestrator.infer.op_pointwise import add_pointwise, take_channels
from orchestrator.infer.region import AXES, ROWS, Size
from orchestrator.infer.resampling import Axis, Blocks, Linear, Take
from orchestrator.infer.session import Resources, Session
from orchestrator.infer.window_nodes import Window, Windowed


def gather(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a choice of rows, columns or channels."""
    axis, source = attributes(node).get("axis", 0), loader.map(node.input[0])
    index = loader.constant(node.input[1])
    if axis not in range(1, 4) or index.ndim != 1:
        raise NotTileableError("it takes pictures out of a batch, or single rows, columns or channels")
    if axis == 1:
        add_pointwise(loader, node, (node.input[0],), len(index), source.size)
    else:
        take_places(loader, node.input[0], node.output[0], {axis - 2: index})


def take_places(loader: Loader, name: str, output: str, indices: Mapping[int, Any]) -> None:
    """Add nodes that copy pixels along some axes; those that change nothing are left out."""
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
        loader.add(Take(made, (name,), (), Map(source.channels, size), source.size, axis, tuple(map(int, places))))
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


def pad(loader: Loader, node: onnx.NodeProto) -> None:
    """Take padding by edges, mirror images, wrapping, or zeros."""
    source = loader.map(node.input[0])
    mode = attributes(node).get("mode", "constant")
    pads = [int(pad) for pad in loader.constant(node.input[1])]
    if len(node.input) > 3 and node.input[3]:
        whole = [0] * 8
        axes = [int(axis) % 4 for axis in loader.constant(node.input[3])]
        for place, axis in enumerate(axes):
            whole[axis], whole[4 + axis] = pads[place], pads[len(axes) + place]
        pads = whole
    if any(pads[place] for place in (0, 1, 4, 5)):
        raise NotTileableError("it adds channels or pictures")
    if mode == "constant" and any(pads):
        _pad_with_zeros(loader, node, source, pads)
        return
    kinds = {"reflect": "reflect", "edge": "edge", "wrap": "wrap", "constant": "edge"}
    indices = {}
    for axis in AXES:
        length = source.size.along(axis)
        before, after = pads[2 + axis], pads[6 + axis]
        kept = np.arange(max(0, -before), length - max(0, -after))
        indices[axis] = np.pad(kept, (max(0, before), max(0, after)), mode=kinds[mode])  # type: ignore[call-overload]
    take_places(loader, node.input[0], node.output[0], indices)


def _pad_with_zeros(loader: Loader, node: onnx.NodeProto, source: Map, pads: list[int]) -> None:
    """Add zeros, as a pooling over single pixels whose padding counts."""
    number = float(loader.constant(node.input[2])) if len(node.input) > 2 and node.input[2] else 0.0
    if number or min(pads) < 0:
        raise NotTileableError(f"it pads with {number:g}, or with less than nothing")
    size = Size(source.size.height + pads[2] + pads[6], source.size.width + pads[3] + pads[7])
    weight, windows = f"{node.output[0]}|one", (Window(1, pad=pads[2]), Window(1, pad=pads[3]))
    loader.constants[weight] = np.ones((source.channels, 1, 1, 1), np.float32)
    more = (("group", source.channels),)
    loader.add(
        Windowed(
            node.output[0],
            (node.input[0],),
            (weight,),
            Map(source.channels, size),
            source.size,
            "Conv",
            windows,
            1,
            more,
        )
    )


def resize(loader: Loader, node: onnx.NodeProto) -> None:
    """Take nearest or linear resizing."""
    options, before = attributes(node), loader.map(node.input[0])
    mode = options.get("mode", "nearest")
    how = options.get("coordinate_transformation_mode", "half_pixel")
    size, scales = _resized(loader, node, before.size)
    if mode not in {"nearest", "linear"} or options.get("antialias", 0) or how == "tf_crop_and_resize":
        raise NotTileableError(f"mode {mode} with {how} is not known here")
    if mode == "nearest":
        places = {axis: _nearest(loader, node, axis, before.size.along(axis), size.along(axis)) for axis in AXES}
        take_places(loader, node.input[0], node.output[0], places)
        return
    rows, columns = (_linear(how, scales[axis], before.size.along(axis), size.along(axis)) for axis in AXES)
    if rows.is_identity and columns.is_identity:
        loader.alias(node.output[0], node.input[0])
        return
    made = Map(before.channels, size)
    loader.add(Linear(node.output[0], (node.input[0],), (), made, before.size, (rows, columns)))


def _resized(loader: Loader, node: onnx.NodeProto, before: Size) -> tuple[Size, tuple[Fraction, Fraction]]:
    """Return the size after resizing and the scales, output by input, along both axes."""
    if attributes(node).get("keep_aspect_ratio_policy", "stretch") != "stretch" or "axes" in attributes(node):
        raise NotTileableError("its size is given in a way that is not known here")
    sizes, scales = _optional(loader, node, 3), _optional(loader, node, 2)
    if len(sizes) == 4:
        size = Size(int(sizes[2]), int(sizes[3]))
        rows, columns = (Fraction(size.along(axis), before.along(axis)) for axis in AXES)
        return size, (rows, columns)
    if len(scales) != 4:
        raise NotTileableError("it has neither a size nor scales")
    rows, columns = (Fraction(float(scales[2 + axis])) for axis in AXES)
    # In single precision, as ONNX Runtime does.
    height, width = (int(np.float32(before.along(axis)) * np.float32(scales[2 + axis])) for axis in AXES)
    return Size(height, width), (rows, columns)


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
    raise NotTileableError(f"coordinates {how} are not known here")


def _linear(how: str, scale: Fraction, before: int, after: int) -> Axis:
    """Return where linear resizing reads: positions are exact, and kept inside the input."""
    positions = (float(_position(place, how, scale, before, after)) for place in range(after))
    return Axis(tuple(min(max(0.0, place), before - 1.0) for place in positions), before)


def _nearest(loader: Loader, node: onnx.NodeProto, axis: int, before: int, after: int) -> Any:
    """Return which pixel each output copies along an axis: as ONNX Runtime says of a ramp.

    It finds them in single precision, and otherwise than by exact positions at some sizes.
    """
    alone = onnx.NodeProto()
    alone.CopyFrom(node)
    alone.input[:] = ["ramp", *node.input[1:]]
    alone.output[:] = ["copied"]
    constants = {name: loader.constant(name) for name in node.input[1:] if name}
    for name in filter(None, node.input[2:4]):
        if not constants[name].size:  # as operator sets before 13 leave out what they do not give
            continue
        constants[name] = np.array([1, 1, 1, 1], constants[name].dtype)
        constants[name][2 + axis] = loader.constant(name)[2 + axis]
    shape = [1, 1, before, 1] if axis == ROWS else [1, 1, 1, before]
    graph = onnx.helper.make_graph(
        [alone],
        "nearest",
        [onnx.helper.make_tensor_value_info("ramp", onnx.TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name="copied")],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", loader.opset)], ir_version=8)
    session = Session(model.SerializeToString(), Resources(threads=1), "a nearest resizing")
    (copied,) = session.run(["copied"], {"ramp": np.arange(before, dtype=np.float32).reshape(shape)})
    found = copied.ravel().astype(np.int64)
    if len(found) != after:
        raise NotTileableError("its size is not what was expected")
    return found


def blocks(loader: Loader, node: onnx.NodeProto) -> None:
    """Take channels moved into space, or back."""
    options, before = attributes(node), loader.map(node.input[0])
    block = options["blocksize"]
    if node.op_type == "DepthToSpace":
        size = Size(before.size.height * block, before.size.width * block)
        channels = before.channels // block**2
    else:
        size = Size(before.size.height // block, before.size.width // block)
        channels = before.channels * block**2
    more = tuple((name, options[name]) for name in ("mode",) if name in options)
    loader.add(
        Blocks(node.output[0], (node.input[0],), (), Map(channels, size), before.size, node.op_type, block, more)
    )
