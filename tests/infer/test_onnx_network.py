"""Networks in ONNX Runtime: the contract, sizes, devices, and memory that does not suffice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from orchestrator.infer.modes import Settings, infer
from orchestrator.infer.onnx_network import (
    DeviceMissing,
    MemoryShort,
    NetworkError,
    OnnxNetwork,
    Resources,
    cascade_steps,
)
from tests.infer.conftest import GLOBAL, POINTWISE, WriteNetwork, picture


@pytest.mark.parametrize("size", [(64, 96), (37, 51), (1, 1), (2, 333)])
def test_network_answers_pictures_of_any_size(write_network: WriteNetwork, size: tuple[int, int]) -> None:
    shown = picture(*size)
    answer = OnnxNetwork(write_network(POINTWISE))(shown)
    np.testing.assert_allclose(answer["transmission"], np.sqrt(shown), atol=1e-6)


def test_channels_stay_red_green_blue(write_network: WriteNetwork) -> None:
    shown = np.zeros((5, 7, 3), np.float32)
    shown[2, 3] = (0.25, 0.5, 1)
    answer = OnnxNetwork(write_network(POINTWISE))(shown)["transmission"]
    np.testing.assert_allclose(answer[2, 3], np.sqrt([0.25, 0.5, 1]), atol=1e-6)
    assert answer.sum() == pytest.approx(answer[2, 3].sum())


def test_all_outputs_are_answered_by_name(write_network: WriteNetwork) -> None:
    nodes = (*POINTWISE, helper.make_node("Neg", ["image"], ["reflection"]))
    network = OnnxNetwork(write_network(nodes, ("reflection", "transmission")))
    shown = picture(9, 11)
    answer = network(shown)
    np.testing.assert_allclose(answer["reflection"], -shown)
    np.testing.assert_allclose(answer["transmission"], np.sqrt(shown), atol=1e-6)


def test_tiles_through_onnx_runtime_equal_the_whole_picture_of_a_pointwise_network(write_network: WriteNetwork) -> None:
    network = OnnxNetwork(write_network(POINTWISE))
    shown = picture(101, 75)
    tiled = infer(network, shown, Settings("tiles", 64, 16)).outputs["transmission"]
    np.testing.assert_allclose(tiled, network(shown)["transmission"], atol=1e-6)


def test_mean_over_the_picture_is_one_number_whole_and_many_in_tiles(write_network: WriteNetwork) -> None:
    network = OnnxNetwork(write_network(GLOBAL))
    shown = picture(100, 130)
    whole = infer(network, shown, Settings()).outputs["transmission"]
    np.testing.assert_allclose(whole, shown - shown.mean(axis=(0, 1)), atol=1e-4)
    tiled = infer(network, shown, Settings("tiles", 64, 16)).outputs["transmission"]
    assert np.abs(tiled - whole).max() > 0.05


def test_cascade_steps_are_in_the_order_of_their_numbers() -> None:
    names = ["transmission_10", "transmission", "transmission_2", "reflection_1", "transmission_x"]
    assert cascade_steps({name: picture(1, 1) for name in names}) == ["transmission_2", "transmission_10"]


def test_runtime_names_version_and_provider(write_network: WriteNetwork) -> None:
    runtime = OnnxNetwork(write_network(POINTWISE)).runtime
    assert runtime["provider"] == "CPUExecutionProvider"
    assert runtime["onnxruntime"][0].isdigit()


def test_file_that_is_no_network_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(b"no network")
    with pytest.raises(NetworkError, match=r"network\.onnx cannot be loaded"):
        OnnxNetwork(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"network\.onnx cannot be loaded: .*No such file"):
        OnnxNetwork(tmp_path / "network.onnx")


def test_network_of_another_contract_is_refused_with_what_it_has(write_network: WriteNetwork) -> None:
    nodes = (helper.make_node("Sqrt", ["picture"], ["result"]),)
    with pytest.raises(NetworkError, match="inputs picture and outputs result; it needs the input image"):
        OnnxNetwork(write_network(nodes, ("result",), source="picture"))


def test_network_that_answers_at_another_size_is_refused(write_network: WriteNetwork) -> None:
    nodes = (helper.make_node("AveragePool", ["image"], ["transmission"], kernel_shape=[2, 2], strides=[2, 2]),)
    with pytest.raises(NetworkError, match=r"transmission has shape \(1, 3, 4, 5\) for a picture of \(1, 3, 8, 10\)"):
        OnnxNetwork(write_network(nodes))(picture(8, 10))


def test_network_that_refuses_a_picture_says_why(write_network: WriteNetwork) -> None:
    nodes = (
        helper.make_node("Constant", [], ["shape"], value_ints=[1, 3, 8, 8]),
        helper.make_node("Reshape", ["image", "shape"], ["transmission"]),
    )
    network = OnnxNetwork(write_network(nodes))
    assert network(picture(8, 8))["transmission"].shape == (8, 8, 3)
    with pytest.raises(NetworkError, match="Reshape"):
        network(picture(8, 9))


def test_memory_that_does_not_suffice_is_told_from_other_failures(write_network: WriteNetwork) -> None:
    wide = helper.make_node("Tile", ["image", "times"], ["wide"])
    nodes = (
        helper.make_node("Constant", [], ["times"], value_ints=[1, 4096, 1, 1]),
        wide,
        helper.make_node("Sqrt", ["wide"], ["root"]),
        helper.make_node("ReduceMean", ["root"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["image", "mean"], ["transmission"]),
    )
    network = OnnxNetwork(write_network(nodes), Resources(threads=1, memory_bytes=128 * 2**20))
    with pytest.raises(MemoryShort):
        network(picture(128, 128))
    assert network(picture(16, 16))["transmission"].shape == (16, 16, 3)


def test_missing_gpu_is_never_replaced_by_the_processor(
    write_network: WriteNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DeviceMissing, match="without CUDA"):
        OnnxNetwork(write_network(POINTWISE), Resources(device="cuda"))


def test_gpu_whose_libraries_fail_is_never_replaced_by_the_processor(
    write_network: WriteNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime goes on with the next provider by itself when one fails to load."""

    class Fallen:
        def __init__(self, *_content: object, **_options: object) -> None: ...

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr("onnxruntime.preload_dlls", lambda: None)
    monkeypatch.setattr("onnxruntime.InferenceSession", Fallen)
    with pytest.raises(DeviceMissing, match="cannot use CUDA"):
        OnnxNetwork(write_network(POINTWISE), Resources(device="cuda"))
