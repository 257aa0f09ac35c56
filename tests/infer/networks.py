"""Drafts of small networks with any nodes, and the ways to run them: untiled, in tiles, in segments cut anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.node import Array, GlobalReduction
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.planner import InferencePlan, PlanStep, plan_of
from orchestrator.infer.planning.segment_cost import segment_cost
from orchestrator.infer.session import Resources, Session

ONE = Resources(threads=1)


class Draft:
    """Nodes from `image`, (1, channels, H, W), to any outputs, negated; weights are random, from a seed."""

    def __init__(self, channels: int = 3, opset: int = 18, seed: int = 5) -> None:
        self.channels, self.opset = channels, opset
        self._rng = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: object) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def numbers(self, *values: float) -> str:
        return self.constant(np.array(values, np.float32))

    def weight(self, *shape: int) -> str:
        scale = 1 / np.sqrt(max(1, np.prod(shape[1:])))
        return self.constant(self._rng.normal(0, scale, shape).astype(np.float32))

    def nodes(self, kind: str, *inputs: str, count: int = 1, **attributes: Any) -> list[str]:
        outputs = [f"t{len(self._nodes)}.{place}" for place in range(count)]
        self._nodes.append(helper.make_node(kind, list(inputs), outputs, outputs[0], **attributes))
        return outputs

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.nodes(kind, *inputs, **attributes)[0]

    def attributes_of(self, kind: str) -> set[str]:
        """Return the attributes that nodes of a kind were given."""
        return {one.name for node in self._nodes if node.op_type == kind for one in node.attribute}

    def conv(self, x: str, before: int, after: int, kernel: int = 3, **attributes: Any) -> str:
        attributes.setdefault("pads", [kernel // 2] * 4)
        return self.node("Conv", x, self.weight(after, before, kernel, kernel), self.weight(after), **attributes)

    def reduced(self, kind: str, x: str, axes: Sequence[int] = (2, 3), keepdims: int = 1) -> str:
        """Axes as an attribute or as an input, whichever the operator set asks for."""
        if self.takes_axes(kind):
            return self.node(kind, x, self.constant(list(axes)), keepdims=keepdims)
        return self.node(kind, x, axes=list(axes), keepdims=keepdims)

    def takes_axes(self, kind: str) -> bool:
        """Whether a reduction's axes are an input."""
        return self.opset >= (13 if kind == "ReduceSum" else 18)

    def unsqueezed(self, x: str, axes: Sequence[int]) -> str:
        """Axes as an attribute or as an input, whichever the operator set asks for."""
        if self.opset >= 13:
            return self.node("Unsqueeze", x, self.constant(list(axes)))
        return self.node("Unsqueeze", x, axes=list(axes))

    def size_of(self, x: str, channels: int) -> str:
        """The shape (1, channels, height and width of x)."""
        ends = self.node("Slice", self.node("Shape", x), *(self.constant([value]) for value in (2, 4, 0)))
        return self.node("Concat", self.constant([1, channels]), ends, axis=0)

    def model(self, outputs: Mapping[str, str], kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        named = [helper.make_node("Neg", [tensor], [name]) for name, tensor in outputs.items()]
        image = helper.make_tensor_value_info("image", kind, (1, self.channels, "h", "w"))
        results = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
        graph = helper.make_graph([*self._nodes, *named], "draft", [image], results, self._constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)

    def saved(self, path: Path, transmission: str, **others: str) -> Path:
        """Write the network that answers a tensor as `transmission`, and others by their names."""
        path.write_bytes(self.model({"transmission": transmission, **others}).SerializeToString())
        return path


def picture(size: Size, channels: int = 3) -> Array:
    """Return numbers that differ at every place and in every channel, (1, channels, H, W) float32, about -1 to 2."""
    rows, columns = np.mgrid[: size.height, : size.width] / 32
    noise = np.random.default_rng(size.pixels).random((channels, size.height, size.width))
    waves = [np.sin(rows * (one + 1)) + columns * one / 8 for one in range(channels)]
    return (np.stack(waves) + noise)[None].astype(np.float32)


def untiled(path: Path, shown: Array) -> dict[str, Array]:
    """Return what ONNX Runtime makes of the file's graph over the whole picture."""
    session = Session(path.read_bytes(), ONE, path.name)
    return dict(zip(session.outputs, session.run(session.outputs, {"image": shown}), strict=True))


def tileable(path: Path, size: Size) -> Graph:
    """Return the graph of a network all of which can be computed in parts."""
    graph = graph_of(read_model(path), size)
    assert graph.not_tileable == ()
    return graph


def tiled(path: Path, shown: Array, tile: int) -> dict[str, Array]:
    graph = optimised_graph(tileable(path, Size(*shown.shape[2:])))
    return PlanExecutor(graph, ONE).run(plan_of(graph, None, tile), shown)


def cut_plan(graph: Graph, places: Iterable[int], tile: int | None) -> InferencePlan:
    """Return the plan whose segments end at some cuts and where a global reduction is needed; all lies in memory."""
    cuts = Cuts(graph)
    kinds = [isinstance(graph.nodes[name], GlobalReduction) for name in cuts.order]
    after_reductions = {place for place in range(1, len(kinds)) if kinds[place - 1] and not kinds[place]}
    ends = sorted({*places, *after_reductions, len(kinds)} - {0})
    steps = (_step(cuts, begin, end, tile) for begin, end in zip([0, *ends], ends, strict=False))
    return InferencePlan(tuple(step for step in steps if step.segment.targets or step.segment.reductions), None)


def _step(cuts: Cuts, begin: int, end: int, tile: int | None) -> PlanStep:
    segment = cuts.segment(begin, end, whole=tile is None)
    return PlanStep(segment, begin, tile, cuts.live(end), frozenset(), segment_cost(segment, tile), 0, 0)


def in_float64(draft: Draft, outputs: Mapping[str, str], shown: Array) -> dict[str, Array]:
    """Return what ONNX's reference makes of a draft when all of it is computed in double precision."""
    model = draft.model(outputs, TensorProto.DOUBLE)
    for node in model.graph.node:
        for one in node.attribute if node.op_type == "Cast" else ():
            if one.name == "to" and one.i in {TensorProto.FLOAT, TensorProto.FLOAT16}:
                one.i = TensorProto.DOUBLE
    for constant in model.graph.initializer:
        if constant.data_type in {TensorProto.FLOAT, TensorProto.FLOAT16}:
            constant.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(constant).astype(np.float64), constant.name)
            )
    found = ReferenceEvaluator(model).run(None, {"image": shown.astype(np.float64)})
    return dict(zip(outputs, found, strict=True))
