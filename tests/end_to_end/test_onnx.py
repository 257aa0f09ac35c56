"""ONNX files from outside in a comparison, through the commands alone: wrapped, scored, told, and taken up again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from PIL import Image

from tests.end_to_end.conftest import Program, fresh_local_program
from tests.netkit.onnx_files import convolution, half, halving, network, save, small, weights

pytestmark = [pytest.mark.environment, pytest.mark.slow]

SPEC = """\
name: theirs
models:
  - {onnx: nets/plain.onnx, name: plain, title: Of others, source: A program of this test}
  - {onnx: nets/blue-first.onnx, name: blue-first, range: [0, 255], channels: bgr}
  - {onnx: nets/halving.onnx, name: halving, multiple_of: 8}
  - {onnx: nets/rest.onnx, name: rest, range: [-1, 1], residual: true}
  - {onnx: nets/data.onnx, name: data}
  - {onnx: nets/half.onnx, name: half}
  - {onnx: nets/grey.onnx, name: grey, channels: each, further_channels: [0.25]}
  - {onnx: nets/odd.onnx, name: odd}
test: [skimage-test]
metrics: [psnr]
features: random
"""
MORE = "  - {onnx: nets/plain.onnx, name: more, range: [-1, 1]}\n"


def in_own_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network whose input and output are called as those of this project: nothing has to be declared."""
    own = {"x": "image", "y": "transmission"}
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [own.get(name, name) for name in names]
    model.graph.input[0].name, model.graph.output[0].name = "image", "transmission"
    return model


def write_networks(folder: Path) -> None:
    save(small(), folder / "plain.onnx")
    save(small(opset=9), folder / "data.onnx", "data.bin")
    save(half(), folder / "half.onnx")
    grey = network([convolution()], [weights("k", 1, 2, 3, 3)], takes=("x", 1, (1, 2, "h", "w")))
    save(grey, folder / "grey.onnx", "grey.data")
    save(halving(3), folder / "halving.onnx")
    save(halving(1), folder / "odd.onnx")
    save(in_own_names(halving(3)), folder / "own-names.onnx")
    factors = numpy_helper.from_array(np.float32([0.5, 1, 1]).reshape(1, 3, 1, 1), "factors")
    save(network([helper.make_node("Mul", ["x", "factors"], ["y"])], [factors]), folder / "blue-first.onnx")
    tenth = numpy_helper.from_array(np.float32(0.1), "tenth")
    nodes = [convolution("x", "c"), helper.make_node("Mul", ["c", "tenth"], ["y"])]
    save(network(nodes, [weights("k", 3, 3, 3, 3), tenth]), folder / "rest.onnx")


