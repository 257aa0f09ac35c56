"""ONNX files, read with care: whole, with nothing outside of them, of names and operator sets that are known."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.loading.float16 import in_single_precision
from orchestrator.infer.loading.sparse_tensor import dense
from stagekit.inside import open_plain, unsafe_id

INPUT = "image"
TRANSMISSION = "transmission"
REFLECTION = "reflection"

OLDEST_OPSET = 11
NAMES_NEEDED = (
    f"it needs the input {INPUT} alone and the output {TRANSMISSION}: export it with these names, "
    f"input_names=['{INPUT}'] and output_names=['{TRANSMISSION}'] of torch.onnx.export"
)


_PICTURES = re.compile(rf"{TRANSMISSION}(_\d+)?|{REFLECTION}")


def is_picture(output: str) -> bool:
    """Whether an output is a picture by its name: of the picture's size, RGB; others may be of any size."""
    return _PICTURES.fullmatch(output) is not None


class NetworkError(Exception):
    """The network cannot be used, or refuses a picture."""


class PictureRefused(NetworkError):
    """The network takes pictures, and not this one."""


@dataclass(frozen=True)
class OnnxModel:
    """An ONNX file.

    Attributes:
        nodes: In their order; a Cast to float16 among them rounds values, which stay float32.
        image: The one input.
        outputs: By name.
        constants: By name.
        refused: Why nodes are not what their operations allow, by their outputs; "" for those that are. It fills up.
    """

    name: str
    opset: int
    nodes: tuple[onnx.NodeProto, ...]
    image: onnx.ValueInfoProto
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    refused: dict[str, str] = field(default_factory=dict, compare=False, repr=False)


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
    nodes, refused = in_single_precision(nodes, outputs, constants, opset)
    return OnnxModel(path.name, opset, nodes, image, plain_outputs(path.name, outputs), constants, refused)


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
