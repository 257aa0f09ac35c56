"""Defects of a published comparison that concern its programs: where trainings start (14), and what is pinned (20)."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.execute.rankings import with_rankings
from orchestrator.plan.plan import Plan
from orchestrator.report.content import NotMeasured
from orchestrator.report.views.summary import summary_view
from orchestrator.resources import images_folder
from tests.plan.conftest import planned  # noqa: F401 - a fixture
from tests.report.report_sample import comparison

LOCKS = sorted(images_folder().glob("*/requirements.*.txt"))
PINNED = re.compile(r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+( ; .+)? \\", re.IGNORECASE)
TRAINED_ON = {"synthetic", "real", "unaligned", "overlap"}

Planned = Callable[..., tuple[Plan, object]]


def test_defect_14_a_training_starts_from_nothing_but_its_recipe_and_seed(planned: Planned) -> None:  # noqa: F811
    """What lies about of an earlier training, or of the authors' weights, cannot be its start."""
    plan, _ = planned(models=["zhang2018", "errnet2019", "ibcln2020"])
    trainings = [stage for stage in plan.stages if stage.kind == "train"]
    assert len(trainings) == 3
    for stage in trainings:
        assert set(stage.inputs) <= TRAINED_ON
        assert set(stage.sources) <= {"features", "vgg19-dcbb9e9d.pth", "imagenet-vgg-verydeep-19.mat"}
        assert not [name for name in stage.settings if "checkpoint" in name or "weights" in name]


def test_defect_14_a_training_that_crashed_gives_no_number(tmp_path: Path) -> None:
    content = comparison(tmp_path)
    why = NotMeasured("train/zhang2018 failed: the program ended with an error")
    results = tuple(
        replace(result, predictions=why, scores=dict.fromkeys(result.scores, why))
        if result.label == "zhang2018"
        else result
        for result in content.results
    )
    (table, *_) = summary_view(with_rankings(replace(content, results=results))).tables
    (row,) = [row for row in table.rows if row.label == "zhang2018"]
    assert [cell.text for cell in row.cells] == [f"not measured: {why.why}"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}-{lock.stem}")
def test_defect_20_every_package_of_every_image_is_pinned_with_its_hash(lock: Path) -> None:
    lines = [
        line for line in lock.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")
    ]
    packages = [line for line in lines if not line.startswith(" ")]
    assert packages
    assert [line for line in packages if not PINNED.fullmatch(line)] == []
    assert sum("--hash=sha256:" in line for line in lines) >= len(packages)


def test_defect_20_every_network_has_a_lock_for_either_device() -> None:
    assert {f"{lock.parent.name}/{lock.name}" for lock in LOCKS} >= {
        f"{image}/requirements.{variant}.txt"
        for image in ("zhang2018", "errnet2019", "ibcln2020", "inference", "metrics")
        for variant in ("cpu", "cuda")
    }
