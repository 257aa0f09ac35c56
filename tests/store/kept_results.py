"""Results for the tests of the store: made up, but committed like any other."""

import os
import time
from pathlib import Path

from orchestrator.plan.keys import Identity, document_key

ROOT = Path(__file__).parents[2]
HOUR_S = 3600


def identity(number=0, stage="train/errnet2019"):
    document = {"schema": 1, "kind": stage.split("/")[0], "settings": {"number": number}, "inputs": {}, "sources": {}}
    return Identity(stage, document_key(document), document)


def keep(store, number=0, stage="train/errnet2019", files=(("weights.pt", "w" * 100), ("sub/curves.json", "{}"))):
    """Commit a result and return it."""
    made = identity(number, stage)
    output = store.staging(made.key) / "output"
    for name, text in dict(files).items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text, encoding="utf-8")
    return store.commit(made, {"seconds": 1.5}, [])


def plan_run(store, name, *artifacts):
    """Record a run that has these results."""
    store.run(name).append({"event": "planned", "keys": {one.manifest.stage: one.key for one in artifacts}})


def change_bytes(artifact, name="weights.pt"):
    """Write other bytes of the same size, with the same time of change, as a failing disk or a careless hand may."""
    path = artifact.output / name
    status = path.stat()
    path.chmod(0o644)
    path.write_bytes(b"x" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def grow_old(path, hours=2.0):
    """Make everything in a folder as old as this."""
    then = time.time() - hours * HOUR_S
    for one in [*path.rglob("*"), path]:
        os.utime(one, (then, then), follow_symlinks=False)
