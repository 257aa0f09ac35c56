"""Plug-in folders for tests: a program, a network and a metric that need no package, a dataset, published numbers."""

from pathlib import Path

IMAGE = """\
name: dimmer
title: Python alone, for a program that dims
python: "3.11"
module: dimmer
code: [stagekit, dimmer]
kinds: [predict]
behaviours: {predict: 1}
variants:
  cpu:
    base: python:3.11-slim-bookworm
    requirements: requirements.cpu.txt
"""

DOCKERFILE = """\
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONNOUSERSITE=1 PYTHONPATH=/opt/sirr/code
COPY smoke.py /opt/sirr/
COPY code /opt/sirr/code
RUN python3 /opt/sirr/smoke.py
USER 65534:65534
ENTRYPOINT ["python3", "-m", "dimmer"]
"""

PROGRAM = '''\
"""The program of the image: `python -m dimmer stage.json`. It makes pictures darker."""

import struct
import sys
import zlib

from stagekit import run_program
from stagekit.results.apart import save_apart
from stagekit.results.dataset import DatasetFile
from stagekit.results.predictions import PredictionItem, PredictionsFile


def predict(context):
    dataset = DatasetFile.load(context.input("dataset"))
    factor = context.setting("parameters")["factor"]
    items = []
    for done, item in enumerate(dataset.items, 1):
        name = "transmission/%s.png" % item.id
        rows = [bytes(int(value * factor) for value in row) for row in read(context.input("dataset", item.blended))]
        write(context.output(name), rows, item.width)
        low, high = min(map(min, rows)) / 255, max(map(max, rows)) / 255
        items.append(PredictionItem(item.id, name, item.height, item.width, low, high, seconds=0.1, peak_bytes=1))
        context.progress(done, len(dataset.items), "pictures")
    save_apart(
        PredictionsFile(
            model=context.setting("model"),
            dataset=dataset.name,
            mode="whole",
            label="exact",
            items=tuple(items),
            runtime={"device": "cpu"},
        ),
        context.output(),
        context.facts(),
    )


def read(path):
    """Return the rows of a PNG file of 8 bits and three channels."""
    with open(path, "rb") as stream:
        content = stream.read()
    place, packed = 8, b""
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, _, depth, colours = struct.unpack(">IIBB", body[:10])
            assert (depth, colours) == (8, 2), (depth, colours)
        packed += body if kind == b"IDAT" else b""
        place += 12 + length
    lines, stride, rows = zlib.decompress(packed), 3 * width, []
    before = bytes(stride)
    for start in range(0, len(lines), stride + 1):
        way, row = lines[start], bytearray(lines[start + 1 : start + 1 + stride])
        for index in range(stride):
            left = row[index - 3] if index > 2 else 0
            corner = before[index - 3] if index > 2 else 0
            row[index] = (row[index] + guess(way, left, before[index], corner)) % 256
        before = bytes(row)
        rows.append(before)
    return rows


def guess(way, left, above, corner):
    nearest = min((left, above, corner), key=lambda value: abs(left + above - corner - value))
    return (0, left, above, (left + above) // 2, nearest)[way]


def write(path, rows, width):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\\0" + row for row in rows))
    with open(path, "wb") as stream:
        stream.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b""))


if __name__ == "__main__":
    sys.exit(run_program({"predict": predict}))
'''

SPEC = """\
name: dim2026
title: Dimming
paper: {title: On dimming, authors: Nobody, venue: none, program: none}
image: dimmer
parameters:
  factor: {default: 0.9, least: 0, most: 1, meaning: What each value is multiplied with.}
"""

DATASET = """\
name: small-scenes
dataset:
  kind: scenes
  title: Two small scenes
  blend: zhang
  transmissions:
    - {picture: coffee.png, top: 0, left: 0, height: 40, width: 56}
    - {picture: coffee.png, top: 100, left: 100, height: 40, width: 56}
  reflections:
    - {picture: astronaut.png, top: 0, left: 0, height: 40, width: 56}
"""

MODEL = """\
name: small2026
title: A small network
paper: {title: On smallness, authors: Nobody, venue: none, program: none}
image: small
features: [first.pth, second.pth]
export_tolerance: 1.0e-4
recipe_schema: small2026.schema.json
shaped_by: [blocks]
recipe: {epochs: 2, blocks: 3, rate: 1, crop: [32, 64]}
"""

