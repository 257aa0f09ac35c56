"""A small but real comparison of all three networks, run by the real command line; and what came of it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
SAME, OTHER = "kills", "other"
"""The names of the two runs; the second wants some of the first one's stages."""

_MODELS = [
    {"model": "zhang2018", "recipe": {"epochs": 2, "limit": 2, "width": [48, 65]}},
    {
        "model": "errnet2019",
        "recipe": {"epochs": 2, "limit": 2, "crop": 32, "short_side": [32, 40], "adversarial_from": 1},
    },
    {"model": "ibcln2020", "recipe": {"epochs": 2, "limit": 4, "crop": 32, "cascade": 1}},
]
_EXPERIMENT = {
    "train": {"synthetic": "layers"},
    "test": ["pairs"],
    "datasets": {"layers": {"kind": "layers", "folder": "layers"}, "pairs": {"kind": "pairs", "folder": "pairs"}},
    "metrics": ["psnr"],
    "features": "random",
    "checkpoint_minutes": 0.05,
    "seed": 1,
}
_SIZE = (72, 56)


@dataclass(frozen=True)
class Results:
    """What a store holds, read from its files alone.

    Attributes:
        stages: Key to the name of the stage.
        files: Key to the SHA-256 of every file of the result.
    """

    stages: Mapping[str, str]
    files: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Site:
    """Where and how runs are run.

    Attributes:
        inputs: The folder of pictures and experiments.
        environment: Variables besides this process's own.
    """

    engine: str
    inputs: Path
    environment: Mapping[str, str]

    def command(self, run: str, store: Path, *options: str) -> list[str]:
        """Return the command of a run, as users give it."""
        spec = str(self.inputs / f"{run}.yaml")
        return [
            sys.executable,
            "-m",
            "orchestrator",
            "run",
            spec,
            "--store",
            str(store),
            "--engine",
            self.engine,
            *options,
        ]

    def start(self, run: str, store: Path, output: IO[bytes], *options: str) -> "subprocess.Popen[bytes]":
        """Start a run in a session of its own."""
        return subprocess.Popen(
            self.command(run, store, *options),
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def write_inputs(folder: Path) -> None:
    """Write the pictures and the two experiments."""
    random = np.random.default_rng(0)

    def picture() -> Image.Image:
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        return Image.fromarray(coarse).resize(_SIZE, Image.Resampling.BICUBIC)

    for name in ("layers", "pairs/blended", "pairs/transmission"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(4):
        picture().save(folder / "layers" / f"{number}.png")
    truth = picture()
    truth.save(folder / "pairs" / "transmission" / "a.png")
    Image.blend(truth, picture(), 0.3).save(folder / "pairs" / "blended" / "a.png")
    for name, models in ((SAME, _MODELS), (OTHER, [_MODELS[2], _MODELS[0]])):
        text = json.dumps({"name": name, "models": models, **_EXPERIMENT})  # which is YAML too
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def results(store: Path, run: str | None = None) -> Results:
    """Read what a store holds.

    Args:
        run: Only what this run came to when it was last run.
    """
    stages, files = {}, {}
    for manifest in store.glob("artifacts/*/*/manifest.json"):
        output = manifest.parent / "output"
        key = manifest.parent.name
        if run is not None and key not in _last_keys(events(store, run)):
            continue
        stages[key] = str(json.loads(manifest.read_bytes())["stage"])
        files[key] = {
            path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(output.rglob("*"))
            if path.is_file()
        }
    return Results(stages, files)


def _last_keys(told: Sequence[Mapping[str, Any]]) -> set[str]:
    begin = max(number for number, event in enumerate(told) if event["event"] == "planned")
    return {event["key"] for event in told[begin:] if event["event"] == "state" and "key" in event}


def copy_results(source: Path, target: Path, keys: Collection[str]) -> None:
    """Give a store some of another's results."""
    for key in keys:
        folder = Path("artifacts") / key[:2] / key
        shutil.copytree(source / folder, target / folder)


def events(store: Path, run: str) -> list[dict[str, Any]]:
    """Return what a run recorded; lines that a kill cut short are left out."""
    path, found = store / "runs" / run / "events.jsonl", []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found
