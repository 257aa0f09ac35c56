"""Padding by numbers, edges, mirror images and wrapping, of rows, columns and channels; and cropping."""

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.padding_nodes import Padded
from orchestrator.infer.graphs.region import AXES, Size
from orchestrator.infer.loading.model_loader import Loader, NotTileableError, attributes
from orchestrator.infer.operations.op_pointwise import take_channels
from orchestrator.infer.operations.op_resampling import take_places

_KINDS = {"reflect": "reflect", "edge": "edge", "wrap": "wrap"}


def pad(loader: Loader, node: onnx.NodeProto) -> None:
    """Take padding and cropping whose amounts are constants or follow from the picture's size."""
    mode, pads = attributes(node).get("mode", "constant"), _pads(loader, node)
    if pads[0] or pads[4]:
        raise NotTileableError("it adds pictures")
    if mode == "constant" and max(pads) > 0:
        _pad_with_number(loader, node, pads)
        return
    name, output, source = node.input[0], node.output[0], loader.map(node.input[0])
    places = {
        axis: _places(source.size.along(axis), pads[2 + axis], pads[6 + axis], _KINDS.get(mode, "edge"))
        for axis in AXES
    }
    if pads[1] or pads[5]:
        take_channels(
            loader, name, f"{output}|channels", _places(source.channels, pads[1], pads[5], _KINDS.get(mode, "edge"))
        )
        name = f"{output}|channels"
    take_places(loader, name, output, places)


def _pads(loader: Loader, node: onnx.NodeProto) -> list[int]:
    """Return what is added before and after each of the four axes."""
    pads = [int(pad) for pad in loader.constant(node.input[1])]
    if len(node.input) < 4 or not node.input[3]:
        return pads
    whole = [0] * 8
    axes = [int(axis) % 4 for axis in loader.constant(node.input[3])]
    for place, axis in enumerate(axes):
        whole[axis], whole[4 + axis] = pads[place], pads[len(axes) + place]
    return whole


def _places(length: int, before: int, after: int, kind: str) -> list[int]:
    kept = np.arange(max(0, -before), length - max(0, -after))
    if not len(kept):
        raise NotTileableError("it leaves nothing of a picture of this size")
    found: list[int] = np.pad(kept, (max(0, before), max(0, after)), mode=kind).tolist()  # type: ignore[call-overload]
    return found


def _pad_with_number(loader: Loader, node: onnx.NodeProto, pads: list[int]) -> None:
    name, source = node.input[0], loader.map(node.input[0])
    number = float(loader.constant(node.input[2]).reshape(())) if len(node.input) > 2 and node.input[2] else 0.0
    if min(pads[1], pads[5]) < 0:
        raise NotTileableError("it takes channels away")
    size = Size(source.size.height + pads[2] + pads[6], source.size.width + pads[3] + pads[7])
    if min(size.height, size.width) < 1:
        raise NotTileableError("it leaves nothing of a picture of this size")
    made = Map(source.channels + pads[1] + pads[5], size, source.kind)
    loader.add(Padded(node.output[0], (name,), (), made, source.size, (pads[2], pads[3]), (pads[1], pads[5]), number))
