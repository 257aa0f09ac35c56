"""The ONNX graph of one segment for tiles of one shape, with padding at the picture's border alone.

Heights and widths are fixed by what is fed, and yet the graph does not state them: where it does, ONNX Runtime 1.32
keeps buffers for later maps of the same size, and IBCLN takes twice the memory in the same time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.graphs.node import Array, GlobalReduction, Node, Placement, Value
from orchestrator.infer.graphs.region import AXES, Span
from orchestrator.infer.graphs.view_nodes import Gram
from orchestrator.infer.loading.operator_sets import takes_axes
from orchestrator.infer.planning.segment import Segment

_NEWEST_IR = 10

_LARGE = 4096
"""Bytes from which on a constant is shared."""

ROW_STATISTICS = {
    "mean": ("mean",),
    "sum": ("mean",),
    "variance": ("mean", "deviation"),
    "squares": ("squares",),
    "max": ("max",),
    "min": ("min",),
    "gram": (),
}
"""What is computed of each row of a tile, by the kind of global reduction."""


class TileSubgraph:
    """Writes the nodes of a segment for one shape of tile.

    Attributes:
        outputs: What the session answers: maps by name, and ``NAME|STATISTIC`` of each row of a reduced map.
        weights: Large constants, which the session shares with the graph instead of having copies in the file.
    """

    def __init__(
        self,
        segment: Segment,
        rows: Mapping[str, Placement],
        columns: Mapping[str, Placement],
        owned: tuple[Mapping[str, Span], Mapping[str, Span]],
    ) -> None:
        self._segment, self._graph = segment, segment.graph
        self._rows, self._columns = rows, columns
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: dict[str, onnx.ValueInfoProto] = {}
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._cuts: dict[tuple[str, int, Span, int], str] = {}
        self.outputs: dict[str, str] = {}
        self.weights: dict[str, Array] = {}
        for name in segment.read:
            self._input(name, [1, self._graph.map(name).channels, f"{name}|h", f"{name}|w"])
        for name in segment.values:
            self._input(name, self._reduction_node(name).dims)
        self._write(owned)

    def model(self) -> bytes:
        """Return the ONNX file's content."""
        outputs = [onnx.ValueInfoProto(name=tensor) for tensor in self.outputs.values()]
        graph = onnx.helper.make_graph(
            self._nodes, "segment", list(self._inputs.values()), outputs, list(self._initializers.values())
        )
        opset = onnx.helper.make_opsetid("", self._graph.opset)
        model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=_NEWEST_IR)
        content: bytes = model.SerializeToString()
        return content

    def _write(self, owned: tuple[Mapping[str, Span], Mapping[str, Span]]) -> None:
        for node in self._segment.nodes:
            if isinstance(node, Node):
                node.emit(self, self._rows[node.output], self._columns[node.output])
            elif isinstance(node, Value):
                template = onnx.NodeProto()
                template.CopyFrom(node.template)
                template.input[:] = [self.value(name) if name else "" for name in node.template.input]
                self._nodes.append(template)
            else:
                self._reduce(node)
        owned_tensors: dict[str, str] = {}
        for name in self._segment.owned:
            tensor = self.read(name, owned[0][name], owned[1][name])
            if name in self._segment.targets:
                self.outputs[name] = self.add("Identity", [tensor]) if tensor in self._inputs else tensor
            if not self._segment.whole:
                owned_tensors[name] = tensor
                self._aggregate_rows(name, tensor)
        if self._segment.whole:
            self.outputs.update((name, name) for name in self._segment.reductions)
            return
        for reduction in self._segment.reduction_nodes:
            if isinstance(reduction, Gram):
                tensors = [owned_tensors[name] for name in reduction.inputs]
                found = reduction.emit(self, tensors, owned[0][reduction.input].length)
                self.outputs[f"{reduction.output}|gram"] = found

    def read(self, name: str, rows: Span, columns: Span) -> str:
        """Return the tensor that holds a region of a map."""
        tensor = name
        for axis, span, origin in zip(
            AXES, (rows, columns), (self._rows[name].out, self._columns[name].out), strict=True
        ):
            tensor = self.cut(tensor, axis, span.seen_from(origin), origin.length)
        return tensor

    def cut(self, tensor: str, axis: int, span: Span, length: int) -> str:
        """Return a span of a tensor along an axis.

        Args:
            length: That of the tensor.
        """
        if span == Span(0, length):
            return tensor
        key = (tensor, axis, span, length)
        if key not in self._cuts:
            bounds = [self.constant(np.array([value], np.int64)) for value in (span.start, span.stop, 2 + axis)]
            self._cuts[key] = self.add("Slice", [tensor, *bounds])
        return self._cuts[key]

    def value(self, name: str) -> str:
        """Return the tensor of a constant, or of a value of the whole picture."""
        if name in self._graph.constants and name not in self._initializers:
            constant = self._graph.constants[name]
            if constant.nbytes < _LARGE or constant.dtype != np.float32:
                self._initializers[name] = onnx.numpy_helper.from_array(constant, name)
            else:
                self._initializers[name] = _elsewhere(name, constant)
                self.weights[name] = constant
        return name

    def constant(self, value: Array) -> str:
        """Return a new constant tensor."""
        name = f"constant|{len(self._initializers)}"
        self._initializers[name] = onnx.numpy_helper.from_array(value, name)
        return name

    def fed(self, key: str, shape: Sequence[int]) -> str:
        """Return an input that is fed anew for each tile."""
        kind = onnx.TensorProto.INT64 if len(shape) == 1 else onnx.TensorProto.FLOAT
        self._inputs[key] = onnx.helper.make_tensor_value_info(key, kind, list(shape))
        return key

    def add(self, kind: str, inputs: Sequence[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node and return its output."""
        name = output or f"made|{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(kind, list(inputs), [name], name, **attributes))
        return name

    def pick(self, kind: str, inputs: Sequence[str], place: int, count: int, **attributes: Any) -> str:
        """Add a node with several outputs and return the one at a place."""
        name = f"made|{len(self._nodes)}"
        outputs = [f"{name}|{number}" for number in range(count)]
        self._nodes.append(onnx.helper.make_node(kind, list(inputs), outputs, name, **attributes))
        return outputs[place]

    def is_map(self, name: str) -> bool:
        """Whether this is a map, and no constant or value of the whole picture."""
        return self._graph.is_map(name)

    def _input(self, name: str, shape: Sequence[int | str]) -> None:
        self._inputs[name] = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))

    def _reduction_node(self, name: str) -> GlobalReduction:
        node = self._graph.nodes[name]
        assert isinstance(node, GlobalReduction)
        return node

    def _reduced(self, kind: str, tensor: str, axis: int, output: str | None = None) -> str:
        if takes_axes(kind, self._graph.opset):
            return self.add(kind, [tensor, self.constant(np.array([axis], np.int64))], output, keepdims=1)
        return self.add(kind, [tensor], output, axes=[axis], keepdims=1)

    def _aggregate_rows(self, name: str, tensor: str) -> None:
        """Add what the global reductions of this map need of each row of the tile.

        Rows first: the sums stay short, so that float32 does; the rest is added up in float64 outside.
        """
        kinds = {reduction.kind for reduction in self._segment.reduction_nodes if reduction.input == name}
        asked = {statistic for kind in kinds for statistic in ROW_STATISTICS[kind]}
        if "mean" in asked:
            self.outputs[f"{name}|mean"] = self._reduced("ReduceMean", tensor, 3)
        if "deviation" in asked:
            apart = self.add("Sub", [tensor, self.outputs[f"{name}|mean"]])
            self.outputs[f"{name}|deviation"] = self._reduced("ReduceSumSquare", apart, 3)
        for statistic, kind in (("squares", "ReduceSumSquare"), ("max", "ReduceMax"), ("min", "ReduceMin")):
            if statistic in asked:
                self.outputs[f"{name}|{statistic}"] = self._reduced(kind, tensor, 3)

    def _reduce(self, node: GlobalReduction) -> None:
        """Add a global reduction over the whole map: the rows first, then the columns."""
        if isinstance(node, Gram):
            height = self._rows[node.input].out.length
            found = node.emit(self, node.inputs, height)
            self.add("Reshape", [found, self.constant(np.array(node.dims, np.int64))], node.output)
            return
        tensor = node.input
        kind = {"sum": "ReduceSum", "squares": "ReduceSum", "max": "ReduceMax", "min": "ReduceMin"}.get(
            node.kind, "ReduceMean"
        )
        if node.kind == "variance":
            mean = self._reduced("ReduceMean", self._reduced("ReduceMean", tensor, 3), 2)
            tensor = self.add("Sub", [tensor, mean])
        if node.kind in {"variance", "squares"}:
            tensor = self.add("Mul", [tensor, tensor])
        found = self._reduced(kind, self._reduced(kind, tensor, 3), 2)
        self.add("Reshape", [found, self.constant(np.array(node.dims, np.int64))], node.output)


def _elsewhere(name: str, value: Array) -> onnx.TensorProto:
    """Return an initializer that says its values are given to the session apart."""
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=value.shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="shared")
    return tensor
