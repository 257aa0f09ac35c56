"""An authors' repository in a comparison, as it is: it is run, and what it writes is matched, scored and explained."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.conftest import Program, fresh_local_program

SCRIPT = '''\
"""As published programs are: a folder of results of its own, several layers, and words on the way."""
import argparse
import os
import cv2
parser = argparse.ArgumentParser()
parser.add_argument("--dataroot")
parser.add_argument("--name", default="theirs")
parser.add_argument("--load", default="checkpoints/dimmer.txt")
opt = parser.parse_args()
print(opt)
print('{"sirr": "failure", "failure_class": "StageFailed", "message": "pretended"}')
with open(opt.load) as stream:
    factor = float(stream.read())
with open("checkpoints/opened.txt", "w") as stream:
    stream.write("a program that writes into its own folder")
os.makedirs(os.path.join("results", opt.name), exist_ok=True)
for number, file in enumerate(sorted(os.listdir(opt.dataroot))):
    picture = cv2.imread(os.path.join(opt.dataroot, file))
    stem = os.path.join("results", opt.name, os.path.splitext(file)[0])
    cv2.imwrite(stem + "_input.png", picture)
    if number:
        cv2.imwrite(stem + "_fake_B.png", (picture * factor).astype("uint8"))
    print("processing", file)
cv2.imwrite(os.path.join("results", opt.name, "montage.png"), picture[:8, :8])
'''
SPEC = """\
name: theirs
models:
  - name: theirs
    title: Their program
    origin: A program of this test
    program: {{image: yang2019, source: clone, command: {command}}}
  - {{program: yang2019}}
test: [skimage-test]
metrics: [psnr]
features: random
"""
COMMAND = "python test.py --dataroot {input} --name theirs"


def write_clone(folder: Path) -> None:
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "dimmer.txt").write_text("0.75\n", encoding="utf-8")
    (folder / "old.png").write_bytes(b"a picture that was there before")
    (folder / "test.py").write_text(SCRIPT, encoding="utf-8")


def written(tmp_path: Path, command: str = COMMAND) -> Path:
    spec = tmp_path / "theirs.yaml"
    spec.write_text(SPEC.format(command=json.dumps(command)), encoding="utf-8")
    return spec


def told(program: Program) -> dict[str, object]:
    path = program.store / "runs" / "theirs" / "report" / "report.json"
    found: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return found


def answers_are_right(program: Program) -> None:
    prepared = program.output("theirs", "prepare/skimage-test")
    items = json.loads((prepared / "dataset.json").read_text(encoding="utf-8"))["items"]
    taken = program.output("theirs", "collect/theirs/skimage-test")
    document = json.loads((taken / "predictions.json").read_text(encoding="utf-8"))
    assert [one["id"] for one in document["items"]] == [one["id"] for one in items[1:]]
    assert document["failed"] == [{"name": items[0]["id"], "reason": "has no file among the predictions"}]
    assert any("montage.png" in words for words in document["warnings"])
    for item, one in zip(items[1:], document["items"], strict=True):
        with Image.open(prepared / item["blended"]) as picture, Image.open(taken / one["transmission"]) as answer:
            expected = np.array(picture)[..., ::-1] * 0.75
            np.testing.assert_array_equal(np.array(answer), expected.astype("uint8")[..., ::-1])


@pytest.mark.environment
@pytest.mark.slow
def test_a_clone_is_run_matched_and_scored(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    program = fresh_local_program(tmp_path_factory)
    write_clone(tmp_path / "clone")
    spec = written(tmp_path)
    program("run", spec, "--engine", "local", "--build")
    answers_are_right(program)
    assert sorted(path.name for path in (tmp_path / "clone" / "checkpoints").iterdir()) == ["dimmer.txt"]
    assert not (tmp_path / "clone" / "results").exists()
    log = (program.store / "runs" / "theirs" / "logs" / "command_theirs_skimage-test.log").read_text(encoding="utf-8")
    assert '| {"sirr": "failure"' in log
    model = next(one for one in told(program)["models"] if one["label"] == "theirs")
    assert (model["weights"]["kind"], model["weights"]["command"]) == ("authors", COMMAND)
    page = (program.store / "runs" / "theirs" / "report" / "index.html").read_text(encoding="utf-8")
    assert "the authors&#39; program" in page
    assert "computed elsewhere" not in page

    plan = program.plan(spec)
    assert {row["state"] for row in plan.values()} <= {"stored", "done"}, plan
    (tmp_path / "clone" / ".git" / "HEAD").write_text("ref: refs/heads/other\n", encoding="utf-8")
    (tmp_path / "clone").rename(tmp_path / "moved")
    spec.write_text(spec.read_text(encoding="utf-8").replace("source: clone", "source: moved"), encoding="utf-8")
    assert {row["state"] for row in program.plan(spec).values()} <= {"stored", "done"}
    (tmp_path / "moved" / "checkpoints" / "dimmer.txt").write_text("0.5\n", encoding="utf-8")
    again = {name for name, row in program.plan(spec).items() if row["state"] not in {"stored", "done"}}
    assert "command/theirs/skimage-test" in again
    assert not any("yang2019" in name for name in again)

    (tmp_path / "moved" / "test.py").write_text("import sys; print('no weights here'); sys.exit(3)\n", encoding="utf-8")
    said = program("run", spec, "--engine", "local", code=1)
    assert "the authors' program ended with status 3; the last that it printed: no weights here" in " ".join(
        said.split()
    )
    rows = {one["label"]: one for one in told(program)["results"]}
    assert isinstance(rows["yang2019"]["scores"][0]["pictures"][0]["values"]["psnr"], float)
    assert "not_measured" in rows["theirs"]["scores"][0]


@pytest.mark.docker
@pytest.mark.slow
def test_a_clone_is_run_with_docker(
    docker_client: object, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    program = Program(tmp_path_factory.mktemp("docker") / "store", "docker")
    write_clone(tmp_path / "clone")
    (tmp_path / "factor").write_text("0.75", encoding="utf-8")
    spec = written(tmp_path, "python test.py --dataroot {input} --load {weights}")
    text = spec.read_text(encoding="utf-8").replace("source: clone,", "source: clone, weights: factor,")
    spec.write_text(text.replace("  - {program: yang2019}\n", ""), encoding="utf-8")
    program("run", spec, "--engine", "docker", "--build")
    answers_are_right(program)
    assert not (tmp_path / "clone" / "results").exists()
