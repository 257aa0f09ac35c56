"""A network from outside, made one of the project's ONNX contract: what has to be done to pictures is put around it.

The picture goes in as float32 RGB of 0 to 1, and the answer comes out so. In this order, inside the graph:

1. the last row and column are repeated until height and width are multiples of `multiple`;
2. channels are put in the network's order;
3. v = x * scale + shift, channel by channel: the network's own values;
4. what the network takes (float16 where it does) goes through it, and its answer becomes float32 again; where it takes
   one channel, each goes through a copy of its nodes that reads the same weights; channels that it takes beside the
   picture's hold one number everywhere, and are cut off where it answers with them too;
5. of a residual, the answer is v minus (or plus) what the network answered: in its own values, before step 6;
6. x = (v - shift) / scale with the numbers of the answer's range; channels back; the picture's own size.
"""

import dataclasses
from typing import Any, Container, Dict, Iterator, List, Mapping, Sequence, Set, Tuple, Union

import numpy as np
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

from netkit.malformed import Malformed
from netkit.onnx_names import inner_graphs, made_names, read_names, rename_graph, rename_node
from netkit.onnx_sizes import SizeRule, accept_any_size

IMAGE, TRANSMISSION = "image", "transmission"
OLDEST_OPSET = 11
"""Older files are converted: exact inference knows the operations as they are from here on."""

_CONVERTED_OPSET = 12
"""The first in which sizes can be compared, which padding needs; later ones only move attributes to inputs."""

_RESIZE_CHANGED = 11
"""Operator set from which resizing says where it reads."""

_LEAST_IR = 8
_INSIDE, _AROUND = "network/", "wrap/"
_FLOATS = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16"}
_FREE = ("height", "width")
_COLOURS = ("red/", "green/", "blue/")

Side = Union[int, str]
"""Of a tensor; "?" where the file leaves it free."""

_Steps = List[Tuple[str, Tuple[str, ...], Dict[str, Any]]]
"""Operations that follow each other: kind, names of inputs beside the first, attributes."""


@dataclasses.dataclass(frozen=True)
class ValueRange:
    """What a network's values are of those of pictures: v = x * scale + shift, for each of its channels."""

    scale: Tuple[float, float, float] = (1.0, 1.0, 1.0)
    shift: Tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Channels:
    """What a network's channels are.

    Attributes:
        order: "rgb" or "bgr"; "each" where it takes one, and red, green and blue go through it alone.
        further: Numbers that its channels behind those of the picture hold everywhere, in its own values.
    """

    order: str = "rgb"
    further: Tuple[float, ...] = ()

    @property
    def parts(self) -> Tuple[str, ...]:
        """What names of each part begin with that goes through the network alone; the whole picture has no name."""
        return _COLOURS if self.order == "each" else ("",)

    @property
    def of_picture(self) -> int:
        """How many of the picture's channels go through it at once."""
        return len(_COLOURS) // len(self.parts)

    @property
    def count(self) -> int:
        """How many it takes."""
        return self.of_picture + len(self.further)


@dataclasses.dataclass(frozen=True)
class Wrapping:
    """What a network from outside takes and answers.

    Attributes:
        input: Name of its input.
        outputs: Name of each of its outputs that is taken, by what the project calls it: `transmission` and more.
        taken: The range of what it takes.
        answered: The range of what it answers.
        channels: What its channels are.
        multiple: Of which height and width must be multiples.
        residual: "" where the answer is the picture without the reflection; "subtract" or "add" where that is the
            picture minus or plus the answer.
        free_size: Whether a fixed height and width are those of one example alone.
    """

    input: str
    outputs: Mapping[str, str]
    taken: ValueRange = ValueRange()
    answered: ValueRange = ValueRange()
    channels: Channels = Channels()
    multiple: int = 1
    residual: str = ""
    free_size: bool = False


