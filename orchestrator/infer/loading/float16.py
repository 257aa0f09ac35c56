"""Networks in half precision as the networks in single precision that they are on processors.

ONNX Runtime has kernels for float16 for few operations there. All others it computes in float32, and it rounds only
what goes into one of the few; not into one whose neighbours are all of the others. So a node that casts to float16 is
left only where ONNX Runtime rounds, and everything is float32.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array

_CASTS = frozenset({"Cast", "CastLike"})
_PASSED = frozenset({"Dropout", "Identity"})
"""Operations that are gone before ONNX Runtime looks for kernels."""

_WITH_KERNELS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(
        (
            *("Concat", "Expand", "Flatten", "Gather", "Mod", "Reshape", "Round", "ScatterND", "Shrink", "Sign"),
            *("Slice", "Split", "Squeeze", "Unsqueeze"),
        ),
        (1, 99),
    ),
    **dict.fromkeys(("Clip", "Max", "Min"), (12, 99)),
    "Relu": (18, 18),
}
"""First and last operator set in which an operation on float16 is computed as such; its results need no rounding."""

_OF_ITS_OWN: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("Erf", "GroupNormalization", "IsInf", "IsNaN", "LayerNormalization", "Transpose"), (1, 99)),
    **dict.fromkeys(
        ("HardSigmoid", "HardSwish", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
        (18, 18),
    ),
}
"""In which it rounds on the way, moves the operation first, or makes one of several (GELU of Erf), as its optimisations
come to it."""

_FUSED_BEHIND = {"Add": "Conv", "BatchNormalization": "Conv", "Clip": "Relu", "Mul": "Conv"}
"""Operations that it puts together with one before them."""

_OF_OTHER_KINDS = frozenset(
    {
        *("And", "ArgMax", "ArgMin", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual"),
        *("NonZero", "Not", "Or", "QuantizeLinear", "Shape", "Size", "Xor"),
    }
)
"""Operations whose results are no floats whatever they read."""

REFUSED = "ONNX Runtime rounds to float16 in it in a way of its own"

ANSWERED = "the network answers in float16: put a Cast to float32 behind it"


def in_single_precision(
    nodes: Sequence[onnx.NodeProto], outputs: Sequence[str], constants: Mapping[str, Array], opset: int
) -> tuple[tuple[onnx.NodeProto, ...], dict[str, str]]:
    """Return the nodes of a network all of whose maps are float32, and why some of them cannot be had so.

    Args:
        nodes: In their order; where nothing of them is float16, or one lacks inputs or outputs (which is told of where
            it is loaded), they are returned as they are.
        outputs: Of the network.

    Returns:
        nodes: A Cast to float16 among them means that the values are rounded to it, and stay float32.
        refused: By the outputs of nodes, joined by "|".
    """
    if not _names_float16(nodes, constants) or any(map(_lacks_something, nodes)):
        return tuple(nodes), {}
    types = _Types(opset, constants)
    for node in nodes:
        types.add(node)
    written: dict[str, onnx.NodeProto] = {}
    refused = {"|".join(node.output): REFUSED for node in nodes if types.is_refused(node)}
    refused |= {"|".join(node.output): ANSWERED for node in nodes if types.half.intersection(outputs, node.output)}
    for node in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for place, name in enumerate(node.input):
            if types.rounds(node, name):
                copy.input[place] = f"{name}|float16"
                written[copy.input[place]] = _cast(name, copy.input[place], onnx.TensorProto.FLOAT16)
        if node.op_type in _CASTS and node.output[0] in types.half - types.constant:
            copy = _cast(copy.input[0], node.output[0], onnx.TensorProto.FLOAT)
        written["|".join(node.output)] = copy
    return tuple(written.values()), refused


def _names_float16(nodes: Sequence[onnx.NodeProto], constants: Mapping[str, Array]) -> bool:
    half = onnx.TensorProto.FLOAT16
    return any(value.dtype == np.float16 for value in constants.values()) or any(
        _is_cast_to(node, half) or any(one.t.data_type == half for one in node.attribute) for node in nodes
    )


def _lacks_something(node: onnx.NodeProto) -> bool:
    least = 2 if node.op_type in {"CastLike", "Expand"} else 1 if node.op_type in _CASTS | _PASSED else 0
    return not node.output or len(list(filter(None, node.input))) < least


def _cast(name: str, output: str, kind: int) -> onnx.NodeProto:
    return onnx.helper.make_node("Cast", [name], [output], output, to=kind)


def _is_cast_to(node: onnx.NodeProto, kind: int) -> bool:
    return node.op_type == "Cast" and any(one.name == "to" and one.i == kind for one in node.attribute)


@dataclass
class _Types:
    """What is float16 in a network, and what computes it.

    Attributes:
        half: Tensors of the file that are float16.
        constant: Tensors that do not depend on the picture.
        makers: By tensor, the node that makes it.
        readers: By tensor, the nodes that read it.
        same: By tensor that is another one unchanged, that one.
        sized: Tensors that depend on the picture's size.
    """

    opset: int
    constants: Mapping[str, Array]
    half: set[str] = field(default_factory=set)
    constant: set[str] = field(default_factory=set)
    makers: dict[str, onnx.NodeProto] = field(default_factory=dict)
    readers: dict[str, list[onnx.NodeProto]] = field(default_factory=dict)
    same: dict[str, str] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)
    sized: set[str] = field(default_factory=set)
    first: dict[tuple[str | bytes | int, ...], onnx.NodeProto] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.half.update(name for name, value in self.constants.items() if value.dtype == np.float16)
        self.constant.update(self.constants)
        self.values = dict(self.constants)

    def add(self, node: onnx.NodeProto) -> None:
        """Take the next node."""
        given = [name for name in node.input if name]
        if all(name in self.constant for name in given) or node.op_type == "Shape":
            self.constant.update(node.output)
        if node.op_type == "Shape" or not self.sized.isdisjoint(given):
            self.sized.update(node.output)
        if node.op_type == "Constant":
            self.values.update(
                (node.output[0], onnx.numpy_helper.to_array(one.t)) for one in node.attribute if one.name == "value"
            )
        if self._makes_half(node, given):
            self.half.update(name for name in node.output if name)
        if self._is_passed(node):
            self.passed.add(node.output[0])
            self.same[node.output[0]] = self._known(node.input[0])
            return
        alike = (
            node.domain,
            node.op_type,
            len(node.output),
            *map(self._known, node.input),
            *(one.SerializeToString() for one in node.attribute),
        )
        first = self.first.setdefault(alike, node)
        if first is not node:
            self.same.update(zip(node.output, first.output, strict=True))
            return
        self.makers.update(dict.fromkeys(node.output, node))
        for name in given:
            self.readers.setdefault(self._known(name), []).append(node)

    def _is_passed(self, node: onnx.NodeProto) -> bool:
        """Whether ONNX Runtime reads a node's input in its place."""
        return node.op_type in _PASSED or (node.op_type == "Expand" and self._spreads_nothing(node.input[1]))

    def _spreads_nothing(self, shape: str) -> bool:
        return shape in self.values and bool((self.values[shape] == 1).all())

    def is_refused(self, node: onnx.NodeProto) -> bool:
        """Whether ONNX Runtime computes a node on float16 in a way that cannot be had in parts."""
        if node.op_type == "CastLike":
            return not self.half.isdisjoint([*node.input, *node.output])
        if not any(self._is_picture(name) for name in node.input):
            return node.op_type in _CASTS and node.output[0] in self.half and self._is_cast_from_half(node.input[0])
        first, last = _OF_ITS_OWN.get(node.op_type, (1, 0))
        return first <= self.opset <= last or self._is_fused(node) or self._is_folded(node)

    def _is_folded(self, node: onnx.NodeProto) -> bool:
        """Whether ONNX Runtime finds a shape that is not found here, and with it that nothing is spread."""
        if node.op_type != "Expand":
            return False
        shape = node.input[1]
        return shape in self.constant and shape not in self.values and shape not in self.sized

    def _is_fused(self, node: onnx.NodeProto) -> bool:
        """Whether ONNX Runtime puts a node and the one before it together, with constants that it rounds anew."""
        before, given = _FUSED_BEHIND.get(node.op_type, ""), [name for name in node.input if name]
        makers = (self.makers.get(self._known(name)) for name in given)
        return any(name in self.constant for name in given) and any(one and one.op_type == before for one in makers)

    def rounds(self, node: onnx.NodeProto, name: str) -> bool:
        """Whether an input of a node is rounded to float16 before the node reads it."""
        if not self._is_picture(name) or node.output[0] in self.passed:
            return False
        node = self.makers.get(self._known(node.output[0]), node)
        if not self._in_float16(node) and not self._is_cast_back(name):
            return False
        maker = self.makers.get(self._known(name))
        if maker is None or maker.op_type in _CASTS:
            return True
        return not self._in_float16(maker) and not _is_cast_to(node, onnx.TensorProto.FLOAT)

    def _known(self, name: str) -> str:
        return self.same.get(name, name)

    def _is_cast_from_half(self, name: str) -> bool:
        maker = self.makers.get(self._known(name))
        return maker is not None and maker.op_type in _CASTS and any(map(self._is_picture, maker.input))

    def _is_cast_back(self, name: str) -> bool:
        """Whether a tensor is cast to float16 and back by the file: all that read it share the way back."""
        maker = self.makers.get(self._known(name))
        readers = self.readers.get(self._known(name), ())
        return (
            maker is not None
            and maker.op_type in _CASTS
            and any(_is_cast_to(reader, onnx.TensorProto.FLOAT) for reader in readers)
        )

    def _makes_half(self, node: onnx.NodeProto, given: Sequence[str]) -> bool:
        if node.op_type == "Cast":
            return _is_cast_to(node, onnx.TensorProto.FLOAT16)
        if node.op_type == "CastLike":
            return given[-1] in self.half
        if node.op_type in {"Constant", "ConstantOfShape"}:
            return any(one.t.data_type == onnx.TensorProto.FLOAT16 for one in node.attribute)
        return node.op_type not in _OF_OTHER_KINDS and any(name in self.half for name in given)

    def _is_picture(self, name: str) -> bool:
        return name in self.half and name not in self.constant

    def _in_float16(self, node: onnx.NodeProto) -> bool:
        """Whether a node computes in float16: it has a kernel for it, and so has one of its neighbours."""
        if node.op_type in _CASTS:
            return True
        if not self._has_kernel(node):
            return False
        first = next((name for name in node.input if self._is_picture(name)), "")
        maker = self.makers.get(self._known(first))
        readers = [reader for name in node.output if name in self.half for reader in self.readers.get(name, ())]
        return maker is None or self._has_kernel(maker) or any(map(self._has_kernel, readers))

    def _has_kernel(self, node: onnx.NodeProto) -> bool:
        first, last = _WITH_KERNELS.get(node.op_type, (1, 0))
        return node.op_type in _CASTS or first <= self.opset <= last
