"""Trainings as users start them: told of their memory before they begin, and telling what they did."""

import pytest

from stagekit.results.apart import load_whole
from stagekit.results.train import TrainFile
from tests.end_to_end.test_comparison import NETWORKS, QUICKSTART

pytestmark = [pytest.mark.environment, pytest.mark.slow]

NARROW = """\
name: narrow
memory: 1536MiB
models:
  - {model: ibcln2020, recipe: {epochs: 1, limit: 2}}
train: {synthetic: skimage-train, real: skimage-real}
test: [skimage-test]
metrics: [psnr]
features: random
"""
"""The smaller rehearsals fit into it, the papers' own sizes do not."""


def test_a_budget_that_is_too_small_is_refused_with_the_numbers(local_program, tmp_path):
    spec = tmp_path / "narrow.yaml"
    spec.write_text(NARROW, encoding="utf-8")
    said = " ".join(local_program("run", spec, "--build", "--engine", "local", code=11).split())
    assert "the largest training step (256 x 256 pixels in batches of 2) needs" in said
    assert "even with activation checkpointing and accumulation, and the budget is 1.5 GiB" in said
    assert "raise the memory to" in said


def test_a_training_leaves_curves_events_and_its_memory(local_program):
    local_program("run", QUICKSTART, "--build", "--engine", "local", "--workers", "0")
    for network in NETWORKS:
        folder = local_program.output("quickstart", f"train/{network}")
        facts = folder.parent / "facts"
        training = load_whole(TrainFile, folder, facts)
        assert training.epochs == 2
        assert training.memory.peak_bytes > 100 * 2**20
        assert 0 <= training.waiting_s <= training.seconds
        assert [path for path in (facts / "events").iterdir() if path.stat().st_size > 1000]