def answer(path: Path, values: np.ndarray) -> np.ndarray:
    """Return what a file answers to values of its own, float32, (H, W, 3)."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    kind = {"tensor(float16)": np.float16}.get(session.get_inputs()[0].type, np.float32)
    found = session.run(None, {"x": np.ascontiguousarray(values.transpose(2, 0, 1)[None]).astype(kind)})[0]
    return np.asarray(found[0].transpose(1, 2, 0), np.float32)


def by_hand(folder: Path, label: str, image: np.ndarray) -> np.ndarray:
    """Return what an entrant has to answer."""
    height, width = image.shape[:2]
    if label == "blue-first":
        return answer(folder / "blue-first.onnx", image[..., ::-1] * np.float32(255))[..., ::-1] / 255
    if label == "halving":
        padded = np.pad(image, ((0, -height % 8), (0, -width % 8), (0, 0)), mode="edge")
        return answer(folder / "halving.onnx", padded)[:height, :width]
    if label == "rest":
        values = image * 2 - 1
        return (values - answer(folder / "rest.onnx", values) + 1) / 2
    if label == "grey":
        quarter = np.full((height, width, 1), 0.25, np.float32)
        parts = [np.concatenate([image[..., [place]], quarter], axis=2) for place in range(3)]
        return np.concatenate([answer(folder / "grey.onnx", part) for part in parts], axis=2)
    return answer(folder / f"{label}.onnx", image)


def report(program: Program) -> Any:
    return json.loads((program.store / "runs" / "theirs" / "report" / "report.json").read_text(encoding="utf-8"))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def test_files_of_every_kind_are_wrapped_scored_and_told(tmp_path_factory, tmp_path):
    program = fresh_local_program(tmp_path_factory)
    write_networks(tmp_path / "nets")
    spec = tmp_path / "theirs.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    said = program("run", spec, "--engine", "local", "--build", code=10)
    assert "write 'multiple_of: 2'" in said

    document = json.loads((program.output("theirs", "prepare/skimage-test") / "dataset.json").read_text())
    prepared = program.output("theirs", "prepare/skimage-test")
    for label in ("plain", "blue-first", "halving", "rest", "data", "half", "grey"):
        answers = program.output("theirs", f"infer/{label}/skimage-test")
        for item in document["items"]:
            image = pixels(prepared / item["blended"]).astype(np.float32) / 255
            expected = np.rint(np.clip(by_hand(tmp_path / "nets", label, image), 0, 1) * 255).astype(int)
            found = pixels(answers / "transmission" / f"{item['id']}.png").astype(int)
            assert np.abs(found - expected).max() <= 1, (label, item["id"])

    found = report(program)
    models = {model["label"]: model for model in found["models"]}
    first = models["plain"]["weights"]
    assert (first["kind"], first["file"], first["source"]) == ("onnx", "plain.onnx", "A program of this test")
    assert models["plain"]["export"]["error"] < 1e-6
    assert set(models["data"]["weights"]["digests"]) == {"data.onnx", "data.bin"}
    assert "multiple_of: 2" in models["odd"]["weights"]["not_measured"]
    labels = {one["label"]: one["inference"].get("label") for one in found["results"] if one["inference"]}
    assert {labels[label] for label in ("plain", "blue-first", "halving", "rest", "data", "grey")} == {"exact"}
    page = (program.store / "runs" / "theirs" / "report" / "index.html").read_text(encoding="utf-8")
    assert "an ONNX file, blue-first.onnx" in page

    keys = {stage["name"]: stage["key"] for stage in found["stages"] if stage.get("key")}
    corrected = SPEC.replace("name: odd", "name: odd, multiple_of: 2").replace("test:", f"{MORE}test:")
    spec.write_text(corrected, encoding="utf-8")
    waiting = {name for name, row in program.plan(spec).items() if row["state"] != "stored"}
    assert {name.split("/")[1] for name in waiting - {"report"}} == {"odd", "more"}
    program("run", spec, "--engine", "local")
    assert {name: key for name, key in keys.items() if "/odd" not in name}.items() <= {
        stage["name"]: stage["key"] for stage in report(program)["stages"]
    }.items()

    photo = prepared / document["items"][0]["blended"]
    out = tmp_path / "out"
    program("remove", photo, "--model", "theirs/halving", "--out", out / "run", "--engine", "local")
    options = ("--multiple-of", "8", "--engine", "local")
    program("infer", photo, "--onnx", tmp_path / "nets" / "halving.onnx", *options, "--out", out / "file")
    said = program("infer", photo, "--onnx", tmp_path / "nets" / "halving.onnx", *options[2:], "--out", out / "found")
    assert "halving.onnx takes multiples of 8 pixels alone, so it is taken with --multiple-of 8" in said
    (by_run,), (by_file,), (found_out,) = (sorted((out / name).glob("*.png")) for name in ("run", "file", "found"))
    assert np.array_equal(pixels(by_run), pixels(by_file))
    assert np.array_equal(pixels(by_run), pixels(found_out))
    said = program("infer", "--check", tmp_path / "nets" / "own-names.onnx", "--engine", "local")
    assert "it takes multiples of 8 pixels: the last row and column" in said
    said = program("infer", "--check", tmp_path / "nets" / "data.onnx", "--engine", "local")
    assert "every node is exact" in said
    said = program("infer", "--check", tmp_path / "nets" / "grey.onnx", "--engine", "local", code=2)
    assert "--channels each" in said
    grey = ("--channels", "each", "--further-channels", "0.25", "--engine", "local")
    assert "every node is exact" in program("infer", "--check", tmp_path / "nets" / "grey.onnx", *grey)
    program("infer", photo, "--onnx", tmp_path / "nets" / "grey.onnx", *grey, "--out", out / "grey")
    program("remove", photo, "--model", "theirs/grey", "--out", out / "grey-run", "--engine", "local")
    (by_file,), (by_run,) = (sorted((out / name).glob("*.png")) for name in ("grey", "grey-run"))
    assert np.array_equal(pixels(by_run), pixels(by_file))
    program("export", "theirs/halving", "--out", out / "export", "--engine", "local")
    assert {path.name for path in (out / "export").iterdir()} == {"network.onnx", "wrap.json"}
    assert "has no weights that an author's program reads" in program(
        "release", "theirs/halving", "--out", out / "released", "--engine", "local", code=2
    )
