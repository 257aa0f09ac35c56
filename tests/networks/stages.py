"""Running an image's program as the orchestrator does: stage.json in, JSON lines and files out. Python 3.8."""

import dataclasses
import json
import os
import subprocess
import sys

from netkit.pictures import write_picture
from netkit.seeded import seeded_image
from stagekit import StageRequest
from stagekit.request import FOLDERS


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, and everything that it printed."""

    code: int
    log: str


def started_stage(module, folder, kind, settings, inputs, **request):
    """Start a stage whose output and work folders lie in `folder`, which may be left from an earlier start."""
    for name in FOLDERS:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    description = os.path.join(folder, "stage.json")
    fields = {"threads": 1, "workers": 0, **request}
    StageRequest.below(folder, "%s/%s" % (kind, module), kind, settings, inputs, **fields).save(description)
    return subprocess.Popen(
        [sys.executable, "-m", module, description],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def run_stage(module, folder, kind, settings, inputs, **request):
    """Run a stage to its end."""
    with started_stage(module, folder, kind, settings, inputs, **request) as process:
        log, _ = process.communicate()
    return Result(process.returncode, log)


def made_layers(folder, count=4):
    """Write prepared layers of different shapes."""
    items = []
    for number, (height, width) in enumerate(((40, 50), (60, 45), (36, 36), (35, 71))[:count]):
        name = "%d.png" % number
        os.makedirs(folder, exist_ok=True)
        write_picture(os.path.join(folder, name), seeded_image("layer%d" % number, height, width))
        items.append({"id": str(number), "transmission": name, "reflection": name, "height": height, "width": width})
    return _listed(folder, "layers", items)


def made_pairs(folder, height=50, width=41, other=None):
    """Write one prepared real pair; other: size of its transmission, where it differs."""
    for part, size in (("blended", (height, width)), ("transmission", other or (height, width))):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
        write_picture(os.path.join(folder, part, "a.png"), seeded_image(part, *size))
    item = {"id": "a", "blended": "blended/a.png", "transmission": "transmission/a.png"}
    return _listed(folder, "pairs", [{**item, "height": height, "width": width}])


def _listed(folder, role, items):
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as stream:
        json.dump({"name": role, "role": role, "items": items}, stream)
    return folder
