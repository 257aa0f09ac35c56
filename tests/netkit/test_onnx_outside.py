"""ONNX files with data in other files: taken in whole, and nothing is opened but what was given."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from netkit.malformed import Malformed
from netkit.onnx_outside import load_outside
from tests.netkit.onnx_files import save, small


def told(model: onnx.ModelProto, **entries: str) -> None:
    """Say of the first tensor where its data lie."""
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    del tensor.external_data[:]
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)


def test_data_of_another_file_are_taken_in(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    path = save(small(), tmp_path / "net.onnx", "w/data.bin")
    found = load_outside(str(path), {"w/data.bin": str(tmp_path / "w" / "data.bin")})
    assert found.graph.initializer[0].raw_data == small().graph.initializer[0].raw_data
    assert not found.graph.initializer[0].external_data


def test_tensors_of_attributes_are_taken_in_too(tmp_path: Path) -> None:
    model = small()
    node = onnx.helper.make_node("Constant", [], ["k"], value=model.graph.initializer[0])
    model.graph.node.insert(0, node)
    (tmp_path / "data.bin").write_bytes(model.graph.initializer[0].raw_data)
    tensor = model.graph.node[0].attribute[0].t
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="data.bin")
    kernel = model.graph.initializer.pop()
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    found = load_outside(str(path), {"data.bin": str(tmp_path / "data.bin")})
    assert found.graph.node[0].attribute[0].t.raw_data == kernel.raw_data


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"location": "/etc/passwd"}, "'/etc/passwd', which is not beside it"),
        ({"location": "../data.bin"}, r"'\.\./data.bin', which is not beside it"),
        ({}, "in the file '', which is not beside it"),
        ({"location": "data.bin", "offset": "4"}, "'data.bin' ends before the data of 'k' does"),
        ({"location": "data.bin", "offset": "-4"}, "told by '-4', which is no number of bytes"),
        ({"location": "data.bin", "offset": "9" * 30}, "which is no number of bytes"),
        ({"location": "data.bin", "length": "8"}, "has 324 bytes by its shape, and 8 by its entry"),
    ],
)
def test_data_that_are_not_there_are_refused(tmp_path: Path, entries: dict[str, str], words: str) -> None:
    model = small()
    (tmp_path / "data.bin").write_bytes(model.graph.initializer[0].raw_data)
    told(model, **entries)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(Malformed, match=words):
        load_outside(str(path), {"data.bin": str(tmp_path / "data.bin")})


def test_shape_that_promises_more_than_a_file_can_hold_is_refused(tmp_path: Path) -> None:
    model = small()
    told(model, location="data.bin")
    model.graph.initializer[0].dims[:] = [1 << 40, 3, 3, 3]
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    (tmp_path / "data.bin").write_bytes(b"")
    with pytest.raises(Malformed, match="larger than 2 GiB"):
        load_outside(str(path), {"data.bin": str(tmp_path / "data.bin")})


@pytest.mark.parametrize("content", [b"", b"<html></html>", small().SerializeToString()[:90]])
def test_what_is_no_network_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(Malformed, match="it cannot be loaded: "):
        load_outside(str(path), {})
