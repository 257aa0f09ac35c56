"""What a node of a cluster sees and holds to: the program of the job by which a site is examined.

``python -m orchestrator.engine.slurm_probe FOLDER``: writes FOLDER/answer.json. Whoever submits it holds a lock on
FOLDER/lock.
"""

import fcntl
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from orchestrator.engine.gpu import list_gpus
from orchestrator.engine.walls import find_walls
from stagekit import write_atomically

ANSWER, LOCK, WORD = "answer.json", "lock", "word"


def answer(folder: Path) -> dict[str, Any]:
    """Return what there is to say of this node."""
    walls = find_walls()
    return {
        "host": platform.node(),
        "word": (folder / WORD).read_text(encoding="utf-8"),
        "keeps_locks": _keeps_locks(folder / LOCK),
        "keeps_claims": _keeps_claims(folder / WORD),
        "walls": walls.walls.name,
        "walls_sentence": walls.sentence,
        "gpus": [gpu.name for gpu in list_gpus()],
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "processors": len(os.sched_getaffinity(0)),
        "memory": os.environ.get("SLURM_MEM_PER_NODE", ""),
    }


def _keeps_locks(path: Path) -> bool:
    """Whether a lock that is held where the job was submitted shuts this node out."""
    with path.open("r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _keeps_claims(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError:
        return True
    return False


def main() -> None:
    """Answer."""
    folder = Path(sys.argv[1])
    found = answer(folder)
    with write_atomically(str(folder / ANSWER), "w") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    main()
