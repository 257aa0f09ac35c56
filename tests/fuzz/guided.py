"""One target under atheris, which sees which code an input reaches; started by `tests.fuzz`, and runs until stopped.

Called as: python -m tests.fuzz.guided TARGET FOLDER [options of libFuzzer]
"""

from __future__ import annotations

import hashlib
import random
import sys
import traceback
from pathlib import Path

import atheris

from tests.fuzz.target import Target, load_target

OWN = ("netkit", "orchestrator", "stagekit")
"""Packages whose code is watched."""

_FILE_NAMES = tuple(f"/{name}/" for name in (*OWN, "tests"))


class Recorder:
    """Reads inputs, keeps the first of each kind of finding, and goes on.

    Args:
        folder: For findings: the input, and beside it what was raised.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, data: bytes) -> None:
        """Read one input."""
        try:
            self._target.fuzz_one(data)
        except Exception as error:
            path = self._folder / _kind(error)
            if not path.exists():
                path.write_bytes(data)
                path.with_suffix(".txt").write_text("".join(traceback.format_exception(error)[-40:]), errors="replace")


def _kind(error: Exception) -> str:
    """Return a name for findings of one cause: the error and the last place in code of this project."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if any(name in frame.filename for name in _FILE_NAMES)]
    place = f"{Path(own[-1].filename).stem}-{own[-1].lineno}"
    return f"{type(error).__name__}-{place}"


def main() -> None:
    """Fuzz one target; libFuzzer ends the process."""
    name, folder, *options = sys.argv[1:]
    with atheris.instrument_imports(include=list(OWN), exclude=["netkit.crc32c"]):  # which goes one way alone
        target = load_target(name)
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)

    def changed(data: bytes, max_size: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.4:
            return bytes(atheris.Mutate(data, max_size))
        return target.mutate(data, rng)[:max_size]

    recorder = Recorder(target, Path(folder) / "findings")
    atheris.Setup([sys.argv[0], *options, str(corpus)], recorder, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
