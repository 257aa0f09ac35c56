"""What a run will take before it starts: from a store's earlier stages, from the project's own, and in words."""

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.execute import build
from orchestrator.execute.command import RunRequest, planned, planned_estimate
from orchestrator.execute.estimate_words import estimate_lines, long_run_lines, rough_size, rough_time
from orchestrator.execute.estimates import RunEstimate
from orchestrator.execute.measurements import brought_rates
from orchestrator.plan.estimates import Estimate, Measurement, estimate
from orchestrator.plan.stage import Stage
from orchestrator.plan.work import Work
from orchestrator.store.store import Store
from tests.execute import small_run
from tests.execute.photo_engine import photo_engine
from tests.execute.small_run import SPEC, keep_run

LONG = """\
name: long
models: [ibcln2020, zhang2018]
train: skimage-train
test: [skimage-test]
features: random
"""

TRAINED = ("train/zhang2018", "train/errnet2019", "train/ibcln2020")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder to type commands in, with an engine that has nothing built."""
    with contextlib.chdir(tmp_path), photo_engine(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "built_environments", lambda *_: {})
        Path("long.yaml").write_text(LONG)
        yield tmp_path


def command(*words: str):
    return CliRunner().invoke(app, [*words, "--store", "store"], env={"COLUMNS": "80"})


def estimates(tmp_path: Path, *, epochs: int) -> dict[str, Estimate]:
    """Return what `keep_run`'s experiment will take with so many epochs, by stage."""
    spec = tmp_path / "second.yaml"
    spec.write_text(SPEC.format(name="second", epochs=epochs, seed=3))
    (tmp_path / "released.pth").write_bytes(b"weights")
    request = RunRequest(spec, tmp_path / "store")
    return dict(planned_estimate(planned(request), request).by_stage)


def test_earlier_stages_of_the_store_tell_what_later_ones_take(tmp_path):
    keep_run(Store(tmp_path / "store"), tmp_path, epochs=5)
    found = estimates(tmp_path, epochs=7)
    # One step took 9 s of 12.5 s; each of 7 epochs has the three scenes that the store's dataset holds.
    training = found["train/errnet2019"]
    assert (training.steps, training.origin) == (21, "store")
    assert training.seconds == pytest.approx(3.5 + 21 * 9)
    inference = found["infer/errnet2019/skimage-test"]
    assert inference.seconds == pytest.approx(12.5)
    assert inference.origin == "store"
    assert "prepare/skimage-test" not in found
    assert "adopt/taken" not in found


def test_an_empty_store_takes_the_project_s_measurements(tmp_path):
    found = estimates(tmp_path, epochs=7)
    assert {one.origin for one in found.values() if one.seconds is not None} == {"project"}
    training = found["train/errnet2019"]
    # Seven layers to be seen through, seven epochs.
    assert training.steps == 49
    assert training.per_step_s is not None
    assert training.per_step_s > 0
    # The table has PSNR with SSIM, not alone.
    assert (found["evaluate/input/skimage-test/standard"].seconds or 0) > 0
    assert found["evaluate/input/skimage-test/standard"].at_most
    assert not found["export/errnet2019"].at_most


def test_a_store_that_measured_more_metrics_says_what_fewer_take_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr(small_run, "SPEC", SPEC.replace("[psnr]", "[psnr, ssim]"))
    keep_run(Store(tmp_path / "store"), tmp_path, epochs=5)
    found = estimates(tmp_path, epochs=7)["evaluate/input/skimage-test/standard"]
    assert (found.origin, found.at_most) == ("store", True)
    # Of which the same is known exactly.
    assert found.seconds == pytest.approx(12.5)


MEASURED = (["psnr", "ssim"], ["psnr", "ssim", "lpips"], ["ssim"])


@pytest.mark.parametrize(
    ("metrics", "seconds", "at_most"),
    [
        (["psnr", "ssim"], 2.0, False),
        (["psnr"], 2.0, True),
        (["lpips"], 3.0, True),
        (["ssim"], 1.0, False),
        (["ncc"], None, False),
        (["psnr", "ssim", "lpips", "ncc"], None, False),
    ],
    ids=str,
)
def test_of_several_that_measured_more_the_nearest_tells(metrics, seconds, at_most):
    def task(names: list[str]) -> str:
        return json.dumps({"kind": "evaluate", "metrics": names})

    known = [Measurement(task(names), Work(1, 100), float(len(names)), None, 0) for names in MEASURED]
    other = [Measurement('{"kind": "infer"}', Work(1, 100), 9.0, None, 0)]
    found = estimate("evaluate", "evaluate", task(metrics), Work(1, 100), known, other)
    assert (found.seconds, found.at_most) == (seconds, at_most)