def input_of(model: onnx.ModelProto, wrapping: Wrapping) -> onnx.ValueInfoProto:
    """Return the one input of a network, which takes pictures.

    Raises:
        Malformed: Where it has others, or takes something else; the words name what was found.
    """
    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    if [one.name for one in inputs] != [wrapping.input]:
        found = ", ".join(repr(one.name[:80]) for one in inputs) or "none"
        raise Malformed("it has the inputs %s, and a picture goes into %r alone" % (found, wrapping.input))
    kind, sides = form_of(inputs[0])
    shown = "it takes %s, %s" % (kind, " x ".join(map(str, sides)))
    if kind not in _FLOATS.values():
        raise Malformed("%s; float32 or float16 is needed: put a Cast before it" % shown)
    count = wrapping.channels.count
    form = "1 x %d x H x W" % count
    if len(sides) != 4 or sides[0] not in ("?", 1):
        raise Malformed("%s; one picture is needed, %s" % (shown, form))
    if sides[1] != count and sides[3] == count:
        raise Malformed("%s, with the channels last; export it with the channels first, %s" % (shown, form))
    if sides[1] not in ("?", count):
        words = "channel" if sides[1] == 1 else "channels"
        raise Malformed("%s, pictures of %s %s; %s is needed" % (shown, sides[1], words, form))
    image: onnx.ValueInfoProto = inputs[0]
    return image


