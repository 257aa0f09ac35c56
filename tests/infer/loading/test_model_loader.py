"""Files that are no networks or not ours to run, and operations that cannot be computed in parts: each is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.modes import EXACT, Settings, infer_not_tileable
from orchestrator.infer.onnx_network import OnnxNetwork, Picture
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.session import MemoryShort
from tests.hostile_names import NOT_PLAIN
from tests.infer.networks import ONE, Draft, picture, tileable, tiled, untiled

SIZE = Size(40, 52)


def simple() -> onnx.ModelProto:
    draft = Draft()
    return draft.model({"transmission": draft.conv("image", 3, 3)})


def refused(path: Path, model: onnx.ModelProto, said: str) -> None:
    path.write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=said):
        InferenceEngine(path, ONE)(np.moveaxis(picture(SIZE)[0], 0, -1))


@pytest.mark.parametrize("kept", [0, 1, 40, 0.5, 0.99])
def test_a_file_that_ends_early_is_refused(kept: float, tmp_path: Path) -> None:
    content = simple().SerializeToString()
    path = tmp_path / "short.onnx"
    path.write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    with pytest.raises(NetworkError, match=r"short\.onnx (cannot be loaded|has operator set 1:)"):
        InferenceEngine(path, ONE)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" * 40, b"{}", b"\xff" * 500], ids=["png", "json", "ones"])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(NetworkError, match=r"other\.onnx cannot be loaded"):
        InferenceEngine(path, ONE)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="cannot be loaded"):
        InferenceEngine(tmp_path / "none.onnx", ONE)
    with pytest.raises(NetworkError, match="cannot be loaded"):
        InferenceEngine(tmp_path, ONE)


@pytest.mark.parametrize("name", [case for case in NOT_PLAIN if case.values[0]])
def test_outputs_that_files_must_not_be_called_after_are_refused(name: str, tmp_path: Path) -> None:
    model = simple()
    if "\0" in name:
        name = name.replace("\0", "\r")  # a text of protobuf has no such character
    extra = helper.make_node("Identity", ["transmission"], [name])
    model.graph.node.append(extra)
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, None, None]))
    refused(tmp_path / "n.onnx", model, r"n\.onnx has an output .*plain name")
    with pytest.raises(NetworkError, match="plain name"):
        OnnxNetwork(tmp_path / "n.onnx")


@pytest.mark.parametrize("opset", [9, 10, 99])
def test_an_operator_set_that_is_not_known_is_named(opset: int, tmp_path: Path) -> None:
    model = simple()
    model.opset_import[0].version = opset
    refused(tmp_path / "n.onnx", model, rf"n\.onnx has operator set {opset}: 11 to \d+ are known")


@pytest.mark.parametrize(
    "location", ["weights.bin", "../secret", "/etc/hostname"], ids=["beside-it", "above-it", "anywhere"]
)
def test_weights_in_other_files_are_refused_and_not_read(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = simple()
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    monkeypatch.chdir(tmp_path)
    elsewhere(model.graph.initializer[0], location)
    refused(tmp_path / "n.onnx", model, "in another file")


@pytest.mark.parametrize(
    "location", ["weights.bin", "../secret", "/etc/hostname"], ids=["beside-it", "above-it", "anywhere"]
)
def test_constants_in_other_files_are_refused_and_not_read(
    location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = Draft()
    value = numpy_helper.from_array(np.ones((3, 1, 1), np.float32))
    elsewhere(value, location)
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    monkeypatch.chdir(tmp_path)
    model = draft.model({"transmission": draft.node("Add", "image", draft.node("Constant", value=value))})
    refused(tmp_path / "n.onnx", model, "in another file")


def elsewhere(tensor: TensorProto, location: str) -> None:
    """Let a tensor's values lie in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)