def test_bounds_are_said_in_words():
    def said(*estimates: Estimate) -> str:
        return " ".join(" ".join(estimate_lines(RunEstimate(estimates, 0, brought_rates().machine), each=True)).split())

    exact = Estimate("infer/a", "infer", None, 50.0, 0, "project")
    bound = Estimate("evaluate/a", "evaluate", None, 10.0, 0, "project", at_most=True)
    unknown = Estimate("measure/a", "measure", None, None, None, "unknown")
    assert "in all 1 min" not in said(exact, bound)
    assert "in all at most 1 min" in said(exact, bound)
    assert "evaluate/a <=10 s" in said(exact, bound)
    assert "at most (<=): 1 stage, by stages that measured more metrics" in said(exact, bound)
    assert "in all 1 min" in said(exact, bound, unknown)
    assert "in all at least 50 s" in said(exact, unknown)


NONSENSE = [pytest.param(value, id=str(value)) for value in (-5.0, 0, 1e12, True, "soon", [3])]


@pytest.mark.parametrize("seconds", NONSENSE)
def test_recorded_times_that_cannot_be_are_passed_over(tmp_path, monkeypatch, seconds):
    monkeypatch.setitem(small_run.FACTS, "seconds", seconds)
    keep_run(Store(tmp_path / "store"), tmp_path, epochs=5)
    found = estimates(tmp_path, epochs=7)
    project = estimates(tmp_path / "nowhere", epochs=7) if (tmp_path / "nowhere").mkdir() is None else {}
    assert found["export/errnet2019"].seconds == project["export/errnet2019"].seconds
    assert found["export/errnet2019"].origin == project["export/errnet2019"].origin != "store"
    # A training counts its steps itself.
    assert found["train/errnet2019"].per_step_s == pytest.approx(9)
    assert math.isfinite(found["train/errnet2019"].seconds or math.nan)


def test_the_last_part_of_an_interrupted_stage_tells_nothing_of_the_whole(tmp_path, monkeypatch):
    monkeypatch.setitem(small_run.FACTS, "resumed", True)
    keep_run(Store(tmp_path / "store"), tmp_path, epochs=5)
    found = estimates(tmp_path, epochs=7)
    assert found["export/errnet2019"].origin != "store"
    assert found["train/errnet2019"].per_step_s == pytest.approx(9)


def test_a_damaged_result_tells_nothing(tmp_path):
    store = Store(tmp_path / "store")
    kept = keep_run(store, tmp_path, epochs=5)
    for name in ("train/errnet2019", "export/errnet2019"):
        file = store.layout.artifact(kept.identities[name].key)
        file = file / ("output/train.json" if name.startswith("train") else "manifest.json")
        file.chmod(0o644)
        file.write_text("{")
    found = estimates(tmp_path, epochs=7)
    assert found["train/errnet2019"].origin != "store"
    assert found["export/errnet2019"].origin != "store"


def test_what_is_stored_takes_nothing_and_is_said_to_be_there(tmp_path):
    keep_run(Store(tmp_path / "store"), tmp_path)
    with contextlib.chdir(tmp_path):
        found = command("plan", "first.yaml")
        rows = json.loads(command("plan", "first.yaml", "--json").stdout)
    assert "are in the store: nothing takes time or disk" in found.stdout
    assert {(row["state"], row["estimate"]["seconds"], row["estimate"]["bytes"]) for row in rows} == {("stored", 0, 0)}


def test_json_tells_what_each_stage_takes(folder):
    rows = {row["stage"]: row["estimate"] for row in json.loads(command("plan", "long.yaml", "--json").stdout)}
    assert rows["train/ibcln2020"]["steps"] == 160_000
    assert rows["train/ibcln2020"]["seconds"] > 86400
    assert rows["train/ibcln2020"]["origin"] == "project"
    assert set(rows["overlap"]) == {"steps", "seconds", "bytes", "origin", "at_most"}
    assert rows["overlap"]["steps"] is None


