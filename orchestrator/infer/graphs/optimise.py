"""Optimisations of a graph that leave its result as it is, up to rounding where that is said.

A network without global reductions comes out bit for bit where ONNX Runtime allows: there only `without_zero_inputs`
is used.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import onnx

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import AnyNode, Array, GlobalReduction, Map, Node, Pointwise, Value
from orchestrator.infer.graphs.resampling import Linear
from orchestrator.infer.graphs.spread_nodes import Spread
from orchestrator.infer.graphs.window_nodes import Windowed

_BLOCK = 16
"""Channels that ONNX Runtime takes together at most."""


def optimised_graph(graph: Graph) -> Graph:
    """Return the graph in the form in which it is run."""
    graph = without_zero_inputs(graph)
    if not any(graph.reductions()):
        return graph
    return affine_maps(early_convolutions(batch_variances(graph)))


def without_zero_inputs(graph: Graph) -> Graph:
    """Return the graph without the parts of convolutions that see nothing but zeros.

    IBCLN's gates see a hidden state of zeros in the first round. Not a bit changes: parts are left out only where
    ONNX Runtime adds up the others in the same order as before, in blocks of channels.
    """
    nodes: dict[str, AnyNode] = dict(graph.nodes)
    constants: dict[str, Array] = {}
    for name, node in graph.nodes.items():
        parts = _concatenated(graph, node)
        if parts is None or not any(_is_zero(graph, part) for part, _ in parts):
            continue
        assert isinstance(node, Windowed)
        weight = graph.constants[node.values[0]]
        kept = [(part, channels) for part, channels in parts if not _is_zero(graph, part)]
        counts = [len(channels) for _, channels in parts]
        if not kept or any(count % _BLOCK for count in (*counts, weight.shape[0])):
            continue
        constants[f"{name}|weight"] = np.concatenate(
            [weight[:, channels.start : channels.stop] for _, channels in kept], axis=1
        )
        source = kept[0][0]
        if len(kept) > 1:
            source = f"{name}|parts"
            nodes[source] = _concat(graph, source, [part for part, _ in kept])
        cost = float(np.prod(constants[f"{name}|weight"].shape))
        nodes[name] = replace(node, inputs=(source,), values=(f"{name}|weight", *node.values[1:]), cost=cost)
    return graph.with_nodes(nodes, constants)


def batch_variances(graph: Graph) -> Graph:
    """Return the graph with means of squared deviations recognised as variances: one reduction instead of two."""
    nodes = dict(graph.nodes)
    for name, node in graph.nodes.items():
        source = _deviating(graph, node)
        if source is not None and isinstance(node, GlobalReduction):
            nodes[name] = replace(node, kind="variance", input=source)
    return graph.with_nodes(nodes)


def _deviating(graph: Graph, node: AnyNode) -> str | None:
    """Return x where a node is mean((x - mean(x)) ** 2)."""
    if not isinstance(node, GlobalReduction) or node.kind != "mean":
        return None
    square = graph.nodes.get(node.input)
    if not isinstance(square, Pointwise) or square.template.op_type != "Mul" or len(square.template.input) != 2:
        return None
    first, second = square.template.input
    deviation = graph.nodes.get(first)
    if first != second or not isinstance(deviation, Pointwise) or deviation.template.op_type != "Sub":
        return None
    source, subtracted = deviation.template.input
    mean = graph.nodes.get(subtracted)
    is_mean = isinstance(mean, GlobalReduction) and mean.kind == "mean" and mean.input == source
    return source if is_mean else None


def early_convolutions(graph: Graph) -> Graph:
    """Return the graph with 1x1 convolutions done before linear resizing, part by part; equal up to rounding.

    The convolution of concatenated parts is the sum of the parts' convolutions, and since the weights of linear
    resizing sum to one, each can be done at its part's own size. The hypercolumns of Zhang and ERRNet, 1475 channels
    at full size, then never exist.
    """
    nodes: dict[str, AnyNode] = dict(graph.nodes)
    constants: dict[str, Array] = {}
    for name, node in graph.nodes.items():
        parts = _concatenated(graph, node)
        if parts is None or not isinstance(node, Windowed) or not _is_single(node):
            continue
        found = [(part, channels, _resized_part(graph, part)) for part, channels in parts]
        if not any(resized for _, _, resized in found):
            continue
        weight = graph.constants[node.values[0]]
        sums: list[str] = []
        plain = [(part, channels) for part, channels, resized in found if resized is None]
        for number, (_, channels, resized) in reversed(list(enumerate(found, start=1))):
            if resized is None:
                continue
            kernel = np.asarray(weight[:, channels.start : channels.stop] * resized.factor, np.float32)
            small = Map(node.map.channels, resized.node.before)
            early, bias = f"{name}|{number}|early", not plain and not sums
            _single(node, early, resized.node.inputs[0], kernel, nodes, constants, small, bias=bias)
            linear = replace(resized.node, output=f"{name}|{number}", inputs=(early,), map=node.map)
            nodes[linear.output] = linear
            sums.append(linear.output)
        if plain:
            kernel = np.concatenate([weight[:, channels.start : channels.stop] for _, channels in plain], axis=1)
            source = plain[0][0]
            if len(plain) > 1:
                source = f"{name}|plain"
                nodes[source] = _concat(graph, source, [part for part, _ in plain])
            sums.append(_single(node, f"{name}|0", source, kernel, nodes, constants, node.map, bias=True))
        _add_up(name, sums, node.map, nodes)
    return graph.with_nodes(nodes, constants)


@dataclass(frozen=True)
class _Resized:
    node: Linear
    factor: np.float32


def _resized_part(graph: Graph, name: str) -> _Resized | None:
    """Return the resizing, and the factor it is multiplied by, that a map comes from."""
    node = graph.nodes.get(name)
    if isinstance(node, Linear):
        return _Resized(node, np.float32(1))
    if not isinstance(node, Pointwise) or node.template.op_type != "Mul" or len(node.inputs) != 1:
        return None
    source, factor = graph.nodes.get(node.inputs[0]), graph.constants.get(node.values[0]) if node.values else None
    if isinstance(source, Linear) and factor is not None and factor.size == 1:
        return _Resized(source, np.float32(factor.reshape(())))
    return None


def _is_single(node: Windowed) -> bool:
    """Whether a convolution sees one pixel alone."""
    return all((window.kernel, window.stride, window.pad) == (1, 1, 0) for window in node.windows)


def _single(
    like: Windowed,
    name: str,
    source: str,
    kernel: Array,
    nodes: dict[str, AnyNode],
    constants: dict[str, Array],
    made: Map,
    *,
    bias: bool,
) -> str:
    """Add a 1x1 convolution and return its name."""
    constants[f"{name}|weight"] = np.ascontiguousarray(kernel)
    values = (f"{name}|weight", *(like.values[1:] if bias else ()))
    cost = float(np.prod(kernel.shape))
    nodes[name] = replace(like, output=name, inputs=(source,), values=values, map=made, before=made.size, cost=cost)
    return name


def _add_up(name: str, parts: list[str], made: Map, nodes: dict[str, AnyNode]) -> None:
    total = parts[0]
    for number, part in enumerate(parts[1:], start=2):
        output = name if number == len(parts) else f"{name}|sum{number}"
        template = onnx.helper.make_node("Add", [total, part], [output])
        nodes[output] = Pointwise(output, (total, part), (), made, made.size, template)
        total = output
    if len(parts) == 1:
        template = onnx.helper.make_node("Identity", [total], [name])
        nodes[name] = Pointwise(name, (total,), (), made, made.size, template)


def _concatenated(graph: Graph, node: AnyNode) -> list[tuple[str, range]] | None:
    """Return the maps, with their channels, whose concatenation a convolution reads; None for anything else."""
    if not isinstance(node, Windowed) or node.kind != "Conv" or dict(node.more).get("group") != 1:
        return None
    concat = graph.nodes.get(node.inputs[0])
    if not set(node.values) <= set(graph.constants):
        return None
    if not isinstance(concat, Pointwise) or concat.template.op_type != "Concat":
        return None
    parts, start = [], 0
    for part in concat.template.input:
        channels = graph.map(part).channels
        parts.append((part, range(start, start + channels)))
        start += channels
    return parts


def _is_zero(graph: Graph, name: str) -> bool:
    node = graph.nodes.get(name)
    value = graph.constants.get(node.values[0]) if isinstance(node, Spread) else None
    return value is not None and not value.any()


def _concat(graph: Graph, output: str, parts: list[str]) -> Pointwise:
    size = graph.map(parts[0]).size
    channels = sum(graph.map(part).channels for part in parts)
    template = onnx.helper.make_node("Concat", parts, [output], axis=1)
    return Pointwise(output, tuple(dict.fromkeys(parts)), (), Map(channels, size), size, template)


@dataclass(frozen=True)
class _Form:
    """A map as (base + offset) * factor + term, of names of values; None stands for 0, 1 and 0.

    The offset comes first, as in the network: where a map's mean is large against its spread, a product that the term
    takes back would have lost the digits that matter.
    """

    base: str
    offset: str | None
    factor: str | None
    term: str | None
    steps: int


def affine_maps(graph: Graph) -> Graph:
    """Return the graph with chains of products and sums with values of the picture drawn together to (x + c) * a + b.

    Equal up to rounding. A normalisation with the picture's statistics goes over its map three times instead of six.
    """
    return _Affine(graph).graph()


class _Affine:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: dict[str, AnyNode] = dict(graph.nodes)
        self._constants: dict[str, Array] = {}
        self._forms: dict[str, _Form] = {}
        self._made: dict[tuple[str, ...], str] = {}

    def graph(self) -> Graph:
        for name, node in self._graph.nodes.items():
            if isinstance(node, Pointwise) and (form := self._form(node)) is not None:
                self._forms[name] = form
        for name, form in self._forms.items():
            if form.steps > 1:
                self._nodes.update({node.output: node for node in self._nodes_of_form(name, form)})
        return self._graph.with_nodes(self._nodes, self._constants)

    def _form(self, node: Pointwise) -> _Form | None:
        kind, names = node.template.op_type, list(node.template.input)
        if kind not in {"Mul", "Add", "Sub"} or len(names) != 2:
            return None
        maps = [name for name in names if self._graph.is_map(name)]
        if len(maps) == 2:
            return self._of_two(kind, *(self._form_of(name) for name in maps))
        form = self._form_of(maps[0])
        value = next(name for name in names if name != maps[0])
        steps = form.steps + 1
        if kind == "Mul":
            return replace(
                form, factor=self._value("Mul", form.factor, value), term=self._scaled(form.term, value), steps=steps
            )
        if kind == "Sub" and names[0] == value:
            return None
        if form.factor is None:
            return replace(form, offset=self._value(kind, form.offset, value), steps=steps)
        return replace(form, term=self._value(kind, form.term, value), steps=steps)

    def _form_of(self, name: str) -> _Form:
        return self._forms.get(name, _Form(name, None, None, None, 0))

    def _of_two(self, kind: str, first: _Form, second: _Form) -> _Form | None:
        if kind != "Add" or first.base != second.base or None in {first.factor, second.factor}:
            return None
        if first.offset is None:
            first, second = second, first
        if second.offset not in {None, first.offset}:
            return None
        if second.offset is None and first.offset is not None:  # a * x is a * (x + c) - a * c
            back = self._value("Mul", second.factor, first.offset)
            second = replace(second, term=self._value("Sub", second.term, back))
        term = self._value("Add", first.term, second.term) if second.term else first.term
        factor = self._value("Add", first.factor, second.factor)
        return _Form(first.base, first.offset, factor, term, first.steps + second.steps + 1)

    def _scaled(self, term: str | None, value: str) -> str | None:
        return None if term is None else self._value("Mul", term, value)

    def _value(self, kind: str, first: str | None, second: str | None) -> str:
        """Return the name of a value made of two; of constants at once."""
        assert second is not None
        if first is None and kind != "Sub":
            return second
        names = ("Neg", second) if first is None else (kind, first, second)
        if names not in self._made:
            output = f"affine|{len(self._made)}"
            self._made[names] = output
            constants = {**self._graph.constants, **self._constants}
            if all(name in constants for name in names[1:]):
                functions = {"Mul": np.multiply, "Add": np.add, "Sub": np.subtract, "Neg": np.negative}
                self._constants[output] = functions[names[0]](*(constants[name] for name in names[1:]))
            else:
                template = onnx.helper.make_node(names[0], list(names[1:]), [output])
                self._nodes[output] = Value(output, names[1:], template)
        return self._made[names]

    def _nodes_of_form(self, name: str, form: _Form) -> Iterator[Node]:
        made = self._graph.map(name)
        base, steps = form.base, [("Add", form.offset), ("Mul", form.factor), ("Add", form.term)]
        given = [(kind, value) for kind, value in steps if value is not None]
        for place, (kind, value) in enumerate(given, start=1):
            output = name if place == len(given) else f"{name}|{place}"
            template = onnx.helper.make_node(kind, [base, value], [output])
            yield Pointwise(output, (base,), (value,), made, made.size, template)
            base = output


def widest(graph: Graph) -> tuple[str, Mapping[str, float]]:
    """Return the map with most bytes per pixel of the picture, the picture among them, and every map's."""
    shares = {graph.image: graph.map(graph.image).nbytes / graph.size.pixels} | {
        name: node.map.nbytes / graph.size.pixels for name, node in graph.nodes.items() if isinstance(node, Node)
    }
    return max(shares, key=lambda name: shares[name]), shares
