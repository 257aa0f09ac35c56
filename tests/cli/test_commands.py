"""The commands through the program's own entry point, without an engine."""

import json
import subprocess
import sys

import pytest

GOOD = """\
name: first
models: [zhang2018, errnet2019, ibcln2020]
train: skimage-train
test: [skimage-test]
features: random
"""


@pytest.fixture
def sirr(tmp_path):
    """Run a command with a store of its own and return what came of it."""

    def run(*arguments, **environment):
        import os

        return subprocess.run(
            [sys.executable, "-m", "orchestrator", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "SIRR_STORE": str(tmp_path / "store"), **environment},
        )

    return run


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.mark.slow
def test_plan_lists_every_stage_and_why(sirr, spec):
    done = sirr("plan", spec, "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["stage"]: row for row in json.loads(done.stdout)}
    for label in ("zhang2018", "errnet2019", "ibcln2020"):
        assert {
            f"train/{label}",
            f"export/{label}",
            f"infer/{label}/skimage-test",
            f"evaluate/{label}/skimage-test/standard",
        } <= set(rows)
    assert {"evaluate/input/skimage-test/standard", "evaluate/truth/skimage-test/standard"} <= set(rows)
    assert all(row["reasons"][0] == "it has not run yet" for row in rows.values())
    assert rows["prepare/skimage-test"]["state"] == "to run"
    assert len(rows["prepare/skimage-test"]["key"]) == 64
    waiting = rows["export/errnet2019"]
    assert (waiting["state"], waiting["key"]) == ("may run", None)
    assert waiting["reasons"][1] == "waits for the content of train/errnet2019"


@pytest.mark.slow
def test_dry_run_is_plan(sirr, spec):
    assert sirr("run", spec, "--dry-run").stdout == sirr("plan", spec).stdout != ""


@pytest.mark.slow
def test_plan_with_photos_shows_them_and_scores_none(sirr, spec, tmp_path):
    from PIL import Image

    (tmp_path / "holiday").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "holiday" / "a.png")
    rows = [row["stage"] for row in json.loads(sirr("plan", spec, "--json", "--photos", tmp_path / "holiday").stdout)]
    assert "infer/errnet2019/photos" in rows
    assert not any(row.startswith("evaluate/") and row.endswith("/photos") for row in rows)


@pytest.mark.slow
def test_every_mistake_of_a_spec_is_shown_at_once_with_its_place(sirr, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: first\nmodel: [errnet2019]\ntrain: skimage-train\ntest: [skimage-tset]\nseed: many\n")
    done = sirr("plan", path)
    assert done.returncode == 2
    assert "error[spec-invalid]" in done.stderr
    for place in ("bad.yaml:2:", "bad.yaml:5:"):
        assert place in done.stderr
    assert "did you mean 'models'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["run", "missing.yaml"], 2, "missing.yaml", id="no-spec"),
        pytest.param(["report", "nothing"], 2, "there is no store at", id="no-store"),
        pytest.param(["build", "resnet"], 2, "resnet", id="no-image"),
        pytest.param(["build", "--base", "3.10"], 2, "PYTHON=IMAGE", id="base-without-image"),
        pytest.param(["remove", "no.jpg", "--model", "a/b", "--out", "o"], 2, "no.jpg", id="no-photo"),
    ],
)
def test_bad_request_gets_one_clear_answer(sirr, arguments, code, said):
    done = sirr(*arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_run_without_its_images_names_them_and_the_command(sirr, spec):
    done = sirr("run", spec, "--engine", "local")
    assert done.returncode == 3
    assert "error[image-not-built]" in done.stderr
    assert "sirr-orch build" in done.stderr


@pytest.mark.slow
def test_docker_that_does_not_answer_is_named(sirr, spec):
    done = sirr("run", spec, "--engine", "docker", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert done.returncode == 4
    assert "error[engine-unavailable]" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.slow
def test_walls_are_chosen_by_option_and_by_variable(sirr, spec):
    for chosen in (("--walls", "none"), ()):
        done = sirr("run", spec, "--engine", "local", *chosen, SIRR_WALLS="none" if not chosen else "auto")
        assert "local programs have no walls" in " ".join(done.stderr.split())
    assert sirr("run", spec, "--walls", "brick").returncode == 2
    wrong = json.loads(sirr("doctor", "--json", SIRR_WALLS="brick").stdout)
    (walls,) = [finding for finding in wrong if finding["subject"] == "walls"]
    assert (walls["severity"], "one of: auto, bubblewrap" in walls["remedy"]) == ("error", True)


@pytest.mark.slow
def test_doctor_gives_each_trouble_a_remedy(sirr):
    done = sirr("doctor", "--json", DOCKER_HOST="unix:///nonexistent/docker.sock")
    findings = json.loads(done.stdout)
    assert {"python", "disk", "docker", "gpu", "walls"} <= {finding["subject"] for finding in findings}
    assert all(finding["remedy"] for finding in findings if finding["severity"] == "error")
    assert next(finding for finding in findings if finding["subject"] == "docker")["severity"] == "warning"


def test_schema_knows_every_field_of_an_experiment(sirr):
    schema = json.loads(sirr("schema").stdout)
    assert {"name", "models", "train", "test", "features"} <= set(schema["properties"])


@pytest.mark.slow
def test_no_color_is_respected(sirr, spec):
    assert "\x1b[" not in sirr("plan", spec, NO_COLOR="1", FORCE_COLOR="").stdout
