"""The whole way, from a spec to a report, on real engines and with the real frameworks."""

import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser import eventually
from tests.conftest import OPTIONAL
from tests.end_to_end.conftest import ROOT, fresh_local_program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

PHOTOS = Path(os.environ.get("SIRR_TEST_PHOTOS", ROOT.parent / "shared" / "photos"))
"""Real photographs with reflections; they belong to others and are no part of the project."""

QUICKSTART = ROOT / "examples" / "quickstart.yaml"
NETWORKS = ("zhang2018", "errnet2019", "ibcln2020")

SMALL = """\
name: {name}
models:
  - model: errnet2019
    recipe: {{epochs: 50, steps: {steps}, crop: 64, short_side: [64, 96], weight_vgg: {weight}}}
train: skimage-train
test: [skimage-test]
metrics: [psnr, ssim]
features: random
"""


@pytest.fixture
def small(tmp_path):
    """A spec of one model that trains a few steps."""

    def write(name="small", steps=2, weight=0.1):
        path = tmp_path / f"{name}-{steps}-{weight}.yaml"
        path.write_text(SMALL.format(name=name, steps=steps, weight=weight), encoding="utf-8")
        return path

    return write


def size_of(path):
    """Return a picture's (width, height)."""
    with Image.open(path) as picture:
        return picture.size


def scores(program, run, label, dataset="skimage-small"):
    return json.loads((program.output(run, f"evaluate/{label}/{dataset}/standard") / "scores.json").read_text())


@pytest.mark.docker
def test_quickstart_compares_all_networks_and_both_controls(docker_program):
    said = docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    report = docker_program.store / "runs" / "quickstart" / "report" / "index.html"
    assert f"report: {report}" in said
    assert "random" in report.read_text(encoding="utf-8")
    for label in (*NETWORKS, "glazier", "yang2019", "input"):
        values = [item["values"] for item in scores(docker_program, "quickstart", label)["items"]]
        assert values
        assert all(0 < value["psnr"] < 60 for value in values), label
        assert all(-1 <= value["ssim"] < 1 for value in values), label
    truths = [item["values"]["psnr"] for item in scores(docker_program, "quickstart", "truth")["items"]]
    assert set(truths) == {"inf"}
    machine = json.loads((report.parent / "report.json").read_text(encoding="utf-8"))
    (psnr,) = [ranking for ranking in machine["rankings"] if ranking["metric"] == "psnr"]
    ahead = [pair["first"] for pair in psnr["beside_input"] if pair["better"] == pair["first"]]
    assert "glazier" in ahead, "a newcomer's first report shows something that works"


@pytest.mark.docker
@pytest.mark.browser
def test_report_of_a_real_run_opens_from_disk_and_leads_to_every_picture(docker_program, opened):
    docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    report = docker_program.store / "runs" / "quickstart" / "report"
    for path in sorted(report.glob("*.html")):
        opened(path)
    page = opened(report / "dataset-skimage-small.html", fragment="#picture-1")
    loaded = "Array.from(document.querySelectorAll('[data-stage] img')).every((one) => one.naturalWidth > 0)"
    eventually(page, "document.querySelectorAll('[data-stage] img').length > 1")
    eventually(page, loaded)
    page.keyboard.press("Escape")
    tiles = page.locator("[data-tile]:visible")
    assert tiles.count() == len(scores(docker_program, "quickstart", "errnet2019")["items"])


@pytest.mark.docker
def test_second_run_of_the_quickstart_runs_nothing(docker_program):
    docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    before = len(docker_program.events("quickstart"))
    docker_program("run", QUICKSTART)
    states = {event["state"] for event in docker_program.events("quickstart")[before:] if event["event"] == "state"}
    assert states == {"stored"}
    assert all(row["state"] == "stored" for row in docker_program.plan(QUICKSTART).values())


@pytest.mark.docker
def test_remove_writes_one_picture_of_the_right_size_for_each_photo(docker_program, tmp_path):
    docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    rng = np.random.default_rng(0)
    sizes = {"odd": (131, 97), "grey": (64, 80), "turned": (60, 90)}
    for name, (height, width) in sizes.items():
        picture = Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        exif = picture.getexif()
        if name == "turned":
            exif[0x0112] = 6
        picture.convert("L" if name == "grey" else "RGB").save(tmp_path / f"{name}.jpg", exif=exif)
    photos = [tmp_path / f"{name}.jpg" for name in sizes]
    out = tmp_path / "results"
    docker_program("remove", *photos, "--model", "quickstart/ibcln2020", "--out", out, "--engine", "docker")
    found = {path.stem: size_of(path) for path in out.iterdir()}
    assert found == {"odd": (97, 131), "grey": (80, 64), "turned": (60, 90)}