@pytest.mark.parametrize("lie", [{"dims": 9}, {"data_type": 24}, {"data_type": 99}], ids=["size", "kind", "no-kind"])
def test_a_constant_that_is_not_what_it_says_is_named(lie: dict[str, int], tmp_path: Path) -> None:
    draft = Draft()
    model = draft.model({"transmission": draft.node("Mul", "image", draft.numbers(1, 2, 3))})
    constant = model.graph.initializer[0]
    if "dims" in lie:
        constant.dims[0] = lie["dims"]
    else:
        constant.data_type = lie["data_type"]
    (tmp_path / "network.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=r"network\.onnx has a constant 'c0' that cannot be read"):
        read_model(tmp_path / "network.onnx")


def test_inputs_and_outputs_of_other_names_are_named(tmp_path: Path) -> None:
    for wrong in ("input", "output"):
        model = simple()
        if wrong == "input":
            model.graph.input[0].name = model.graph.node[0].input[0] = "photo"
        else:
            model.graph.output[0].name = model.graph.node[-1].output[0] = "clean"
        said = r"inputs photo and outputs transmission" if wrong == "input" else r"inputs image and outputs clean"
        refused(tmp_path / "n.onnx", model, said + "; it needs the input image alone and the output transmission")


def test_a_second_input_is_named(tmp_path: Path) -> None:
    model = simple()
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("strength", TensorProto.FLOAT, [1]))
    refused(tmp_path / "n.onnx", model, "inputs image, strength")


