"""Sessions whose inputs are bound to a device give what plain ones give; a processor stands in for the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from orchestrator.infer.graphs.node import Array
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.session import Resources, Session, run_bound
from tests.infer.conftest import picture
from tests.infer.test_exactness import reducing


@pytest.mark.parametrize("kind", ["attention", "batch-statistics"])
def test_tiles_through_bound_sessions_are_the_same_bits(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, shown = reducing(tmp_path / "network.onnx", kind), picture(97, 130)
    expected = InferenceEngine(path, Resources(threads=1), tile=48)(shown)["transmission"]
    bound = 0

    def run(self: Session, wanted: Sequence[str], given: Mapping[str, Array], *, shrink: bool = False) -> list[Array]:
        nonlocal bound
        bound += 1
        return run_bound(self._session, wanted, given, onnxruntime.RunOptions(), "cpu")

    monkeypatch.setattr(Session, "run", run)
    found = InferenceEngine(path, Resources(threads=1), tile=48)(shown)["transmission"]
    assert bound > 4
    assert np.array_equal(found, expected)