SCHEMA = """\
{
  "title": "The recipe of a small network",
  "type": "object",
  "properties": {
    "epochs": {"type": "integer", "minimum": 1, "maximum": 1000},
    "blocks": {"type": "integer", "minimum": 1, "maximum": 50},
    "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    "crop": {"type": "array", "items": {"$ref": "#/$defs/side"}, "minItems": 2, "maxItems": 2},
    "start": {"enum": ["zeros", "kaiming"], "default": "kaiming"}
  },
  "required": ["epochs", "blocks", "rate", "crop"],
  "additionalProperties": false,
  "x-order": [{"lower": "crop/0", "upper": "crop/1", "words": "crop goes from small to large, not {crop}"}],
  "$defs": {"side": {"type": "integer", "minimum": 8, "maximum": 512, "multipleOf": 8}}
}
"""

TABLE = """\
name: nobody2026
title: Nobody 2026, table 1
kind: paper
source: a test
evidence: paper
rows:
  - {network: dim2026, dataset: small-scenes, psnr: 12.25}
"""


METRIC = """\
name: farthest
title: Farthest
unit: levels
decimals: 1
better: lower
identical: 0
least: 0
most: 255
definition: the largest difference of two values, in levels of 8 bits
source: a test
image: meter
"""

PROTOCOL = """\
name: mine2026
version: 1
title: What nobody prints
metrics: [errnet2019.ssim, farthest]
source: a test
"""

METER = '''\
"""The program of the image: `python -m meter stage.json`. It looks for the largest difference."""

import struct
import sys
import zlib

from stagekit import run_program
from stagekit.measuring import measuring


def farthest(picture):
    rows = zip(read(picture.prediction), read(picture.truth))
    return max(abs(one - other) for first, second in rows for one, other in zip(first, second))


'''


def write_metric(folder: Path, program: str = "") -> Path:
    """Write a plug-in with the metric farthest, its image meter, and a protocol of it.

    Args:
        program: Of the image, in place of one that computes it.
    """
    image = folder / "images" / "meter"
    described = IMAGE.replace("dimmer", "meter").replace("predict", "measure").replace("program that dims", "metric")
    reading = PROGRAM[PROGRAM.index("def read(path)") : PROGRAM.index("def write(path")]
    ending = 'if __name__ == "__main__":\n    sys.exit(run_program({"measure": measuring(farthest)}))\n'
    _write(
        {
            image / "image.yaml": described,
            image / "Dockerfile": DOCKERFILE.replace("dimmer", "meter"),
            image / "smoke.py": "import meter.__main__\n",
            image / "requirements.cpu.txt": "# no package\n",
            image / "meter" / "__init__.py": "",
            image / "meter" / "__main__.py": program or METER + reading + ending,
            folder / "metric_specs" / "farthest.yaml": METRIC,
            folder / "protocol_specs" / "mine2026.yaml": PROTOCOL,
        }
    )
    return folder


NETWORK = """\
name: shade2026
title: Shading
paper: {title: On shades, authors: Nobody, venue: none, program: none}
image: shader
export_tolerance: 1.0e-4
recipe_schema: shade2026.schema.json
shaped_by: [shade]
recipe: {epochs: 1, shade: 0.8}
"""

SHADES = """\
{
  "title": "The recipe of a shade",
  "type": "object",
  "properties": {
    "epochs": {"type": "integer", "minimum": 1, "maximum": 9},
    "shade": {"type": "number", "minimum": 0, "maximum": 1}
  },
  "required": ["epochs", "shade"],
  "additionalProperties": false
}
"""

