"""Operations that look at a window around each pixel."""

import numpy as np
import onnx

from orchestrator.infer.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.node import Map
from orchestrator.infer.region import AXES, COLUMNS, ROWS, Size
from orchestrator.infer.window_nodes import Transposed, Window, Windowed


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
    weight = loader.constant(node.input[1])
    for name in node.input[2:]:
        loader.constant(name)
    windows, ends = _windows(loader, node, list(weight.shape[2:]))
    before = loader.map(node.input[0]).size
    size = _window_size(before, windows, ends, ceil=False)
    more = (("group", attributes(node).get("group", 1)),)
    values = tuple(name for name in node.input[1:] if name)
    cost = float(np.prod(weight.shape))
    loader.add(
        Windowed(
            node.output[0], (node.input[0],), values, Map(weight.shape[0], size), before, "Conv", windows, cost, more
        )
    )


def pool(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a pooling."""
    options, before = attributes(node), loader.map(node.input[0])
    if len([name for name in node.output if name]) > 1:
        raise NotTileableError("it gives places, too")
    windows, ends = _windows(loader, node, list(options["kernel_shape"]))
    if (
        node.op_type == "LpPool"
        and "SAME" in options.get("auto_pad", "")
        and any(one.stride > one.kernel for one in windows)
    ):
        raise NotTileableError("ONNX Runtime pads strides that are longer than the window in a way of its own")
    size = _window_size(before.size, windows, ends, ceil=bool(options.get("ceil_mode", 0)))
    counted = {name: options[name] for name in ("count_include_pad", "p") if name in options}
    for axis in AXES:
        window = windows[axis]
        over = (size.along(axis) - 1) * window.stride + window.reach - window.pad - before.size.along(axis) - ends[axis]
        if over > 0 and counted.get("count_include_pad"):
            raise NotTileableError("it counts padding, but not what lies beyond it")
        if over + ends[axis] >= window.kernel:
            raise NotTileableError("its last window reaches beyond the picture by more than ONNX Runtime pads")
    cost = float(windows[0].kernel * windows[1].kernel) / 8
    loader.add(
        Windowed(
            node.output[0],
            (node.input[0],),
            (),
            Map(before.channels, size),
            before.size,
            node.op_type,
            windows,
            cost * before.channels,
            tuple(counted.items()),
        )
    )


def transposed(loader: Loader, node: onnx.NodeProto) -> None:
    """Take a transposed convolution."""
    weight, options = loader.constant(node.input[1]), attributes(node)
    if options.get("auto_pad", "NOTSET") not in {"NOTSET", "VALID"} or "output_shape" in options:
        raise NotTileableError("its size is given in a way that is not known here")
    windows, ends = _windows(loader, node, list(weight.shape[2:]))
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
    cost = float(np.prod(weight.shape)) / (windows[ROWS].stride * windows[COLUMNS].stride)
    made = Map(weight.shape[1] * group, Size(*lengths))
    values = tuple(name for name in node.input[1:] if name)
    more = (("group", group),)
    loader.add(Transposed(node.output[0], (node.input[0],), values, made, before, windows, cost, more))
