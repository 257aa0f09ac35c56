"""Running an image's program as the orchestrator does: stage.json in, JSON lines and files out. Python 3.8."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time

from netkit.pictures import write_picture
from netkit.seeded import seeded_image
from stagekit import StageRequest
from stagekit.request import FOLDERS

ELSEWHERE = {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LANG": "C"}
"""What is other there."""


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, and everything that it printed."""

    code: int
    log: str


def started_stage(module, folder, kind, settings, inputs, elsewhere=False, **request):
    """Start a stage whose output and work folders lie in `folder`, which may be left from an earlier start.

    elsewhere: from another folder, with other hashes of texts and in another time zone
    """
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
        **({"cwd": folder, "env": {**os.environ, **ELSEWHERE}} if elsewhere else {}),
    )


def results(folder):
    """Return the SHA-256 of every file of a stage's output, by its name."""
    found = {}
    output = os.path.join(folder, "output")
    for root, _folders, files in os.walk(output):
        for file in files:
            path = os.path.join(root, file)
            with open(path, "rb") as stream:
                found[os.path.relpath(path, output)] = hashlib.sha256(stream.read()).hexdigest()
    return found


def assert_repeats(module, folder, kind, settings, inputs, **request):
    """A stage leaves the same bytes in two folders, a moment apart and in other surroundings; return its results."""
    found = []
    for place, elsewhere in (("one", False), ("two/and/deeper", True)):
        if found:
            time.sleep(2.1)
        path = os.path.join(folder, place)
        result = run_stage(module, path, kind, settings, inputs, elsewhere=elsewhere, **request)
        assert result.code == 0, result.log
        found.append(results(path))
    assert found[0]
    assert found[0] == found[1]
    return found[0]


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