def test_a_run_of_weeks_says_so_before_it_starts_and_what_to_change(folder):
    found = command("run", "long.yaml", "--engine", "local")
    said = found.stderr
    assert found.exit_code != 0  # nothing is built
    assert said.index("this run takes about") < said.index("engine: fake")
    assert "train/ibcln2020" in said
    assert "160,000 steps of" in said
    assert "write in long.yaml:" in said
    assert "`recipe: {steps: " in said
    assert "for ibcln2020 in `models`" in said


def test_a_run_of_minutes_warns_of_nothing(folder):
    trial = "[{model: ibcln2020, recipe: {epochs: 1, limit: 2, crop: 64}}]"
    Path("short.yaml").write_text(LONG.replace("[ibcln2020, zhang2018]", trial).replace("long", "short"))
    said = command("run", "short.yaml", "--engine", "local").stderr
    assert "this run takes" not in said
    assert "in all" in said


@pytest.mark.parametrize("words", [("plan", "long.yaml"), ("run", "long.yaml", "--engine", "local")])
def test_what_a_run_takes_fits_eighty_columns(folder, words):
    text = command(*words).stdout + command(*words).stderr
    lines = text[text.index("stage  ", text.index("stage  ") + 1 if words[0] == "plan" else 0) :].splitlines()
    about = lines[: next(number for number, line in enumerate(lines) if "in `models`" in line) + 1]
    assert len(about) > 10
    assert max(map(len, about)) < 80


def test_a_recipe_s_change_alone_keeps_other_stages_out_of_the_sum(tmp_path):
    keep_run(Store(tmp_path / "store"), tmp_path, epochs=5)
    fewer, more = (estimates(tmp_path, epochs=epochs) for epochs in (6, 60))
    assert set(fewer) == set(more)
    assert (fewer["train/errnet2019"].seconds or 0) < (more["train/errnet2019"].seconds or 0)


def test_the_project_s_measurements_tell_of_every_training_of_the_quickstart_and_the_papers():
    example = Path(__file__).parents[2] / "examples" / "quickstart.yaml"
    request = RunRequest(example, Path("nowhere"))
    found = planned_estimate(planned(request), request).by_stage
    trainings = {name: one.seconds for name, one in found.items() if name in TRAINED}
    assert set(trainings) == set(TRAINED)
    assert all(seconds is not None and seconds < 3600 for seconds in trainings.values())


def test_the_project_s_measurements_name_their_machine():
    rates = brought_rates()
    assert rates.machine.processors >= 1
    assert rates.stages


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "<1 s"),
        (1, "1 s"),
        (8.44, "8.4 s"),
        (90, "1.5 min"),
        (3600, "1 h"),
        (86400, "1 day"),
        (42 * 86400, "42 days"),
    ],
)
def test_times_have_two_digits(seconds, words):
    assert rough_time(seconds) == words


@pytest.mark.parametrize(("size", "words"), [(0, "<1 MB"), (6.4e6, "6.4 MB"), (1.44e9, "1.4 GB"), (2e12, "2 TB")])
def test_sizes_have_two_digits(size, words):
    assert rough_size(size) == words


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (
            "infer",
            [
                "  100 stages 'infer': 1.4 h",
                "to try it out first, write in long.yaml:",
                "  fewer pictures in `test`, or smaller ones: `inference: {resize: {short_edge:",
                "    256}}`, which is labelled",
            ],
        ),
        (
            "evaluate",
            [
                "  100 stages 'evaluate': 1.4 h",
                "to try it out first, write in long.yaml:",
                "  fewer pictures in `test`",
            ],
        ),
        ("export", ["  100 stages 'export': 1.4 h"]),
    ],
)
def test_many_short_stages_are_long_together(kind: str, lines: list[str]) -> None:
    stages = {f"{kind}/{number}": Stage(f"{kind}/{number}", kind, "image", {}) for number in range(100)}
    estimates = tuple(Estimate(name, kind, None, 50.0, 0, "project") for name in stages)
    found = list(long_run_lines(RunEstimate(estimates, 0, brought_rates().machine), stages, "long.yaml"))
    assert found == ["this run takes about 1.4 h on this machine's processors, most of it:", *lines]
