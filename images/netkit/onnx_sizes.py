"""Let an ONNX graph take pictures of any size: repeat the edge inside the graph, and crop the answer again."""

import dataclasses
from typing import List, Tuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_PREFIX = "sizes/"
_END = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class SizeRule:
    """The picture sizes that a network can take.

    Attributes:
        multiple: Height and width must be multiples of it.
        minimum: And at least this many pixels.
    """

    multiple: int = 1
    minimum: int = 1

    def padded(self, height: int, width: int) -> Tuple[int, int]:
        """Return the smallest size that the network takes and that holds a picture of this (height, width)."""
        return self._up(height), self._up(width)

    def _up(self, length: int) -> int:
        return -(-max(length, self.minimum) // self.multiple) * self.multiple


ANY_SIZE = SizeRule()
"""The rule of a network that takes every size."""


def edge_padded(image: np.ndarray, rule: SizeRule) -> np.ndarray:
    """Return the picture, (H, W, C), with its last row and column repeated until its size fits the rule."""
    height, width = rule.padded(*image.shape[:2])
    return np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1]), (0, 0)), mode="edge")


def accept_any_size(model: onnx.ModelProto, rule: SizeRule) -> None:
    """Pad the input `image` at its bottom and right by repeating the edge, and crop every output, inside the graph.

    Args:
        model: Changed in place; input and outputs are (1, C, H, W) and keep their names. Nothing changes where the rule
            allows every size.
    """
    if rule == ANY_SIZE:
        return
    graph = model.graph
    padded = _PREFIX + "image"
    for node in graph.node:
        _renamed(node.input, "image", padded)
    before = _padding_nodes(padded, rule)
    after = []
    for output in graph.output:
        whole = _PREFIX + output.name
        for node in graph.node:
            _renamed(node.output, output.name, whole)
            _renamed(node.input, output.name, whole)
        cropped = [whole, _PREFIX + "zeros", _PREFIX + "size", _PREFIX + "axes"]
        after.append(helper.make_node("Slice", cropped, [output.name], _PREFIX + "crop_" + output.name))
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(_constants(rule))


def _renamed(names: "List[str]", old: str, new: str) -> None:
    for index, name in enumerate(names):
        if name == old:
            names[index] = new


def _padding_nodes(padded: str, rule: SizeRule) -> List[onnx.NodeProto]:
    """Return the nodes that make `padded` from `image` and leave the picture's (height, width) in `size`."""

    def node(kind: str, inputs: List[str], output: str, **attributes: str) -> onnx.NodeProto:
        return helper.make_node(
            kind, [name if name == "image" else _PREFIX + name for name in inputs], [output], output, **attributes
        )

    steps = [
        node("Shape", ["image"], _PREFIX + "shape"),
        node("Slice", ["shape", "two", "end", "zero"], _PREFIX + "size"),
        node("Max", ["size", "minimum"], _PREFIX + "least"),
        node("Add", ["least", "almost"], _PREFIX + "raised"),
        node("Div", ["raised", "multiple"], _PREFIX + "cells"),
        node("Mul", ["cells", "multiple"], _PREFIX + "target"),
        node("Sub", ["target", "size"], _PREFIX + "missing"),
        node("Concat", ["before", "missing"], _PREFIX + "pads"),
        node("Pad", ["image", "pads"], padded, mode="edge"),
    ]
    steps[-2].attribute.append(helper.make_attribute("axis", 0))
    return steps


def _constants(rule: SizeRule) -> List[TensorProto]:
    values = {
        "zero": [0],
        "zeros": [0, 0],
        "two": [2],
        "end": [_END],
        "axes": [2, 3],
        "before": [0, 0, 0, 0, 0, 0],
        "minimum": [rule.minimum],
        "almost": [rule.multiple - 1],
        "multiple": [rule.multiple],
    }
    return [numpy_helper.from_array(np.array(value, dtype=np.int64), _PREFIX + name) for name, value in values.items()]