def form_of(value: onnx.ValueInfoProto) -> Tuple[str, Tuple[Side, ...]]:
    """Return the kind of a tensor's values, such as "float32", and its sides; "?" for one that is free."""
    kind = value.type.tensor_type
    sides = tuple(one.dim_value if one.dim_value > 0 else "?" for one in kind.shape.dim)
    known = kind.elem_type in TensorProto.DataType.values() and kind.elem_type
    return helper.tensor_dtype_to_np_dtype(kind.elem_type).name if known else "no tensor", sides


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the standard operator set that a model uses."""
    return next((one.version for one in model.opset_import if one.domain in {"", "ai.onnx"}), 1)


def wrapped(model: onnx.ModelProto, wrapping: Wrapping) -> onnx.ModelProto:
    """Return the network as one of the project's contract: input `image`, outputs as `wrapping` calls them.

    Raises:
        Malformed: Where it does not take pictures, has no such output, or cannot be converted from an older operator
            set.
    """
    _refuse_newer(model)
    sides = form_of(input_of(model, wrapping))[1]
    found = _converted(model, OLDEST_OPSET if wrapping.multiple == 1 else _CONVERTED_OPSET)
    graph = found.graph
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
    missing = sorted(set(wrapping.outputs.values()) - {value.name for value in graph.output})
    if missing:
        there = ", ".join(repr(value.name[:80]) for value in graph.output)
        raise Malformed("it has no output %r, but %s" % (missing[0], there))
    rename_graph(graph, lambda name: _INSIDE + name)
    before = _before(wrapping, kinds[wrapping.input])
    after = [node for name, source in wrapping.outputs.items() for node in _after(wrapping, name, source, kinds)]
    needed = _needed([*graph.node], {_INSIDE + source for source in wrapping.outputs.values()})
    tensors = [tensor for tensor in graph.initializer if tensor.name in needed.names]
    shape = (1, 3, *(free if side == "?" or wrapping.free_size else side for side, free in zip(sides[2:], _FREE)))
    whole = helper.make_graph(
        [*before, *_for_each_part(wrapping, needed.nodes), *after],
        "network",
        [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in wrapping.outputs],
        [*tensors, *_constants(wrapping)],
    )
    whole.sparse_initializer.extend(graph.sparse_initializer)
    found.graph.CopyFrom(whole)
    del found.metadata_props[:], found.training_info[:]
    found.doc_string = ""
    found.ir_version = max(found.ir_version, _LEAST_IR)
    accept_any_size(found, SizeRule(wrapping.multiple))
    return found


def _refuse_newer(model: onnx.ModelProto) -> None:
    newest = onnx.defs.onnx_opset_version()
    if opset_of(model) > newest:
        raise Malformed("it has operator set %d, and those up to %d are known" % (opset_of(model), newest))
    if model.ir_version > onnx.IR_VERSION:
        raise Malformed("it is of IR version %d, and those up to %d are known" % (model.ir_version, onnx.IR_VERSION))


def _converted(model: onnx.ModelProto, oldest: int) -> onnx.ModelProto:
    """Return a copy of the model, of an operator set that is known and no older than `oldest`."""
    if opset_of(model) >= oldest:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy
    try:
        found = onnx.version_converter.convert_version(model, _CONVERTED_OPSET)
    except Exception as error:  # the converter has no class for what it does not know
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Malformed(
            "it has operator set %d, and cannot be converted to %d: %s" % (opset_of(model), _CONVERTED_OPSET, reason)
        ) from error
    if opset_of(model) < _RESIZE_CHANGED:
        _resized_as_before(found.graph)
    return found


def _resized_as_before(graph: onnx.GraphProto) -> None:
    """Let resizing read where older operator sets do; the converter leaves that to the new ones' default."""
    for node in graph.node:
        if node.op_type == "Resize":
            kept = [one for one in node.attribute if one.name == "mode"]
            del node.attribute[:]
            node.attribute.extend(kept)
            node.attribute.append(helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
            node.attribute.append(helper.make_attribute("nearest_mode", "floor"))
        for inner in inner_graphs(node):
            _resized_as_before(inner)


@dataclasses.dataclass(frozen=True)
class _Needed:
    """The nodes that some outputs need, in their order, and all that they read."""

    nodes: List[onnx.NodeProto]
    names: Set[str]


def _needed(nodes: Sequence[onnx.NodeProto], wanted: Set[str]) -> _Needed:
    names, kept = set(wanted), []
    for node in reversed(nodes):
        if names.intersection(node.output):
            names |= read_names(node)
            kept.append(node)
    return _Needed(kept[::-1], names)


def _for_each_part(wrapping: Wrapping, nodes: Sequence[onnx.NodeProto]) -> List[onnx.NodeProto]:
    """Return the nodes for each part of the picture, under names of their own; what they read beside it is shared."""
    if len(wrapping.channels.parts) == 1:
        return list(nodes)
    made = {_INSIDE + wrapping.input}.union(*map(made_names, nodes))
    fixed = sorted(set(wrapping.outputs.values()) - {name[len(_INSIDE) :] for name in made})
    if fixed:
        raise Malformed("its output %r depends on no picture" % fixed[0])
    return [_copied(node, made, part) for part in wrapping.channels.parts for node in nodes]


def _copied(node: onnx.NodeProto, made: Container[str], part: str) -> onnx.NodeProto:
    """Return a node for a part of the picture: it and what is made have names of their own."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    rename_node(copy, lambda name: _INSIDE + part + name[len(_INSIDE) :] if name in made else name)
    copy.name = _INSIDE + part + node.name[len(_INSIDE) :] if node.name else ""
    return copy


def _before(wrapping: Wrapping, kind: int) -> List[onnx.NodeProto]:
    """Return the nodes from the picture to the network's input; `wrap/values` are the network's own, in float32."""
    steps: _Steps = []
    if wrapping.channels.order == "bgr":
        steps.append(("Gather", (_AROUND + "reversed",), {"axis": 1}))
    if not _is_one(wrapping.taken.scale):
        steps.append(("Mul", (_AROUND + "taken/scale",), {}))
    if not _is_zero(wrapping.taken.shift):
        steps.append(("Add", (_AROUND + "taken/shift",), {}))
    nodes = _chain(IMAGE, steps, _AROUND + "values", _AROUND + "in/")
    return [*nodes, *(node for part in wrapping.channels.parts for node in _entry(wrapping, part, kind))]


def _entry(wrapping: Wrapping, part: str, kind: int) -> List[onnx.NodeProto]:
    """Return the nodes from the network's own values to what it takes of a part of the picture."""
    prefix, given = _AROUND + part, _AROUND + "values"
    steps: _Steps = [("Gather", (prefix + "channel",), {"axis": 1})] if part else []
    for number in range(len(wrapping.channels.further)):
        steps.append(("Pad", (_AROUND + "further/one", "%sfurther/%d" % (_AROUND, number)), {}))
    nodes = _chain(given, steps, prefix + "input", prefix + "input/") if steps else []
    given = prefix + "input" if steps else given
    options: Dict[str, Any]
    operation, options = ("Cast", {"to": kind}) if kind == TensorProto.FLOAT16 else ("Identity", {})
    cast = helper.make_node(operation, [given], [_INSIDE + part + wrapping.input], prefix + "cast", **options)
    return [*nodes, cast]


def _after(wrapping: Wrapping, name: str, source: str, kinds: Mapping[str, int]) -> List[onnx.NodeProto]:
    """Return the nodes from one of the network's outputs to the project's."""
    if kinds[source] not in _FLOATS:
        raise Malformed("its output %r is neither float32 nor float16" % source[:80])
    prefix = _AROUND + name + "/"
    nodes, answer = _joined(wrapping.channels, source, prefix)
    if kinds[source] != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [answer], [prefix + "float"], prefix + "cast", to=TensorProto.FLOAT))
        answer = prefix + "float"
    if wrapping.residual and name.startswith(TRANSMISSION):
        kind = {"subtract": "Sub", "add": "Add"}[wrapping.residual]
        nodes.append(helper.make_node(kind, [_AROUND + "values", answer], [prefix + "rest"], prefix + "residual"))
        answer = prefix + "rest"
    steps: _Steps = []
    if not _is_zero(wrapping.answered.shift):
        steps.append(("Sub", (_AROUND + "answered/shift",), {}))
    if not _is_one(wrapping.answered.scale):
        steps.append(("Div", (_AROUND + "answered/scale",), {}))
    if wrapping.channels.order == "bgr":
        steps.append(("Gather", (_AROUND + "reversed",), {"axis": 1}))
    return [*nodes, *_chain(answer, steps, name, prefix)]


