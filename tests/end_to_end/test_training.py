"""Trainings as users start them: the same weights everywhere, and told of their memory before they begin."""

from pathlib import Path

import numpy as np
import pytest

from stagekit.results.apart import load_whole
from stagekit.results.train import TrainFile
from tests.end_to_end.conftest import Program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

NETWORKS = ("zhang2018", "errnet2019", "ibcln2020")

ALL = """\
name: {name}
models:
  - {{model: zhang2018, recipe: {{epochs: 2, limit: 3, width: [64, 97]}}}}
  - {{model: errnet2019, recipe: {{epochs: 2, limit: 3, crop: 64, short_side: [64, 96], adversarial_from: 1}}}}
  - {{model: ibcln2020, recipe: {{epochs: 2, limit: 4, crop: 64}}}}
train: {{synthetic: skimage-train, real: skimage-real}}
test: [skimage-test]
metrics: [psnr]
features: random
"""

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


def written(folder: Path, name: str, more: str = "") -> Path:
    """Write the spec of a comparison and return its path."""
    path = folder / f"{name}.yaml"
    path.write_text(ALL.format(name=name) + more, encoding="utf-8")
    return path


def weights(program: Program, run: str, network: str) -> dict[str, bytes]:
    """Return the bytes of a training's weights, by the names of files and arrays."""
    folder = program.output(run, f"train/{network}")
    if network == "zhang2018":
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            return {name: arrays[name].tobytes() for name in arrays.files}
    return {"weights.pt": (folder / "weights.pt").read_bytes()}


@pytest.mark.docker
def test_both_engines_and_any_number_of_workers_train_the_same_weights(docker_program, local_program, tmp_path):
    spec = written(tmp_path, "everywhere")
    docker_program("run", spec, "--build", "--engine", "docker", "--workers", "2")
    local_program("run", spec, "--build", "--engine", "local", "--workers", "0")
    for network in NETWORKS:
        assert weights(docker_program, "everywhere", network) == weights(local_program, "everywhere", network), network


def test_a_budget_that_is_too_small_is_refused_with_the_numbers(local_program, tmp_path):
    spec = tmp_path / "narrow.yaml"
    spec.write_text(NARROW, encoding="utf-8")
    said = " ".join(local_program("run", spec, "--build", "--engine", "local", code=11).split())
    assert "the largest training step (256 x 256 pixels in batches of 2) needs" in said
    assert "even with activation checkpointing and accumulation, and the budget is 1.5 GiB" in said
    assert "raise the memory to" in said


def test_a_training_leaves_curves_events_and_its_memory(local_program, tmp_path):
    local_program("run", written(tmp_path, "everywhere"), "--build", "--engine", "local")
    for network in NETWORKS:
        folder = local_program.output("everywhere", f"train/{network}")
        facts = folder.parent / "facts"
        training = load_whole(TrainFile, folder, facts)
        assert training.epochs == 2
        assert training.memory.peak_bytes > 100 * 2**20
        assert 0 <= training.waiting_s <= training.seconds
        assert [path for path in (facts / "events").iterdir() if path.stat().st_size > 1000]
