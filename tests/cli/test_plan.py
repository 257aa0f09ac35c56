"""sirr-orch plan with an engine: what run would say of it before it starts."""

import contextlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.execute import build
from orchestrator.execute.plugin_new import new_plugin
from orchestrator.spec.library import built_in
from orchestrator.store.store import Store
from tests.execute.photo_engine import photo_engine

SPEC = """\
name: first
models: [{program: yang2019}]
test: [skimage-test]
protocols: [errnet2019]
features: random
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[None]:
    """A folder to type commands in, with an engine."""
    with contextlib.chdir(tmp_path), photo_engine():
        Path("first.yaml").write_text(SPEC)
        yield


@pytest.mark.parametrize("command", [("plan",), ("run", "--dry-run")])
def test_plan_with_an_engine_says_which_it_is_and_what_is_not_built(folder: None, command: tuple[str, ...]) -> None:
    asked = [*command, "first.yaml", "--store", "store"]
    plain = CliRunner().invoke(app, asked)
    found = CliRunner().invoke(app, [*asked, "--engine", "local"])
    assert plain.exit_code == found.exit_code == 0, found.exception
    assert found.stdout == plain.stdout
    assert plain.stderr == ""
    assert found.stderr == "engine: fake\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "built_environments", lambda *_: {})
        found = CliRunner().invoke(app, [*asked, "--engine", "local"])
    assert "images not built: metrics, yang2019; run: sirr-orch build --engine" in " ".join(found.stderr.split())


def test_plan_takes_the_threads_that_run_takes(folder: None) -> None:
    assert CliRunner().invoke(app, ["plan", "first.yaml", "--store", "store", "--threads", "3"]).exit_code == 0


def test_what_a_stopped_run_did_not_come_to_has_not_run_yet(folder: None) -> None:
    asked = ["plan", "first.yaml", "--store", "store", "--json"]
    rows = json.loads(CliRunner().invoke(app, asked).stdout)
    keys = {row["stage"]: row["key"] for row in rows if row["key"]}
    assert keys
    for known in (keys, dict.fromkeys(keys, "0" * 64)):
        Store(Path("store")).run("first").append({"event": "planned", "stages": list(keys), "keys": known})
        rows = json.loads(CliRunner().invoke(app, asked).stdout)
        assert {row["reasons"][0] for row in rows} == {"it has not run yet"}


def test_plan_names_the_folder_of_the_plugin_whose_image_is_not_built(folder: None) -> None:
    plugin = new_plugin("my-method", "program", Path("my plug-in"), built_in()).absolute()
    Path("mine.yaml").write_text(SPEC.replace("yang2019", "my-method") + f"plugins: [{str(plugin)!r}]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "built_environments", lambda *_: {})
        found = CliRunner().invoke(app, ["plan", "mine.yaml", "--store", "store", "--engine", "local"])
    said = " ".join(found.stderr.split())
    assert f"--plugins {shlex.quote(str(plugin))} " in said
    assert said.count("--plugins") == 1
    command = shlex.split(said.rpartition("run: ")[2])
    assert command[command.index("--plugins") + 1] == str(plugin)
    assert "my-method" in command[command.index("--plugins") + 2 :]


ADOPTED = "models: [{model: ibcln2020, weights: {checkpoint: nets/final_net_G_T.pth}}]"
TRAINED = "models: [ibcln2020]\ntrain: skimage-train"
PROGRAM = "models: [{program: yang2019}]"
IDLE = {
    "tile": (ADOPTED, "inference: {mode: exact, tile: 256}", "inference.tile changes nothing: it is of mode 'tiles'"),
    "overlap": (ADOPTED, "inference: {overlap: 32}", "inference.overlap changes nothing: it is of mode 'tiles', and"),
    "whole": (ADOPTED, "inference: {mode: whole, tile: 256}", "and this is 'whole'"),
    "no network": (PROGRAM, "inference: {mode: whole}", "inference changes nothing: no network takes part"),
    "training data": (ADOPTED, "train: skimage-train", "train changes nothing: no network is trained here"),
    "of a program": (PROGRAM, "train: skimage-train", "train changes nothing: no network is trained here"),
    "overlap of data": (PROGRAM, "drop_overlap: true", "drop_overlap changes nothing: no network is trained"),
    "minutes": (ADOPTED, "checkpoint_minutes: 9", "checkpoint_minutes changes nothing: no network is trained"),
    "memory": (TRAINED, "device_memory: 8GiB", "device_memory changes nothing: it is a GPU's, and 'device' is 'cpu'"),
    "folder": (TRAINED, "features_folder: nowhere", "features_folder changes nothing: 'features' is 'random'"),
    "dataset": (PROGRAM, "datasets: {mine: {kind: pairs, folder: mine}}", "datasets.mine changes nothing: neither"),
}
AT_WORK = {
    "tiles": (ADOPTED, "inference: {mode: tiles, tile: 256, overlap: 32}"),
    "smaller": (ADOPTED, "inference: {resize: {short_edge: 256}}"),
    "training": (TRAINED, "drop_overlap: true\ncheckpoint_minutes: 9"),
    "none": (PROGRAM, "train: null\naccept_overlap: null\ndrop_overlap: false"),
}


def said_of(models: str, more: str, *command: str) -> str:
    """Return the warnings of a command about a spec whose fifth line begins what may change nothing."""
    for name in ("final_net_G_T.pth", "final_net_G_R.pth"):
        Path("nets").mkdir(exist_ok=True)
        Path("nets", name).write_bytes(b"weights")
    spec = f"name: first\ntest: [skimage-test]\nfeatures: random\nmetrics: [psnr]\n{more}\n{models}\n"
    Path("first.yaml").write_text(spec)
    done = CliRunner().invoke(app, [*command, "first.yaml", "--store", "store"], env={"COLUMNS": "300"})
    assert not done.exception or "run" in command, done.exception
    return "\n".join(line for line in done.stderr.splitlines() if line.startswith("warning"))


@pytest.mark.parametrize("case", IDLE)
def test_fields_that_change_nothing_are_warned_of_with_their_line(folder: None, case: str) -> None:
    models, more, words = IDLE[case]
    found = said_of(models, more, "plan")
    assert found.startswith("warning: first.yaml:5:")
    assert words in found
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize("command", [("run", "--dry-run"), ("run",), ("plan", "--json")], ids=" ".join)
def test_every_command_of_an_experiment_warns_of_them(folder: None, command: tuple[str, ...]) -> None:
    assert "train changes nothing" in said_of(PROGRAM, "train: skimage-train", *command)


@pytest.mark.parametrize("case", AT_WORK)
def test_fields_that_are_read_are_not_warned_of(folder: None, case: str) -> None:
    assert said_of(*AT_WORK[case], "plan") == ""