def _joined(channels: Channels, source: str, prefix: str) -> Tuple[List[onnx.NodeProto], str]:
    """Return the nodes that make one answer of those to all parts, without further channels, and its name."""
    nodes, answers = [], [_INSIDE + part + source for part in channels.parts]
    if channels.further:
        for place, part in enumerate(channels.parts):
            kept = prefix + part + "kept"
            nodes.append(helper.make_node("Gather", [answers[place], _AROUND + "kept"], [kept], kept, axis=1))
            answers[place] = kept
    if len(answers) == 1:
        return nodes, answers[0]
    joined = prefix + "joined"
    return [*nodes, helper.make_node("Concat", answers, [joined], joined, axis=1)], joined


def _chain(begin: str, steps: _Steps, end: str, prefix: str) -> List[onnx.NodeProto]:
    """Return nodes that follow each other from one name to another; one that changes nothing where there are none."""
    steps = steps or [("Identity", (), {})]
    names = [begin, *("%s%d" % (prefix, number) for number in range(1, len(steps))), end]
    return [
        helper.make_node(kind, [names[place], *others], [names[place + 1]], "%sstep%d" % (prefix, place), **attributes)
        for place, (kind, others, attributes) in enumerate(steps)
    ]


def _constants(wrapping: Wrapping) -> Iterator[TensorProto]:
    if wrapping.channels.order == "bgr":
        yield numpy_helper.from_array(np.array([2, 1, 0], np.int64), _AROUND + "reversed")
    yield from _channel_constants(wrapping.channels)
    for name, values in (("taken", wrapping.taken), ("answered", wrapping.answered)):
        for part, numbers, absent in (
            ("scale", values.scale, _is_one(values.scale)),
            ("shift", values.shift, _is_zero(values.shift)),
        ):
            if not absent:
                column = np.array(numbers, np.float32).reshape(1, 3, 1, 1)
                yield numpy_helper.from_array(column, "%s%s/%s" % (_AROUND, name, part))


def _channel_constants(channels: Channels) -> Iterator[TensorProto]:
    if len(channels.parts) > 1:
        for place, part in enumerate(channels.parts):
            yield numpy_helper.from_array(np.array([place], np.int64), _AROUND + part + "channel")
    if channels.further:
        yield numpy_helper.from_array(np.arange(channels.of_picture, dtype=np.int64), _AROUND + "kept")
        yield numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 1, 0, 0], np.int64), _AROUND + "further/one")
    for number, value in enumerate(channels.further):
        yield numpy_helper.from_array(np.array(value, np.float32), "%sfurther/%d" % (_AROUND, number))


def _is_one(numbers: Sequence[float]) -> bool:
    return all(number == 1 for number in numbers)


def _is_zero(numbers: Sequence[float]) -> bool:
    return all(number == 0 for number in numbers)
