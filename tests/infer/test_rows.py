"""Pictures in strips: into an engine, out of it, and through maps that lie in files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.infer.execution import tensor_buffer
from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.graphs.node import Map
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size, Span
from orchestrator.infer.inference_engine import PROCESS_BYTES, InferenceEngine
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.onnx_network import Picture
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.planner import plan_of
from orchestrator.infer.rows import Whole, fill_buffer, row_strips
from orchestrator.infer.session import Resources
from tests.infer.conftest import picture
from tests.infer.test_exactness import CHANNELS, Builder, attention

SIZE = Size(233, 310)


@dataclass(frozen=True)
class InStrips:
    """A picture that comes so many rows at a time."""

    picture: Picture
    count: int

    @property
    def size(self) -> Size:
        return Size(*self.picture.shape[:2])

    def strips(self) -> Iterator[Picture]:
        for top in range(0, len(self.picture), self.count):
            yield self.picture[top : top + self.count]


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A network with a global reduction and wide maps, so that little memory means several segments."""
    builder = Builder(3)
    x = builder.add("Relu", builder.conv("image", 3, 48))
    x = attention(builder, builder.conv(x, 48, CHANNELS))
    return builder.saved(tmp_path / "wide.onnx", builder.conv(x, CHANNELS, CHANNELS), CHANNELS)


def tight_engine(path: Path, folder: Path, maps_bytes: int) -> InferenceEngine:
    weights = sum(value.nbytes for value in read_model(path).constants.values())
    return InferenceEngine(path, Resources("cpu", 1, maps_bytes + PROCESS_BYTES + 2 * weights), folder)


@pytest.mark.parametrize("count", [1, 7, 233])
@pytest.mark.parametrize("maps_bytes", [2**23, 2**30], ids=["tight", "roomy"])
def test_strips_give_what_the_whole_picture_gives(network: Path, tmp_path: Path, count: int, maps_bytes: int) -> None:
    shown = picture(SIZE.height, SIZE.width)
    engine = tight_engine(network, tmp_path, maps_bytes)
    whole = engine(shown)["transmission"]
    found = engine.streamed(InStrips(shown, count))["transmission"]
    assert found.size == SIZE
    assert np.array_equal(np.concatenate(list(row_strips(found))), whole)
    assert np.array_equal(found.rows(Span(100, 131)), whole[100:131])


def test_a_picture_beyond_its_share_of_memory_lies_in_files_with_its_results(network: Path) -> None:
    graph = optimised_graph(graph_of(read_model(network), SIZE))
    ends = {graph.image, *graph.outputs.values()}
    ends_bytes = sum(graph.map(name).nbytes for name in ends)
    tight, roomy = plan_of(graph, 3 * ends_bytes), plan_of(graph, 400 * ends_bytes)
    assert ends <= tight.filed
    assert tight.steps[-1].filed_bytes >= ends_bytes
    assert not ends & roomy.filed


def test_growing_the_picture_fourfold_grows_files_and_no_memory(network: Path) -> None:
    budget = 3 * 2**23
    small, large = (
        plan_of(optimised_graph(graph_of(read_model(network), size)), budget) for size in (SIZE, Size(466, 620))
    )
    assert max(small.peak_bytes, large.peak_bytes) <= budget
    assert max(step.filed_bytes for step in large.steps) > max(step.filed_bytes for step in small.steps)


def test_what_a_source_raises_is_raised(network: Path, tmp_path: Path) -> None:
    class Broken(InStrips):
        def strips(self) -> Iterator[Picture]:
            yield self.picture[:9]
            raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="ends here"):
        tight_engine(network, tmp_path, 2**23).streamed(Broken(picture(SIZE.height, SIZE.width), 9))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), at_a_time=st.integers(1, 3000))
def test_a_map_in_a_file_is_one_in_memory(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, at_a_time: int
) -> None:
    height, width = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    feature_map = Map(3, Size(height, width))
    values = np.arange(3 * height * width, dtype=np.float32).reshape(1, 3, height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensor_buffer, "_AT_A_TIME", at_a_time)
        filed = TensorBuffer.allocated(feature_map, tmp_path_factory.getbasetemp())
        fill_buffer(filed, InStrips(values[0].transpose(1, 2, 0), data.draw(st.integers(1, height))))
        top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
        rows, columns = Span(top, data.draw(st.integers(top + 1, height))), Span(left, width)
        assert np.array_equal(filed.read(rows, columns), values[:, :, rows.slice, columns.slice])
        assert b"".join(bytes(part) for part in filed.chunks()) == values.tobytes()


def test_a_picture_in_memory_is_its_own_strip() -> None:
    shown = picture(5, 4)
    assert next(Whole(shown).strips()) is shown
    assert np.array_equal(Whole(shown).rows(Span(2, 4)), shown[2:4])
