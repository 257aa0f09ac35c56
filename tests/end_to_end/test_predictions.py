"""Pictures of another program in a comparison, through the commands alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.conftest import Program, fresh_local_program

pytestmark = [pytest.mark.environment, pytest.mark.slow]

SPEC = """\
name: others
models:
  - {predictions: halfway, name: halfway, title: Half of the way, source: A program of this test}
test: [skimage-test]
metrics: [psnr]
protocols: [standard, errnet2019]
features: random
"""
LAZY = "  - {predictions: lazy, name: lazy}\n"


def prepared(program: Program) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return input and truth of every picture of the prepared dataset, by its id."""
    (document,) = program.store.glob("artifacts/*/*/output/dataset.json")
    items = json.loads(document.read_text(encoding="utf-8"))["items"]

    def pixels(name: str) -> np.ndarray:
        with Image.open(document.parent / name) as picture:
            return np.array(picture)

    return {item["id"]: (pixels(item["blended"]), pixels(item["transmission"])) for item in items}


def write(folder: Path, name: str, pixels: np.ndarray) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / name)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((first.astype(float) - second) ** 2)))


def test_pictures_of_another_program_are_matched_scored_and_labelled(tmp_path_factory, tmp_path):
    program = fresh_local_program(tmp_path_factory)
    spec = tmp_path / "others.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    (tmp_path / "halfway").mkdir()
    said = program("data", "match", spec, "--engine", "local", "--build", code=13)
    assert "halfway on skimage-test: nothing can be taken" in said
    assert "there are no pictures among the predictions" in said

    pictures = prepared(program)
    answers = {name: ((b.astype(int) + t) // 2).astype(np.uint8) for name, (b, t) in pictures.items()}
    for name, (blended, _truth) in pictures.items():
        write(tmp_path / "halfway", f"{name}/t_output.png", answers[name])
        write(tmp_path / "halfway", f"{name}/input.png", blended)
    matched = program("data", "match", spec, "--engine", "local")
    assert f"{len(pictures)} of {len(pictures)} pictures have an answer" in matched
    assert "files whose names have 't_output' behind the picture's" in matched

    program("run", spec, "--engine", "local")
    report = json.loads((program.store / "runs" / "others" / "report" / "report.json").read_text(encoding="utf-8"))
    (model,) = report["models"]
    assert model["weights"] == {"kind": "elsewhere", "files": "halfway", "source": "A program of this test"}
    assert model["export"] is None
    (result,) = [result for result in report["results"] if result["label"] == "halfway"]
    assert {answer["seconds"] for answer in result["inference"]["pictures"]} == {None}
    standard, errnet = result["scores"]
    for scores in standard["pictures"]:
        expected = psnr(answers[scores["id"]], pictures[scores["id"]][1])
        assert scores["values"]["psnr"] == pytest.approx(expected, abs=1e-6)
    assert all(isinstance(scores["values"]["psnr"], float) for scores in errnet["pictures"])
    page = (program.store / "runs" / "others" / "report" / "index.html").read_text(encoding="utf-8")
    assert "computed elsewhere" in page

    keys = {stage["name"]: stage["key"] for stage in report["stages"] if stage.get("key")}
    first, *others = pictures
    for name in others:
        write(tmp_path / "lazy", f"{name}_fake_B.png", pictures[name][0])
    spec.write_text(SPEC.replace("test:", f"{LAZY}test:"), encoding="utf-8")
    program("run", spec, "--engine", "local")
    report = json.loads((program.store / "runs" / "others" / "report" / "report.json").read_text(encoding="utf-8"))
    assert keys.items() <= {stage["name"]: stage["key"] for stage in report["stages"]}.items()
    assert any(
        f"{len(others)} of {len(others)} answers identical to the unchanged input" in text
        for text in report["warnings"]
    )
    (lazy,) = [result for result in report["results"] if result["label"] == "lazy"]
    unanswered = {scores["id"]: scores["values"]["psnr"] for scores in lazy["scores"][0]["pictures"]}[first]
    assert unanswered == {"not_measured": "the picture has no file among the predictions"}