SHADER = '''\
"""The program of the image: `python -m shader stage.json`. Its network multiplies, and learns nothing."""

import json
import struct
import sys

from stagekit import run_program

NETWORK = bytes.fromhex("@NETWORK@")
MARK = struct.pack("<f", 0.5)


def write(path, document):
    with open(path, "w") as stream:
        json.dump(document, stream)


def train(context):
    recipe = context.setting("recipe")
    write(context.output("weights.json"), {"shade": recipe["shade"]})
    step = {"step": 1, "epoch": 0, "losses": {"none": 0.0}, "rate": 0.0, "seconds": 0.0}
    write(context.output("curves.json"), {"steps": [step]})
    counts = {"steps": 1, "epochs": 1, "samples": 1, "seconds": 0.0, "parameters": 1}
    write(context.output("train.json"), {**counts, "features": context.setting("features")})


def export(context):
    with open(context.input("weights", "weights.json")) as stream:
        shade = json.load(stream)["shade"]
    assert NETWORK.count(MARK) == 1
    with open(context.output("network.onnx"), "wb") as stream:
        stream.write(NETWORK.replace(MARK, struct.pack("<f", shade)))
    check = {"height": 8, "width": 9, "output": "transmission", "error": 0.0}
    facts = {"inputs": ["image"], "outputs": ["transmission"], "opset": 13, "tolerance": context.setting("tolerance")}
    write(context.output("export.json"), {**facts, "checks": [check], "native": "a product"})


if __name__ == "__main__":
    sys.exit(run_program({"train": train, "export": export}))
'''


def shading_network() -> bytes:
    """Return an ONNX network that halves a picture."""
    import onnx

    names = ("image", "transmission")
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, "h", "w"]) for name in names]
    shade = onnx.helper.make_tensor("shade", onnx.TensorProto.FLOAT, [1], [0.5])
    node = onnx.helper.make_node("Mul", ["image", "shade"], ["transmission"])
    graph = onnx.helper.make_graph([node], "shading", ends[:1], ends[1:], [shade])
    opsets = [onnx.helper.make_opsetid("", 13)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def write_network(folder: Path) -> Path:
    """Write a plug-in with the network shade2026 and its image shader, which trains and exports without a framework."""
    image = folder / "images" / "shader"
    kinds = "kinds: [train, export]\nbehaviours: {train: 1, export: 1}"
    described = IMAGE.replace("dimmer", "shader").replace("kinds: [predict]\nbehaviours: {predict: 1}", kinds)
    _write(
        {
            image / "image.yaml": described,
            image / "Dockerfile": DOCKERFILE.replace("dimmer", "shader"),
            image / "smoke.py": "import shader.__main__\n",
            image / "requirements.cpu.txt": "# no package\n",
            image / "shader" / "__init__.py": "",
            image / "shader" / "__main__.py": SHADER.replace("@NETWORK@", shading_network().hex()),
            folder / "model_specs" / "shade2026.yaml": NETWORK,
            folder / "model_specs" / "shade2026.schema.json": SHADES,
        }
    )
    return folder


def write_plugin(folder: Path) -> Path:
    """Write a plug-in with the program dim2026, its image dimmer, the dataset small-scenes and a published table."""
    image = folder / "images" / "dimmer"
    files = {
        image / "image.yaml": IMAGE,
        image / "Dockerfile": DOCKERFILE,
        image / "smoke.py": "import dimmer.__main__\n",
        image / "requirements.cpu.txt": "# no package\n",
        image / "dimmer" / "__init__.py": "",
        image / "dimmer" / "__main__.py": PROGRAM,
        folder / "program_specs" / "dim2026.yaml": SPEC,
        folder / "data" / "small-scenes.yaml": DATASET,
        folder / "data" / "published" / "nobody2026.yaml": TABLE,
    }
    _write(files)
    return folder


def write_model(folder: Path) -> Path:
    """Write a plug-in with the model small2026; its image holds no program that could train it."""
    image = folder / "images" / "small"
    kinds = "kinds: [train, adopt, export, release]\nbehaviours: {train: 1, adopt: 1, export: 1, release: 1}"
    text = IMAGE.replace("dimmer", "small").replace("kinds: [predict]\nbehaviours: {predict: 1}", kinds)
    files = {
        image / "image.yaml": text,
        image / "Dockerfile": DOCKERFILE.replace("dimmer", "small"),
        image / "smoke.py": "",
        image / "requirements.cpu.txt": "# no package\n",
        image / "small" / "__init__.py": "",
        image / "small" / "__main__.py": "",
        folder / "model_specs" / "small2026.yaml": MODEL,
        folder / "model_specs" / "small2026.schema.json": SCHEMA,
    }
    _write(files)
    return folder


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
