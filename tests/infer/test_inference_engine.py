"""The engine in short memory, with broken networks, and with networks that cannot be computed in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from orchestrator.infer.execution.plan_executor import PlanExecutor
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import PROCESS_BYTES, InferenceEngine
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.modes import EXACT, Answer, Settings, infer_not_tileable, resized
from orchestrator.infer.onnx_network import OnnxNetwork
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.plan_document import plan_document
from orchestrator.infer.planning.planner import NoPlanFits, plan_of
from orchestrator.infer.session import MemoryShort, Resources, Session
from tests.infer.conftest import GLOBAL, POINTWISE, WriteNetwork, picture
from tests.infer.test_exactness import CHANNELS, Builder, attention, reducing
from tests.infer.test_exactness import picture as batch

ONE = Resources(threads=1)
SIZE = Size(233, 310)


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A network that halves its maps twice, with a global reduction between and wide maps at full size."""
    builder = Builder(2)
    x = builder.add("Relu", builder.conv("image", 3, 48))
    x = builder.add("Relu", builder.conv(x, 48, 48))
    x = builder.add("Relu", builder.conv(x, 48, CHANNELS, strides=[2, 2]))
    x = builder.conv(attention(builder, x), CHANNELS, CHANNELS, strides=[2, 2])
    return builder.saved(tmp_path / "deep.onnx", builder.conv(attention(builder, x), CHANNELS, CHANNELS), CHANNELS)


def least(path: Path) -> int:
    with pytest.raises(NoPlanFits) as small:
        plan_of(optimised_graph(graph_of(read_model(path), SIZE)), 1)
    assert small.value.least_bytes is not None
    return small.value.least_bytes


def test_a_plan_keeps_to_its_budget_and_the_least_one_that_is_named_works(deep: Path) -> None:
    graph = optimised_graph(graph_of(read_model(deep), SIZE))
    smallest = least(deep)
    roomy = plan_of(graph, None)
    assert len(roomy.steps) == 1
    assert smallest < roomy.peak_bytes / 3
    for budget in (smallest, 2 * smallest, roomy.peak_bytes):
        plan = plan_of(graph, budget)
        assert plan.peak_bytes <= budget
        assert plan == plan_of(graph, budget)


@pytest.mark.parametrize("share", [1.02, 1.5, 3.0])
def test_every_budget_gives_the_result_of_the_whole_picture(deep: Path, share: float, tmp_path: Path) -> None:
    graph = optimised_graph(graph_of(read_model(deep), SIZE))
    shown = batch(SIZE)
    whole = Session(deep.read_bytes(), ONE, "whole").run(["transmission"], {"image": shown})[0]
    plan = plan_of(graph, int(least(deep) * share))
    found = PlanExecutor(graph, ONE, tmp_path).run(plan, shown)["transmission"]
    assert np.abs(found - whole).max() <= 1e-5 * np.ptp(whole)


def test_maps_that_do_not_fit_lie_in_files_and_give_the_same_bits(deep: Path, tmp_path: Path) -> None:
    graph = optimised_graph(graph_of(read_model(deep), SIZE))
    shown = batch(SIZE)
    tight = plan_of(graph, least(deep), 64)
    assert any(step.filed_bytes for step in tight.steps)
    in_memory = PlanExecutor(graph, ONE).run(plan_of(graph, None, 64), shown)["transmission"]
    assert np.array_equal(PlanExecutor(graph, ONE, tmp_path).run(tight, shown)["transmission"], in_memory)
    assert not list(tmp_path.glob("maps-*"))


