"""From an ONNX file to a typed graph at one size of picture; what only computes shapes is computed here and now."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from orchestrator.infer.constant_folding import NotFolded, folded
from orchestrator.infer.graph import Graph, NotTileable, ordered
from orchestrator.infer.node import AnyNode, Array, Fill, Map, Node, Value
from orchestrator.infer.region import Size
from orchestrator.infer.sparse_tensor import dense
from stagekit.inside import open_plain, unsafe_id

INPUT = "image"
TRANSMISSION = "transmission"
REFLECTION = "reflection"

OLDEST_OPSET = 11
NAMES_NEEDED = (
    f"it needs the input {INPUT} alone and the output {TRANSMISSION}: export it with these names, "
    f"input_names=['{INPUT}'] and output_names=['{TRANSMISSION}'] of torch.onnx.export"
)


class NetworkError(Exception):
    """The network cannot be used, or refuses a picture."""


class NotTileableError(Exception):
    """An operation cannot be computed in parts; the message says why."""


class SizesDiffer(NotTileableError):
    """Maps of different sizes meet: no picture of this size goes through."""

    WORDS = "its maps have different sizes"

    def __init__(self, sizes: Iterable[Size]) -> None:
        """Name the sizes."""
        super().__init__(f"{self.WORDS}: {', '.join(sorted(map(str, sizes)))}")


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX file.

    Attributes:
        nodes: In their order.
        image: The one input.
        outputs: By name.
        constants: By name.
    """

    name: str
    opset: int
    nodes: tuple[onnx.NodeProto, ...]
    image: onnx.ValueInfoProto
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]


def read_model(path: Path) -> OnnxModel:
    """Return the model of an ONNX file.

    Raises:
        NetworkError: Where it is no whole ONNX file, keeps data outside of itself, or is of an operator set that is not
            known here.
    """
    model = parsed_network(path.name, network_content(path))
    if not model.graph.node:
        raise NetworkError(f"{path.name} cannot be loaded: it has no operations")
    opset = opset_of(model)
    if not OLDEST_OPSET <= opset <= onnx.defs.onnx_opset_version():
        newest = onnx.defs.onnx_opset_version()
        raise NetworkError(
            f"{path.name} has operator set {opset}: {OLDEST_OPSET} to {newest} are known; export it with one of them"
        )
    constants = {one.name: _constant(path.name, one) for one in model.graph.initializer}
    constants |= {one.values.name: _sparse_constant(path.name, one) for one in model.graph.sparse_initializer}
    inputs = [one for one in model.graph.input if one.name not in constants]
    outputs = tuple(one.name for one in model.graph.output)
    if len(inputs) != 1 or inputs[0].name != INPUT or TRANSMISSION not in outputs:
        raise NetworkError(
            f"{path.name} has inputs {', '.join(one.name for one in inputs)} and outputs {', '.join(outputs)}; "
            f"{NAMES_NEEDED}"
        )
    # Copied: a node of the file would keep all of the file's weights in memory.
    nodes = tuple(onnx.NodeProto.FromString(node.SerializeToString()) for node in model.graph.node)
    image = onnx.ValueInfoProto.FromString(inputs[0].SerializeToString())
    return OnnxModel(path.name, opset, nodes, image, plain_outputs(path.name, outputs), constants)


def network_content(path: Path) -> bytes:
    """Return the content of a file; a pipe or a device is neither waited for nor read.

    Raises:
        NetworkError: Where it cannot be read, or is no file.
    """
    try:
        with os.fdopen(open_plain(os.path.realpath(path)), "rb") as stream:
            return stream.read()
    except OSError as error:
        raise NetworkError(f"{path.name} cannot be loaded: {error.strerror or error}") from error


