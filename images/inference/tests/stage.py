"""Running the image's program as the orchestrator does, on small networks and datasets made here."""

import dataclasses
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from stagekit import decode
from stagekit.messages import Failure, Progress
from stagekit.results.apart import load_whole
from stagekit.results.predictions import PredictionsFile
from tests.networks import stages

WHOLE = {"mode": "whole"}
TILES = {"mode": "tiles", "tile": 64, "overlap": 16}

KEEP = (helper.make_node("Identity", ["image"], ["transmission"]),)
"""The picture itself is the answer."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, what it printed, and its output folder."""

    code: int
    log: str
    output: Path

    @property
    def failure(self) -> Failure:
        """The failure that it explained."""
        return next(message for message in map(decode, self.log.splitlines()) if isinstance(message, Failure))

    @property
    def progress(self) -> list[Progress]:
        """How far it said that it was."""
        return [message for message in map(decode, self.log.splitlines()) if isinstance(message, Progress)]

    @property
    def predictions(self) -> dict[str, Any]:
        """The content of ``predictions.json``, with the facts beside it."""
        return load_whole(PredictionsFile, self.output, self.output.parent / "facts").document()

    def pixels(self, name: str) -> np.ndarray:
        """One of the written pictures, which is an 8-bit RGB PNG."""
        with Image.open(self.output / name) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB"), picture
            return np.array(picture)


def picture(height: int, width: int) -> np.ndarray:
    """Return a picture whose channels and corners differ: uint8, (H, W, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 3 % 256, columns * 5 % 256, (rows + columns) % 256], axis=-1).astype(np.uint8)


def write_network(folder: Path, nodes: Any = KEEP, outputs: tuple[str, ...] = ("transmission",)) -> Path:
    """Write nodes between `image` and the outputs as an export's folder, and return it."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, "height", "width"))],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None) for output in outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "network.onnx"))
    return folder


def write_dataset(folder: Path, pictures: dict[str, np.ndarray], **options: Any) -> Path:
    """Write a prepared dataset of photographs, and return its folder.

    Args:
        options: Of the PNG files.
    """
    (folder / "blended").mkdir(parents=True)
    items = []
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(folder / "blended" / f"{name}.png", **options)
        size = {"height": pixels.shape[0], "width": pixels.shape[1]}
        items.append({"id": name, "blended": f"blended/{name}.png", "origin": f"{name}.jpg", "notes": [], **size})
    document = {"name": "small", "title": "Small", "role": "photos", "items": items, "warnings": []}
    (folder / "dataset.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def prepare_photos(folder: Path, source: Path, **request: Any) -> Result:
    """Run the stage that prepares a folder of photographs, to its end."""
    described = {"name": "mine", "title": "Mine", "dataset": {"kind": "photos", "pictures": "*.*"}}
    settings = {**described, **request.pop("settings", {})}
    process = _program(folder, "prepare", settings, {"source": os.fspath(source)}, request)
    log, _ = process.communicate(timeout=300)
    return Result(process.returncode, log, folder / "output")


def wrap_network(folder: Path, settings: dict[str, Any], inputs: dict[str, Path]) -> Result:
    """Run the stage that wraps an ONNX file, to its end."""
    process = _program(folder, "wrap", settings, {name: os.fspath(path) for name, path in inputs.items()}, {})
    log, _ = process.communicate(timeout=300)
    return Result(process.returncode, log, folder / "output")


def finish_photos(folder: Path, dataset: Path, predictions: Path) -> Result:
    """Run the stage that finishes a program's answers to photographs, to its end."""
    inputs = {"dataset": os.fspath(dataset), "predictions": os.fspath(predictions)}
    process = _program(folder, "finish", {"model": "simple"}, inputs, {})
    log, _ = process.communicate(timeout=300)
    return Result(process.returncode, log, folder / "output")


def run_stage(folder: Path, network: Path, dataset: Path, inference: Any = None, **request: Any) -> Result:
    """Run the stage to its end in a folder, which may be left from an earlier start."""
    process = _started(folder, network, dataset, inference or WHOLE, request)
    log, _ = process.communicate(timeout=300)
    return Result(process.returncode, log, folder / "output")


def stop_stage(
    folder: Path, network: Path, dataset: Path, inference: Any, number: int, share: float = 0, **request: Any
) -> Result:
    """Run the stage and send it a signal at its first progress, or when a share of its work is done."""
    process = _started(folder, network, dataset, inference, request)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        message = decode(line)
        if isinstance(message, Progress) and message.done >= share * message.total:
            process.send_signal(number)
            break
    log, _ = process.communicate(timeout=300)
    return Result(process.returncode, "".join(lines) + log, folder / "output")


def _started(
    folder: Path, network: Path, dataset: Path, inference: Any, request: dict[str, Any]
) -> "subprocess.Popen[str]":
    inputs = {"network": os.fspath(network), "dataset": os.fspath(dataset)}
    settings = {"model": "small", "inference": inference, **request.pop("settings", {})}
    return _program(folder, "infer", settings, inputs, request)


def _program(
    folder: Path, kind: str, settings: dict[str, Any], inputs: dict[str, str], request: dict[str, Any]
) -> "subprocess.Popen[str]":
    return stages.started_stage("inference_program", os.fspath(folder), kind, settings, inputs, **request)