def test_weights_that_are_listed_as_inputs_are_no_second_input(tmp_path: Path) -> None:
    model = simple()
    for one in model.graph.initializer:
        model.graph.input.add().CopyFrom(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    path = tmp_path / "n.onnx"
    path.write_bytes(model.SerializeToString())
    found, expected = tiled(path, picture(SIZE), 16), untiled(path, picture(SIZE))
    np.testing.assert_allclose(found["transmission"], expected["transmission"], atol=1e-5)


def reshaped_across_rows(draft: Draft) -> str:
    return draft.node("Reshape", "image", draft.constant([1, 3, SIZE.width, SIZE.height]))


def over_space(draft: Draft) -> str:
    turned = draft.node("Transpose", "image", perm=[0, 1, 3, 2])
    return draft.node("MatMul", draft.node("MatMul", "image", turned), "image")


def matmul(draft: Draft) -> str:
    return draft.node("MatMul", "image", draft.constant(np.eye(SIZE.width, dtype=np.float32)))


def warped(draft: Draft) -> str:
    rows, columns = np.meshgrid(np.linspace(-1, 1, SIZE.height), np.linspace(-1, 1, SIZE.width), indexing="ij")
    return draft.node("GridSample", "image", draft.constant(np.stack([columns, rows], -1)[None].astype(np.float32)))


NOT_TILEABLE: dict[str, tuple[str, Callable[[Draft], str]]] = {
    "softmax-over-columns": ("Softmax", lambda draft: draft.node("Softmax", "image", axis=3)),
    "softmax-over-rows": ("Softmax", lambda draft: draft.node("Softmax", "image", axis=-2)),
    "mean-of-rows": ("ReduceMean", lambda draft: draft.node("Sub", "image", draft.reduced("ReduceMean", "image", [3]))),
    "concat-of-pictures": ("Concat", lambda draft: draft.node("Concat", "image", "image", axis=0)),
    "running-sum": ("CumSum", lambda draft: draft.node("CumSum", "image", draft.constant(2))),
    "grid": ("GridSample", warped),
    "matmul": ("MatMul", matmul),
    "attention-over-space": ("MatMul", over_space),
    "reshape": ("Reshape", reshaped_across_rows),
}


@pytest.mark.parametrize("kind", list(NOT_TILEABLE))
def test_an_operation_that_cannot_be_computed_in_parts_is_named(kind: str, tmp_path: Path) -> None:
    op, write = NOT_TILEABLE[kind]
    draft = Draft()
    before = draft.node("Relu", "image")
    path = draft.saved(tmp_path / "network.onnx", draft.node("Add", before, write(draft)))
    not_tileable = InferenceEngine(path, ONE).not_tileable(SIZE)
    assert not_tileable[0].op == op
    assert not_tileable[0].why
    assert str(not_tileable[0]).startswith(f"{op} (t")


def test_an_operation_of_another_maker_is_named_wherever_it_stands(tmp_path: Path) -> None:
    for source in ("map", "number", "constant"):
        draft = Draft()
        x = {"map": "image", "number": draft.node("GlobalAveragePool", "image"), "constant": draft.numbers(1)}[source]
        path = draft.saved(
            tmp_path / "network.onnx", draft.node("Add", "image", draft.node("Sharpen", x, domain="acme"))
        )
        assert [one.op for one in InferenceEngine(path, ONE).not_tileable(SIZE)] == ["Sharpen"], source


def test_a_branch_inside_is_named_as_one(tmp_path: Path) -> None:
    draft = Draft()
    branches = {
        name: helper.make_graph(
            [helper.make_node(kind, ["image"], [name])],
            name,
            [],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        )
        for name, kind in (("then_branch", "Identity"), ("else_branch", "Neg"))
    }
    path = draft.saved(tmp_path / "network.onnx", draft.node("If", draft.constant(np.bool_(True)), **branches))
    engine = InferenceEngine(path, ONE)
    assert [one.why for one in engine.not_tileable(SIZE)] == ["it holds branches or a loop, which are not known"]
    assert infer_not_tileable(engine.whole(), np.zeros((9, 8, 3), np.float32), Settings(), "If").label == EXACT


def test_what_follows_an_operation_that_is_not_tileable_is_not_blamed(tmp_path: Path) -> None:
    draft = Draft()
    x = draft.conv(draft.node("Softmax", draft.conv("image", 3, 8), axis=3), 8, 8)
    path = draft.saved(
        tmp_path / "network.onnx", draft.conv(draft.node("Mul", x, draft.node("GlobalAveragePool", x)), 8, 3)
    )
    assert [one.op for one in InferenceEngine(path, ONE).not_tileable(SIZE)] == ["Softmax"]


def test_a_softmax_over_columns_is_whole_where_it_fits_and_labelled_where_it_does_not(tmp_path: Path) -> None:
    draft = Draft()
    path = draft.saved(tmp_path / "network.onnx", draft.node("Softmax", "image", axis=3))
    engine, shown = InferenceEngine(path, ONE), np.moveaxis(picture(SIZE)[0], 0, -1)
    (why,) = engine.not_tileable(SIZE)
    whole = infer_not_tileable(engine.whole(), shown, Settings(), why.op)
    assert whole.label == EXACT
    np.testing.assert_array_equal(whole.outputs["transmission"], OnnxNetwork(path, ONE)(shown)["transmission"])

    def short(part: Picture) -> dict[str, Picture]:
        if part.shape[0] > 32:
            raise MemoryShort("Failed to allocate memory")
        return dict(engine.whole()(part))

    blended = infer_not_tileable(short, shown, Settings(tile=32, overlap=16), why.op)
    assert blended.label == "approximate: Softmax"
    assert blended.outputs["transmission"].shape == shown.shape
    assert np.abs(blended.outputs["transmission"] - whole.outputs["transmission"]).max() > 1e-3


def test_numbers_that_only_describe_sizes_are_computed_in_advance(tmp_path: Path) -> None:
    """Halves of the picture's own size, by arithmetic on shapes: no node of it is left at run time."""
    draft = Draft()
    ends = draft.node("Slice", draft.node("Shape", "image"), *(draft.constant([value]) for value in (2, 4, 0)))
    half = draft.node("Div", draft.node("Add", ends, draft.constant([1, 1])), draft.constant([2, 2]))
    small = draft.node(
        "Resize", "image", "", "", draft.node("Concat", draft.constant([1, 3]), half, axis=0), mode="nearest"
    )
    path = draft.saved(tmp_path / "network.onnx", draft.conv(small, 3, 3))
    graph = tileable(path, Size(41, 57))
    assert graph.map(graph.outputs["transmission"]).size == Size(21, 29)
    assert graph_of(read_model(path), Size(8, 9)).map(graph.outputs["transmission"]).size == Size(4, 5)
    assert len(graph.nodes) == 4
