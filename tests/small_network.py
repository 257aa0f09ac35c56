"""A network for tests whose program needs no package: it trains, is adopted and exported, and runs in a second."""

import base64
from pathlib import Path

from onnx import TensorProto, helper

from tests.plugin_folder import write_model

PROGRAM = """\
import base64
import json
import math
import os
import struct
import sys
import time

from stagekit import BadInput, run_program, write_atomically
from stagekit.results.adopt import AdoptFile
from stagekit.results.apart import save_apart
from stagekit.results.curves import CurvePoint, CurvesFile
from stagekit.results.export import ExportCheck, ExportFile
from stagekit.results.release import ReleaseFile
from stagekit.results.train import TrainFile

FILE = "weights.safetensors"
ONNX = "@ONNX@"


def train(context):
    recipe = context.setting("recipe")
    saved = context.work("saved.json")
    epoch, weight, pace = 0, 0.0, 1.0
    if os.path.isfile(saved):
        with open(saved) as stream:
            epoch, weight, pace = json.load(stream)
    while epoch < recipe["epochs"]:
        weight, pace, epoch = weight + pace, 0.9 * pace, epoch + 1
        time.sleep(recipe["rate"])
        with write_atomically(saved, "w") as stream:
            json.dump([epoch, weight, pace], stream)
        context.progress(epoch, recipe["epochs"], "steps")
        context.checkpoint("saved.json", epoch)
    write(context.output(FILE), weight)
    points = (CurvePoint(epoch, epoch - 1, {"pixel": weight}, 0.1),)
    for result in (CurvesFile(points), TrainFile(epoch, epoch, epoch, context.setting("features"), 1)):
        save_apart(result, context.output(), context.facts())


def adopt(context):
    folder = context.input("checkpoint")
    write(context.output(FILE), read(os.path.join(folder, FILE)))
    AdoptFile("own", 1, 1).save(context.output())


def release(context):
    write(context.output(FILE), read(context.input("weights", FILE)))
    ReleaseFile((FILE,)).save(context.output())


def export(context):
    read(context.input("weights", FILE))
    with write_atomically(context.output("network.onnx")) as stream:
        stream.write(base64.b64decode(ONNX))
    checks = (ExportCheck(37, 53, "transmission", 0.0),)
    found = ExportFile(("image",), ("transmission",), 16, context.setting("tolerance"), checks)
    save_apart(found, context.output(), context.facts())


def write(path, weight):
    header = json.dumps({"weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    with write_atomically(path) as stream:
        stream.write(struct.pack("<Q", len(header)) + header + struct.pack("<f", weight))


def read(path):
    try:
        with open(path, "rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(length))
            (weight,) = struct.unpack("<f", stream.read(4))
    except (OSError, ValueError, struct.error):
        raise BadInput("the weights cannot be read", "give another file") from None
    if list(header) != ["weight"] or not math.isfinite(weight):
        raise BadInput("the weights are not this network's", "give others")
    return weight


if __name__ == "__main__":
    sys.exit(run_program({"train": train, "adopt": adopt, "export": export, "release": release}))
"""


def write_small_network(folder: Path, trial: str = "{epochs: 20, rate: 0.05}") -> Path:
    """Write a plug-in with the model small2026 and the program that its image needs; return the folder."""
    write_model(folder)
    program = folder / "images" / "small" / "small" / "__main__.py"
    program.write_text(PROGRAM.replace("@ONNX@", base64.b64encode(_identity()).decode()), encoding="utf-8")
    spec = folder / "model_specs" / "small2026.yaml"
    text = spec.read_text(encoding="utf-8").replace("features: [first.pth, second.pth]\n", "")
    spec.write_text(f"{text}trial: {trial}\n", encoding="utf-8")
    return folder


def _identity() -> bytes:
    """Return a network that answers with its picture."""
    sides = (1, 3, "height", "width")
    image, answer = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name in ("image", "transmission")
    )
    nodes = [helper.make_node("Relu", ["image"], ["transmission"])]
    graph = helper.make_graph(nodes, "identity", [image], [answer])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8).SerializeToString()