@pytest.mark.docker
def test_real_photographs_keep_their_sizes(docker_program, tmp_path):
    photos = sorted(PHOTOS.glob("*.jpg"))
    if not photos:
        pytest.skip(f"{OPTIONAL}no photographs in {PHOTOS}; SIRR_TEST_PHOTOS names another folder")
    docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    out = tmp_path / "results"
    docker_program("remove", *photos, "--model", "quickstart/zhang2018", "--out", out, "--engine", "docker")
    sizes = {path.stem: size_of(path) for path in photos}
    assert {path.stem: size_of(path) for path in out.iterdir()} == sizes


def test_changed_recipe_value_is_named_and_reruns_exactly_what_depends_on_it(local_program, small):
    program = local_program
    program("run", small(), "--build", "--engine", program.engine)
    plan = program.plan(small(weight=0.2))
    to_run = {name for name, row in plan.items() if row["state"] != "stored"}
    assert to_run == {
        "train/errnet2019",
        "export/errnet2019",
        "infer/errnet2019/skimage-test",
        "evaluate/errnet2019/skimage-test/standard",
    }
    assert plan["train/errnet2019"]["reasons"] == ["settings.recipe.weight_vgg: 0.1 -> 0.2"]


def wait_for_steps(process, steps):
    """Read the process's output until the training has made some steps."""
    for line in process.stdout:
        found = re.search(r"train/errnet2019: (\d+) of \d+ steps", line)
        if found and int(found[1]) >= steps:
            return
    raise AssertionError("the run ended before the training had begun")


@pytest.mark.docker
def test_killed_orchestrator_leaves_a_training_that_the_next_run_adopts(docker_program, small):
    program = docker_program
    spec = small(name="killed", steps=16)
    program("build", "errnet2019", "inference", "metrics", "--engine", program.engine)
    process = program.start("run", spec, "--engine", program.engine)
    try:
        wait_for_steps(process, 1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    program("run", spec, "--engine", program.engine)
    events = [event for event in program.events("killed") if event.get("stage") == "train/errnet2019"]
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states == ["running", "adopted", "done"]
    training = json.loads((program.output("killed", "train/errnet2019") / "train.json").read_text())
    assert training["steps"] == 16
    steps = [
        entry["step"]
        for entry in json.loads((program.output("killed", "train/errnet2019") / "curves.json").read_text())["steps"]
    ]
    assert steps == sorted(set(steps)), "one container's worth of work: no step twice"


@pytest.mark.docker
def test_interrupted_run_stops_soon_and_resumes_where_it_was(docker_program, small):
    program = docker_program
    spec = small(name="interrupted", steps=17)
    program("build", "errnet2019", "inference", "metrics", "--engine", program.engine)
    process = program.start("run", spec, "--engine", program.engine)
    wait_for_steps(process, 1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 12, said
    assert time.monotonic() - began < 60
    assert "stopped: train/errnet2019" in said
    assert "error" not in said
    program("run", spec, "--engine", program.engine)
    manifest = json.loads((program.output("interrupted", "train/errnet2019").parent / "manifest.json").read_text())
    assert manifest["facts"]["resumed"] is True
    training = json.loads((program.output("interrupted", "train/errnet2019") / "train.json").read_text())
    assert training["steps"] == 17


def test_results_belong_to_the_caller(local_program, small):
    program = local_program
    program("run", small(), "--build", "--engine", program.engine)
    owners = {os.stat(path).st_uid for path in (program.store / "artifacts").rglob("*")}
    assert owners == {os.getuid()}


@pytest.mark.docker
def test_both_engines_and_any_number_of_workers_give_the_same_bytes(docker_program, local_program):
    docker_program("run", QUICKSTART, "--build", "--engine", "docker")
    local_program("run", QUICKSTART, "--build", "--engine", "local", "--workers", "0")
    first, second = (program.contents("quickstart") for program in (docker_program, local_program))
    assert {stage for stage in first if stage.startswith("train/")} >= {f"train/{name}" for name in NETWORKS}
    assert first == second


def test_two_fresh_stores_hold_the_same_results_byte_by_byte(local_program, small, tmp_path_factory):
    programs = (local_program, fresh_local_program(tmp_path_factory))
    for program in programs:
        program("run", small(), "--build", "--engine", program.engine)
    first, second = (program.contents("small") for program in programs)
    assert {stage.split("/")[0] for stage in first} >= {"prepare", "train", "export", "infer", "evaluate"}
    assert first == second