def parsed_network(name: str, content: bytes) -> onnx.ModelProto:
    """Return what an ONNX file says.

    Args:
        name: Of the file.
        content: All of it.

    Raises:
        NetworkError: Where it is no whole ONNX file, or keeps data outside of itself.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf and onnx have no common class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise NetworkError(f"{name} cannot be loaded: {reason}") from error
    for tensor_name, tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise NetworkError(
                f"{name} keeps {tensor_name} in another file: save the network as one file, "
                "by onnx.save(onnx.load(THIS), OTHER)"
            )
    return model


def _constant(name: str, tensor: onnx.TensorProto) -> Array:
    """Return a constant, whose file may lie about its kind and size."""
    try:
        if any(side < 0 for side in tensor.dims):
            raise ValueError("it has a side of less than nothing")
        return onnx.numpy_helper.to_array(tensor)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise NetworkError(f"{name} has a constant {tensor.name!r:.80} that cannot be read: {error}") from error


def _sparse_constant(name: str, tensor: onnx.SparseTensorProto) -> Array:
    """Return a constant of which the file gives some values alone."""
    try:
        return dense(tensor)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        words = f"{name} has a sparse constant {tensor.values.name!r:.80} that cannot be read: {error}"
        raise NetworkError(words) from error


def plain_outputs(name: str, outputs: Iterable[str]) -> tuple[str, ...]:
    """Return the names of a network's outputs, which files are called after.

    Args:
        name: Of the network's file.
        outputs: As the file names them.

    Raises:
        NetworkError: Where one is no plain name, or is there twice.
    """
    found = tuple(outputs)
    for output in found:
        if unsafe_id(output):
            raise NetworkError(f"{name} has an output {output!r:.80}, which {unsafe_id(output)}: rename it")
    if len(set(found)) < len(found):
        raise NetworkError(f"{name} has two outputs of one name: rename one")
    return found


def _tensors(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Yield every tensor that a file holds, wherever it stands; each could name another file."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    yield from _sparse_tensors(graph.sparse_initializer)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Iterable[onnx.NodeProto]) -> Iterator[tuple[str, onnx.TensorProto]]:
    for node in nodes:
        name = node.output[0] if node.output else node.name
        for attribute in node.attribute:
            yield from ((name, tensor) for tensor in (attribute.t, *attribute.tensors))
            yield from _sparse_tensors((attribute.sparse_tensor, *attribute.sparse_tensors))
            for inner in (attribute.g, *attribute.graphs):
                yield from _graph_tensors(inner)


def _sparse_tensors(tensors: Iterable[onnx.SparseTensorProto]) -> Iterator[tuple[str, onnx.TensorProto]]:
    for tensor in tensors:
        yield from ((part.name, part) for part in (tensor.values, tensor.indices))


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the standard operator set that a model uses."""
    return next((one.version for one in model.opset_import if one.domain in {"", "ai.onnx"}), 1)


