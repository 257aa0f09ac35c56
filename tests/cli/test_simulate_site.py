"""sirr-orch plan --simulate-site: how long a run would take before anybody queues."""

import contextlib
import json

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SpecError
from orchestrator.spec.simulated_site import SimulatedSite, simulated_site

SPEC = """\
name: first
models: [zhang2018, errnet2019]
train: {synthetic: skimage-train}
test: [skimage-test]
features: random
device: DEVICE
"""


@pytest.fixture
def simulated(tmp_path):
    """Return what a command says of a site."""

    def ask(site, *command, device="cpu"):
        with contextlib.chdir(tmp_path):
            (tmp_path / "first.yaml").write_text(SPEC.replace("DEVICE", device))
            done = CliRunner().invoke(app, [*command, "first.yaml", "--store", "store", "--simulate-site", site])
        assert done.exit_code == 0, (done.output, done.exception)
        assert not (tmp_path / "store").exists()
        return done.stdout

    return ask


@pytest.mark.parametrize("command", [("plan",), ("run",)])
def test_site_is_simulated_and_nothing_is_run(simulated, command):
    text = simulated("4", *command)
    assert "with 4 slots for trainings" in text
    assert "with fewer slots: " in text
    assert "  train/errnet2019: " in text


def test_speed_is_said_to_be_assumed(simulated):
    slow = json.loads(simulated("1", "plan", "--json"))
    quick = json.loads(simulated("slots=1,speed=100", "plan", "--json"))
    assert quick["assumed_stages"] == slow["assumed_stages"] > 0
    assert quick["work_s"]["slots"] == pytest.approx(slow["work_s"]["slots"] / 100, abs=0.1)
    assert quick["work_s"]["beside"] == slow["work_s"]["beside"]
    assert slow["makespan_s"] >= slow["bound_s"] >= slow["longest_path_s"]
    assert "assumed, not measured" in simulated("slots=1,speed=100", "plan")


def test_gpu_that_nobody_measured_is_told_by_processors_and_the_speed(simulated):
    found = json.loads(simulated("slots=2,speed=50", "plan", "--json", device="cuda"))
    assert found["assumed_stages"] >= 2
    assert all(stage["seconds"] for stage in found["stages"] if stage["stage"].startswith("train/"))


def test_site_can_be_named_by_its_slots():
    assert simulated_site("16") == SimulatedSite(slots=16)
    assert simulated_site("slots=16, beside=4, speed=0.5") == SimulatedSite(slots=16, beside=4, speed=0.5)


@pytest.mark.parametrize(
    "text", ["", "x", "0", "slots=", "slots=1.5", "slots=1,slots=2", "beside=2", "slots=2,speed=0", "slots=2,sped=3"]
)
def test_site_that_is_none_is_refused_with_what_to_write(text):
    with pytest.raises(SpecError) as error:
        simulated_site(text)
    assert "slots=16,beside=4,speed=100" in error.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "there is no file"), ("where: mars\n", "site.yaml:1:8"), ("\xff", "site.yaml"), ("", "the file is empty")],
)
def test_plan_looks_at_the_site_that_it_is_given(tmp_path, text, words):
    (tmp_path / "first.yaml").write_text(SPEC.replace("DEVICE", "cpu"))
    if text is not None:
        (tmp_path / "site.yaml").write_text(text, encoding="latin-1")
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(app, ["plan", "first.yaml", "--store", "store", "--site", "site.yaml"])
    assert isinstance(done.exception, SpecError)
    assert words in f"{done.exception} {done.exception.where}"