def short_of_memory(monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Let sessions fail for want of memory: the second one that runs, and the next ones, some times; count the runs."""
    run, runs = Session.run, [0]

    def failing(self: Session, wanted: object, given: object, **options: object) -> object:
        if wanted == ["copied"]:  # asked of a nearest resizing while the graph is read
            return run(self, wanted, given, **options)  # type: ignore[arg-type]
        runs[0] += 1
        if 2 <= runs[0] < 2 + times:
            raise MemoryShort("Failed to allocate memory")
        return run(self, wanted, given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "run", failing)
    return runs


def engine(path: Path, bytes_: int) -> InferenceEngine:
    weights = sum(value.nbytes for value in read_model(path).constants.values())
    return InferenceEngine(path, Resources("cpu", 1, bytes_ + PROCESS_BYTES + 2 * weights))


def test_memory_that_is_short_all_the_same_plans_the_rest_anew(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = picture(SIZE.height, SIZE.width)
    expected = engine(deep, 3 * least(deep))(shown)["transmission"]
    runs = short_of_memory(monkeypatch, 1)
    shares_done: list[float] = []
    found = engine(deep, 3 * least(deep))(shown, shares_done.append)["transmission"]
    assert runs[0] > 3
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.ptp(expected))
    assert shares_done == sorted(shares_done)
    assert shares_done[-1] == pytest.approx(1)


def test_a_picture_after_one_that_ran_short_is_still_taken(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, inference = picture(SIZE.height, SIZE.width), engine(deep, int(1.3 * least(deep)))
    short_of_memory(monkeypatch, 1)
    first = inference(shown)["transmission"]
    second = inference(shown)["transmission"]
    np.testing.assert_allclose(first, second, atol=1e-5 * np.ptp(first))


def test_memory_that_stays_short_is_given_up_with_words(deep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short_of_memory(monkeypatch, 1000)
    with pytest.raises(MemoryShort):
        engine(deep, 5 * least(deep))(picture(SIZE.height, SIZE.width))


def test_a_budget_that_is_too_small_names_the_least_one(deep: Path) -> None:
    with pytest.raises(MemoryShort, match=r"a picture of 233 x 310 pixels needs \d+ MiB of memory at least"):
        engine(deep, least(deep) // 2)(picture(SIZE.height, SIZE.width))


def test_a_value_that_is_not_finite_is_named_with_segment_and_tile(tmp_path: Path) -> None:
    path = reducing(tmp_path / "network.onnx", "attention")
    shown = batch(Size(60, 60))
    shown[:, :, 50, 50] = np.nan
    graph = optimised_graph(graph_of(read_model(path), Size(60, 60)))
    with pytest.raises(NetworkError, match=r"not finite \(segment 1 of \d+, tile \d+ of \d+\)"):
        PlanExecutor(graph, ONE).run(plan_of(graph, None, 16), shown)


def test_a_picture_one_pixel_wide_goes_through(tmp_path: Path) -> None:
    path = reducing(tmp_path / "network.onnx", "batch-statistics")
    for size in (Size(1, 70), Size(70, 1), Size(1, 1)):
        shown = picture(size.height, size.width)
        expected = OnnxNetwork(path, ONE)(shown)["transmission"]
        found = InferenceEngine(path, ONE, tile=16)(shown)["transmission"]
        np.testing.assert_allclose(found, expected, atol=1e-4)


UNPLACEABLE = {
    "Softmax": [helper.make_node("Softmax", ["image"], ["transmission"], axis=-1)],
    "Reshape": [
        helper.make_node("Constant", [], ["other"], value_ints=[1, 3, 50, 40]),
        helper.make_node("Constant", [], ["shape"], value_ints=[1, 3, 40, 50]),
        helper.make_node("Reshape", ["image", "other"], ["turned"]),
        helper.make_node("Reshape", ["turned", "shape"], ["transmission"]),
    ],
    "MatMul": [
        helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["image", "turned"], ["square"]),
        helper.make_node("MatMul", ["square", "image"], ["transmission"]),
    ],
}


@pytest.mark.parametrize("kind", list(UNPLACEABLE))
def test_an_operation_that_cannot_be_placed_is_named(kind: str, write_network: WriteNetwork) -> None:
    path = write_network(UNPLACEABLE[kind])
    (first, *_) = InferenceEngine(path, ONE).not_tileable(Size(40, 50))
    assert first.op in {kind, "Transpose"}
    assert plan_document(InferenceEngine(path, ONE), Size(40, 50)).not_tileable[0].op == first.op
    answer = infer_not_tileable(OnnxNetwork(path, ONE), picture(40, 50), Settings(), first.op)
    assert answer.label == EXACT


def test_what_cannot_be_placed_and_does_not_fit_is_blended_and_labelled() -> None:
    def network(part: np.ndarray) -> dict[str, np.ndarray]:
        if part.shape[0] > 64:
            raise MemoryShort("Failed to allocate memory")
        return {"transmission": part}

    answer = infer_not_tileable(network, picture(100, 130), Settings(tile=64, overlap=16), "Softmax")
    assert answer.label == "approximate: Softmax"
    np.testing.assert_allclose(answer.outputs["transmission"], picture(100, 130), atol=1e-5)


def test_a_picture_made_smaller_comes_back_at_its_size_with_a_label() -> None:
    seen: list[tuple[int, ...]] = []

    def run(small: np.ndarray) -> Answer:
        seen.append(small.shape)
        return Answer({"transmission": small}, EXACT)

    answer = resized(run, picture(300, 500), 150)
    assert seen == [(150, 250, 3)]
    assert answer.label == "resized: short edge 150"
    np.testing.assert_allclose(answer.outputs["transmission"], picture(300, 500), atol=0.01)
    assert resized(run, picture(100, 500), 150).label == EXACT


def damaged(path: Path, change: str) -> Path:
    model = onnx.load(path)
    if change == "truncated":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return path
    if change == "newer":
        model.opset_import[0].version = 99
    if change == "outside":
        tensor = model.graph.initializer.add(name="w", data_type=1, dims=[1], data_location=1)
        tensor.external_data.add(key="location", value="../../secrets")
    if change == "fixed":
        for place, side in ((2, 64), (3, 64)):
            model.graph.input[0].type.tensor_type.shape.dim[place].dim_value = side
    if change == "flat":
        del model.graph.input[0].type.tensor_type.shape.dim[0]
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("truncated", "cannot be loaded"),
        ("newer", "has operator set 99"),
        ("outside", "keeps w in another file"),
        ("fixed", r"takes pictures of 1 x 3 x 64 x 64 alone, none of 40 x 50 pixels"),
        ("flat", r"needs one picture, 1 x 3 x H x W"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(
    change: str, said: str, write_network: WriteNetwork
) -> None:
    path = damaged(write_network(POINTWISE), change)
    with pytest.raises(NetworkError, match=said):
        InferenceEngine(path, ONE)(picture(40, 50))


def test_pictures_that_go_through_whole_share_a_session_where_their_graphs_are_the_same(
    write_network: WriteNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, made = write_network(GLOBAL), list[str]()
    real = onnxruntime.InferenceSession

    def counted(content: bytes, *given: object, **named: object) -> object:
        made.append(onnx.load_model_from_string(content).graph.name)
        return real(content, *given, **named)

    alone = [InferenceEngine(path, ONE)(picture(*size))["transmission"] for size in ((64, 80), (96, 48), (64, 80))]
    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    engine = InferenceEngine(path, ONE)
    together = [engine(picture(*size))["transmission"] for size in ((64, 80), (96, 48), (64, 80))]
    assert made.count("segment") == 1
    assert all(np.array_equal(first, second) for first, second in zip(alone, together, strict=True))


def test_a_network_that_cannot_be_computed_in_parts_is_not_answered_in_silence(write_network: WriteNetwork) -> None:
    path = write_network([helper.make_node("Softmax", ["image"], ["transmission"], axis=3)])
    engine = InferenceEngine(path, ONE)
    assert engine.not_tileable(Size(8, 9))
    with pytest.raises(NetworkError, match=r"cannot be computed in parts: Softmax \(transmission\): .*rows or columns"):
        engine(picture(8, 9))
