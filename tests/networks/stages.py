"""Running an image's program as the orchestrator does: stage.json in, JSON lines and files out. Python 3.8."""

import dataclasses
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import time

from stagekit import StageRequest
from stagekit.request import FOLDERS

ELSEWHERE = {"PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LANG": "C"}
"""What is other there."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass(frozen=True)
class Result:
    """How a stage ended: exit code, and everything that it printed."""

    code: int
    log: str


def started_stage(module, folder, kind, settings, inputs, elsewhere=False, narrow=False, **request):
    """Start a stage whose output and work folders lie in `folder`, which may be left from an earlier start.

    elsewhere: from another folder, with other hashes of texts and in another time zone; narrow: on one processor
    """
    for name in FOLDERS:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    description = os.path.join(folder, "stage.json")
    fields = {"threads": 1, "workers": 0, **request}
    StageRequest.below(folder, "%s/%s" % (kind, module), kind, settings, inputs, **fields).save(description)
    # As every engine has it, see orchestrator/engine/program.py.
    given = dict.fromkeys(THREADS, str(fields["threads"]))
    threads = {} if fields["threads"] is None else {**given, "OMP_DYNAMIC": "FALSE", "MKL_DYNAMIC": "FALSE"}
    threads["MKL_CBWR"] = "AUTO"
    first = "%d" % min(os.sched_getaffinity(0))
    return subprocess.Popen(
        [*(["taskset", "--cpu-list", first] if narrow else []), sys.executable, "-m", module, description],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        cwd=folder if elsewhere else None,
        env={**os.environ, **threads, **(ELSEWHERE if elsewhere else {})},
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
    """A stage leaves the same bytes in two folders, a moment apart and in other surroundings; return its results.

    Also with more threads, unless its image declares that its bits depend on them.
    """
    found = []
    numbers = (1, 1) if kind in pinned_threads(module) else (1, 3)
    for place, elsewhere, threads in (("one", False, numbers[0]), ("two/and/deeper", True, numbers[1])):
        if found:
            time.sleep(2.1)
        path = os.path.join(folder, place)
        result = run_stage(module, path, kind, settings, inputs, elsewhere=elsewhere, **{"threads": threads, **request})
        assert result.code == 0, result.log
        found.append(results(path))
    assert found[0]
    assert found[0] == found[1]
    return found[0]


def assert_threads_as_declared(module, folder, kind, settings, inputs, processors_count=False, **request):
    """Threads decide a stage's results only where its image declares so, and processors never do.

    processors_count: fewer processors than threads give other results, and the stage warns of it

    That they differ where it is declared is not demanded, and so not looked at: another processor may sum in another
    order.
    """
    found = {}
    for threads in (2,) if kind in pinned_threads(module) else (1, 2, 3):
        path = os.path.join(folder, "threads-%d" % threads)
        result = run_stage(module, path, kind, settings, inputs, threads=threads, **request)
        assert result.code == 0, result.log
        found[threads] = results(path)
    path = os.path.join(folder, "one-processor")
    result = run_stage(module, path, kind, settings, inputs, threads=2, narrow=True, **request)
    assert result.code == 0, result.log
    if processors_count:
        assert "fewer processors than threads" in result.log
    else:
        assert results(path) == found[2], "two threads on one processor give other results than on two"
    assert all(one == found[2] for one in found.values()), "threads decide the results of %s, undeclared" % kind


def pinned_threads(module):
    """Return the kinds of stages whose results depend on the number of threads, as the image declares it."""
    for path in glob.glob(os.path.join(ROOT, "images", "*", "image.yaml")):
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
        if re.search(r"^module: %s$" % module, text, re.MULTILINE):
            found = re.search(r"^pinned_threads: \[(.*)\]$", text, re.MULTILINE)
            return tuple(re.split(r",\s*", found.group(1))) if found else ()
    raise AssertionError("no image has the module %s" % module)


def run_stage(module, folder, kind, settings, inputs, **request):
    """Run a stage to its end."""
    with started_stage(module, folder, kind, settings, inputs, **request) as process:
        log, _ = process.communicate()
    return Result(process.returncode, log)


def made_layers(folder, count=4):
    """Write prepared layers of different shapes."""
    # Imported here: not every image has Pillow.
    from netkit.pictures import write_picture
    from netkit.seeded import seeded_image

    items = []
    for number, (height, width) in enumerate(((40, 50), (60, 45), (36, 36), (35, 71))[:count]):
        name = "%d.png" % number
        os.makedirs(folder, exist_ok=True)
        write_picture(os.path.join(folder, name), seeded_image("layer%d" % number, height, width))
        items.append({"id": str(number), "transmission": name, "reflection": name, "height": height, "width": width})
    return _listed(folder, "layers", items)


def made_pairs(folder, height=50, width=41, other=None):
    """Write one prepared real pair; other: size of its transmission, where it differs."""
    # Imported here: not every image has Pillow.
    from netkit.pictures import write_picture
    from netkit.seeded import seeded_image

    for part, size in (("blended", (height, width)), ("transmission", other or (height, width))):
        os.makedirs(os.path.join(folder, part), exist_ok=True)
        write_picture(os.path.join(folder, part, "a.png"), seeded_image(part, *size))
    item = {"id": "a", "blended": "blended/a.png", "transmission": "transmission/a.png"}
    return _listed(folder, "pairs", [{**item, "height": height, "width": width}])


def _listed(folder, role, items):
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as stream:
        json.dump({"name": role, "role": role, "items": items}, stream)
    return folder