class Loader:
    """Takes the nodes of a model one by one.

    Args:
        channels: Of the picture.
        operations: What each becomes, by its ONNX name.
    """

    def __init__(self, model: OnnxModel, size: Size, channels: int, operations: Mapping[str, "Operation"]) -> None:
        self._operations = operations
        self.opset = model.opset
        self._rules = onnx.checker.C.CheckerContext()
        self._rules.ir_version, self._rules.opset_imports = onnx.IR_VERSION, {"": model.opset}
        self._outputs = model.outputs
        self.constants: dict[str, Array] = dict(model.constants)
        self._image, self._size = model.image.name, size
        self._channels = channels
        self.nodes: dict[str, AnyNode] = {}
        self._same: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._not_tileable: list[NotTileable] = []
        self._examples: dict[str, Array] = {}

    def take(self, node: onnx.NodeProto) -> None:
        """Fold a node, type it, or note that it is not tileable."""
        node = _renamed(node, self._same)
        given = [name for name in node.input if name]
        if any(name in self._unknown for name in given):
            self._unknown.update(node.output)
            return
        try:
            if node.domain not in {"", "ai.onnx"}:
                raise NotTileableError(f"it is of the operator set {node.domain}, which is not known")
            if any(one.HasField("g") or one.graphs for one in node.attribute):
                raise NotTileableError("it holds branches or a loop, which are not known")
            self._check(node)
            if node.op_type == "Shape":
                self._fold_shape(node)
            elif all(name in self.constants for name in given):
                if not self._fills(node):
                    self._fold(node)
            elif given and not any(self.is_map(name) for name in given):
                self._take_value(node)
            else:
                self._operation(node)(self, node)
        except (NotTileableError, ArithmeticError, LookupError, RuntimeError, ValueError) as error:
            self._unknown.update(node.output)
            why = str(error) or type(error).__name__
            self._not_tileable.append(NotTileable(node.op_type, node.name or node.output[0], why))

    def _check(self, node: onnx.NodeProto) -> None:
        """Raise NotTileableError where a node's attributes or inputs are not those of its operation."""
        try:
            onnx.checker.check_node(node, self._rules)
        except onnx.checker.ValidationError as error:
            raise NotTileableError(str(error).split("\n", maxsplit=1)[0]) from error

    def graph(self) -> Graph:
        """Return what was taken."""
        outputs = {name: self._same.get(name, name) for name in self._outputs if name not in self._unknown}
        for name, source in outputs.items():
            if not self.is_map(source) and not self._not_tileable:
                self._not_tileable.append(NotTileable("output", name, "it does not depend on the picture's pixels"))
        maps = {name: source for name, source in outputs.items() if self.is_map(source)}
        return ordered(
            Graph(
                self._image,
                self._size,
                self._channels,
                self.opset,
                self.nodes,
                maps,
                self.constants,
                tuple(self._not_tileable),
            )
        )

    def is_map(self, name: str) -> bool:
        """Whether it is the picture or a map."""
        return name == self._image or isinstance(self.nodes.get(name), Node)

    def map(self, name: str) -> Map:
        """Return channels and size of a map."""
        if name == self._image:
            return Map(self._channels, self._size)
        node = self.nodes[name]
        if not isinstance(node, Node):
            raise NotTileableError(f"{name} is no map")
        return node.map

    def constant(self, name: str) -> Array:
        """Return a constant.

        Raises:
            NotTileableError: Where it depends on the picture's pixels.
        """
        if name not in self.constants:
            raise NotTileableError("what should be a constant depends on the picture's pixels")
        return self.constants[name]

    def add(self, node: AnyNode) -> None:
        """Add a typed node."""
        self.nodes[node.output] = node

    def alias(self, output: str, name: str) -> None:
        """Let an output be another name of a map."""
        self._same[output] = name

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of anything."""
        if self.is_map(name):
            found = self.map(name)
            return (1, found.channels, found.size.height, found.size.width)
        return tuple((self.constants if name in self.constants else self._examples)[name].shape)

    def example(self, name: str, shape: tuple[int, ...]) -> None:
        """Note the shape of a value of the whole picture."""
        self._examples[name] = np.ones(shape, np.float32)

    def _fold_shape(self, node: onnx.NodeProto) -> None:
        bounds = attributes(node)
        shape = self.shape(node.input[0])
        self.constants[node.output[0]] = np.array(
            shape[bounds.get("start", 0) : bounds.get("end", len(shape))], np.int64
        )

    def _fills(self, node: onnx.NodeProto) -> bool:
        """Make of a constant of the picture's own size a map; it would be too large to hold."""
        if node.op_type not in {"ConstantOfShape", "Expand"}:
            return False
        shape = tuple(int(side) for side in self.constants[node.input[node.op_type == "Expand"]])
        if len(shape) != 4 or (shape[2] * shape[3] == 1 and self._size.pixels > 1):
            return False
        if node.op_type == "Expand":
            value = self.constants[node.input[0]]
        else:
            value = onnx.numpy_helper.to_array(attributes(node).get("value", onnx.numpy_helper.from_array(np.zeros(1))))
        if np.size(value) != 1 or shape[0] != 1:
            return False
        size = Size(shape[2], shape[3])
        self.add(Fill(node.output[0], (), (), Map(shape[1], size), size, float(np.ravel(value)[0])))
        return True

    def _fold(self, node: onnx.NodeProto) -> None:
        sparse = [one.sparse_tensor for one in node.attribute if one.HasField("sparse_tensor")]
        results = [dense(one) for one in sparse] or self._evaluated(node, self.constants)
        self.constants.update(zip(node.output, results, strict=False))

    def _take_value(self, node: onnx.NodeProto) -> None:
        """Take a node that computes with values of the whole picture alone."""
        if len([name for name in node.output if name]) != 1:
            raise NotTileableError("it has several outputs")
        known = {**{name: self.constants[name] for name in node.input if name in self.constants}, **self._examples}
        (result,) = self._evaluated(node, known)
        self._examples[node.output[0]] = result
        values = tuple(name for name in node.input if name)
        self.add(Value(node.output[0], values, node))

    def _evaluated(self, node: onnx.NodeProto, known: Mapping[str, Array]) -> list[Array]:
        try:
            return folded(node, self.opset, {name: known[name] for name in node.input if name})
        except NotFolded as error:
            raise NotTileableError(str(error)) from error

    def _operation(self, node: onnx.NodeProto) -> "Operation":
        if node.op_type not in self._operations:
            raise NotTileableError("this operation is not known")
        return self._operations[node.op_type]


Operation = Callable[[Loader, onnx.NodeProto], None]
"""Types a node that reads a map, and adds it to the loader."""


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes as plain values; texts are decoded."""
    values = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def _renamed(node: onnx.NodeProto, same: Mapping[str, str]) -> onnx.NodeProto:
    if not any(name in same for name in node.input):
        return node
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [same.get(name, name) for name in node.input]
    return copy
