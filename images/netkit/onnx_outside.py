"""An ONNX file from outside, as one model: what it keeps in other files is put into it, and nothing else is opened."""

import math
import os
from typing import Dict, Iterator, Mapping

import onnx

from netkit.malformed import Malformed

MOST_BYTES = 2**31 - 1
"""What one message of Protocol Buffers, and so a network in one file, may have."""


def load_outside(path: str, data: Mapping[str, str]) -> onnx.ModelProto:
    """Return the model of an ONNX file with all its tensors in it.

    Args:
        path: Of the file; what it holds is not trusted.
        data: Path of each file that it keeps tensors in, by the location that it names. No other is opened, whatever
            the model says.

    Raises:
        Malformed: Where it is no whole model, names a file that is not given, a part of one that is not there, or is
            larger than one file can be.
    """
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf and onnx have no common class
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Malformed("it cannot be loaded: %s" % reason) from error
    if not model.graph.node:
        raise Malformed("it cannot be loaded: it has no operations")
    room = MOST_BYTES - os.path.getsize(path)
    for tensor in tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            room -= _taken_in(tensor, data, room)
    return model


def tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """Yield every tensor that a graph holds, those in attributes of its nodes too."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from tensors(inner)


def _taken_in(tensor: onnx.TensorProto, data: Mapping[str, str], room: int) -> int:
    """Put a tensor's values into it, and return how many bytes they have."""
    told: Dict[str, str] = {entry.key: entry.value for entry in tensor.external_data}
    location, name = told.get("location", ""), tensor.name[:80]
    if location not in data:
        raise Malformed("it keeps %r in the file %r, which is not beside it" % (name, location[:200]))
    offset, length = _number(told.get("offset", "0"), name), _bytes_of(tensor)
    if "length" in told and _number(told["length"], name) != length:
        raise Malformed("%r has %d bytes by its shape, and %s by its entry" % (name, length, told["length"][:20]))
    if length > room:
        raise Malformed("with its data it is larger than 2 GiB, which one file of a network cannot be")
    with open(data[location], "rb") as stream:
        stream.seek(offset)
        content = stream.read(length) if offset + length <= os.path.getsize(data[location]) else b""
    if len(content) != length:
        raise Malformed("%r ends before the data of %r does" % (location[:200], name))
    tensor.raw_data = content
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")
    return length


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Malformed("where the data of %r lie is told by %r, which is no number of bytes" % (name, text[:40]))
    return int(text)


def _bytes_of(tensor: onnx.TensorProto) -> int:
    try:
        width = int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError as error:
        raise Malformed("%r is of an unknown kind" % tensor.name[:80]) from error
    if any(side < 0 for side in tensor.dims):
        raise Malformed("%r has a negative side" % tensor.name[:80])
    return width * int(math.prod(tensor.dims))
