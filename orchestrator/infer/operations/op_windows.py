"""Operations that look at a window around each pixel."""

from dataclasses import replace

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.padding_nodes import Padded
from orchestrator.infer.graphs.region import AXES, COLUMNS, ROWS, Size
from orchestrator.infer.graphs.window_nodes import Transposed, Window, Windowed
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes


def _window_size(before: Size, windows: tuple[Window, Window], ends: tuple[int, int], *, ceil: bool) -> Size:
    lengths = []
    for axis in AXES:
        window, length = windows[axis], before.along(axis)
        room = length + window.pad + ends[axis] - window.reach
        count = (-(-room // window.stride) if ceil else room // window.stride) + 1
        if ceil and (count - 1) * window.stride >= length + window.pad:
            count -= 1  # a window that would begin beyond the picture is left out
        lengths.append(count)
    if min(lengths) < 1:
        raise NotTileableError(f"a picture of {before} pixels is smaller than its window")
    return Size(*lengths)


def _windows(loader: Loader, node: onnx.NodeProto, kernel: list[int]) -> tuple[tuple[Window, Window], tuple[int, int]]:
    """Return the windows of both axes and the padding at their ends."""
    options, before = attributes(node), loader.map(node.input[0]).size
    if len(kernel) != 2:
        raise NotTileableError("it does not work on two axes")
    strides, dilations = (options.get(name, [1, 1]) for name in ("strides", "dilations"))
    pads = list(options.get("pads", [0, 0, 0, 0]))
    auto = options.get("auto_pad", "NOTSET")
    if "SAME" in auto and max(dilations) > 1:
        raise NotTileableError(f"ONNX Runtime pads {auto} with dilations in a way of its own")
    for axis in AXES if auto in {"SAME_UPPER", "SAME_LOWER"} else ():
        length, stride = before.along(axis), strides[axis]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        whole = max(0, (-(-length // stride) - 1) * stride + reach - length)
        less = whole // 2
        pads[axis], pads[2 + axis] = (less, whole - less) if auto == "SAME_UPPER" else (whole - less, less)
    rows, columns = (Window(kernel[axis], strides[axis], dilations[axis], pads[axis]) for axis in AXES)
    return (rows, columns), (pads[2], pads[3])


def conv(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a convolution."""
    weight = _weight_shape(loader, node)
    windows, ends = _windows(loader, node, list(weight[2:]))
    before = loader.map(node.input[0]).size
    size = _window_size(before, windows, ends, ceil=False)
    more = (("group", attributes(node).get("group", 1)),)
    values = tuple(name for name in node.input[1:] if name)
    cost = float(np.prod(weight))
    made = Map(weight[0], size)
    loader.add(Windowed(node.output[0], (node.input[0],), values, made, before, "Conv", windows, cost, more))


def _weight_shape(loader: Loader, node: onnx.NodeProto) -> tuple[int, ...]:
    """Return the shape of weights, which are constants or computed from the whole picture, as a bias is.

    Raises:
        NotTileableError: Where one of them has pixels of the picture.
    """
    if any(loader.is_map(name) for name in node.input[1:] if name):
        raise NotTileableError("its weights are pixels of the picture")
    return loader.shape(node.input[1])


def pool(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a pooling."""
    options, source = attributes(node), loader.map(node.input[0])
    if len([name for name in node.output if name]) > 1:
        raise NotTileableError("it gives places, too")
    windows, ends = _windows(loader, node, list(options["kernel_shape"]))
    if (
        node.op_type == "LpPool"
        and "SAME" in options.get("auto_pad", "")
        and any(one.stride > one.kernel for one in windows)
    ):
        raise NotTileableError("ONNX Runtime pads strides that are longer than the window in a way of its own")
    size = _window_size(source.size, windows, ends, ceil=bool(options.get("ceil_mode", 0)))
    counted = {name: options[name] for name in ("count_include_pad", "p") if name in options}
    name, before = node.input[0], source.size
    if counted.get("count_include_pad") and max(_beyond(before, size, windows, ends)) > 0:
        # Padding counts, and what lies beyond it does not: the zeros become pixels.
        name, before = _zeros_around(loader, node, windows, ends)
        windows, ends = (replace(windows[ROWS], pad=0), replace(windows[COLUMNS], pad=0)), (0, 0)
        counted = {}
    if any(
        over + ends[axis] >= windows[axis].kernel
        for axis, over in zip(AXES, _beyond(before, size, windows, ends), strict=True)
    ):
        raise NotTileableError("its last window reaches beyond the picture by more than ONNX Runtime pads")
    cost = float(windows[0].kernel * windows[1].kernel) / 8 * source.channels
    more = tuple(counted.items())
    made = Map(source.channels, size)
    loader.add(Windowed(node.output[0], (name,), (), made, before, node.op_type, windows, cost, more))


def _beyond(before: Size, size: Size, windows: tuple[Window, Window], ends: tuple[int, int]) -> list[int]:
    """Return by how much the last windows reach beyond the padding."""
    return [
        (size.along(axis) - 1) * windows[axis].stride
        + windows[axis].reach
        - windows[axis].pad
        - before.along(axis)
        - ends[axis]
        for axis in AXES
    ]


def _zeros_around(
    loader: Loader, node: onnx.NodeProto, windows: tuple[Window, Window], ends: tuple[int, int]
) -> tuple[str, Size]:
    """Add the map that a pooling's input is with its padding; return its name and size."""
    name, source = f"{node.output[0]}|padded", loader.map(node.input[0])
    starts = (windows[ROWS].pad, windows[COLUMNS].pad)
    size = Size(*(source.size.along(axis) + starts[axis] + ends[axis] for axis in AXES))
    made = Map(source.channels, size)
    loader.add(Padded(name, (node.input[0],), (), made, source.size, starts, (0, 0), 0.0))
    return name, size


def transposed(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a transposed convolution."""
    weight, options = _weight_shape(loader, node), attributes(node)
    if options.get("auto_pad", "NOTSET") not in {"NOTSET", "VALID"} or "output_shape" in options:
        raise NotTileableError("its size is given in a way that is not known here")
    windows, ends = _windows(loader, node, list(weight[2:]))
    before, added = loader.map(node.input[0]).size, options.get("output_padding", [0, 0])
    lengths = [
        (before.along(axis) - 1) * windows[axis].stride
        - windows[axis].pad
        - ends[axis]
        + windows[axis].reach
        + added[axis]
        for axis in AXES
    ]
    group = options.get("group", 1)
    cost = float(np.prod(weight)) / (windows[ROWS].stride * windows[COLUMNS].stride)
    made = Map(weight[1] * group, Size(*lengths))
    values = tuple(name for name in node.input[1:] if name)
    more = (("group", group),)
    loader.add(Transposed(node.output[0], (node.input[0],), values, made, before, windows, cost, more))
