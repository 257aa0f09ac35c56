"""What training costs at the papers' settings: memory, seconds per step, waiting for samples, shares of a step.

usage: python benchmarks/training.py [NETWORK...] [--steps N] [--memory GIB] [--device cpu|cuda] [--python NETWORK=PATH]
Every network runs in the local environment of its image, which is built where it is missing, or in a given interpreter.
Measured are the real `train` stage, from outside, and a step beside that of a straightforward program (training_steps).
"""

import argparse
import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from scipy.ndimage import gaussian_filter

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import LocalBuilder
from orchestrator.spec.load import load_image, load_model_spec
from stagekit import StageRequest
from stagekit.request import FOLDERS
from stagekit.results.apart import load_whole
from stagekit.results.train import TrainFile

ROOT = Path(__file__).resolve().parents[1]
NETWORKS = ("zhang2018", "errnet2019", "ibcln2020")
LATE_EPOCH = {"adversarial_from": 0}
SIDES = (480, 640)


def main() -> None:
    """Print one table for the stages and one for the steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="NETWORK")
    parser.add_argument("--steps", type=int, default=6, help="of the train stage")
    parser.add_argument("--repeats", type=int, default=3, help="of each kind of step")
    parser.add_argument("--memory", type=float, default=6, help="GiB that a training may take")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--python", action="append", default=[], metavar="NETWORK=PATH")
    options = parser.parse_args()
    given = dict(item.split("=", 1) for item in options.python)
    pythons = {name: given.get(name) or interpreter(name, options.device) for name in options.networks}
    print("network     stated    seen      budget   with                       s/step  waiting")
    for name, python in pythons.items():
        print(stage_row(name, python, options), flush=True)
    print("\nnetwork     ours      straightforward  ratio   forward  backward  optimiser")
    for name, python in pythons.items():
        print(steps_row(name, python, options), flush=True)


def stage_row(name: str, python: str, options: argparse.Namespace) -> str:
    """Run the train stage for a few steps and return its figures as a line."""
    budget = int(options.memory * 2**30)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        dataset(root / "data")
        limit = options.steps * recipe(name)["batch"]
        request = StageRequest.below(
            folder,
            stage=f"train/{name}",
            kind="train",
            settings={
                "model": name,
                "features": "random",
                "recipe": {**recipe(name), "epochs": 1, "limit": limit, "steps": options.steps},
            },
            inputs={"synthetic": str(root / "data"), "real": str(root / "data")},
            device=options.device,
            memory_bytes=budget if options.device == "cpu" else None,
            device_memory_bytes=budget if options.device == "cuda" else None,
        )
        for part in FOLDERS:
            (root / part).mkdir()
        request.save(str(root / "stage.json"))
        seen = peak_of([python, "-m", name, str(root / "stage.json")], name)
        training = load_whole(TrainFile, root / "output", root / "facts")
    memory, seconds = training.memory, training.seconds
    assert memory is not None
    assert seconds is not None
    means = " and ".join(memory.savings) or "nothing"
    stated, step = memory.peak_bytes / 2**30, seconds / training.steps
    return (
        f"{name:<11} {stated:.2f} GiB  {seen / 2**30:.2f} GiB  {options.memory:.1f} GiB  {means:<26} "
        f"{step:6.2f}  {(training.waiting_s or 0.0) / seconds:.1%}"
    )


def steps_row(name: str, python: str, options: argparse.Namespace) -> str:
    """Return the figures of one step beside a straightforward one, as a line."""
    command = [python, str(ROOT / "benchmarks" / "training_steps.py"), name, json.dumps(recipe(name))]
    command += ["--repeats", str(options.repeats), "--device", options.device]
    done = subprocess.run(command, env=environment(name), stdout=subprocess.PIPE, check=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    ours, plain = found["ours"], found["straightforward"]
    shares = [f"{found[part] / ours:7.1%}" for part in ("forward", "backward", "optimiser")]
    return f"{name:<11} {ours:6.2f} s  {plain:13.2f} s  {plain / ours:5.2f}  " + "   ".join(shares)


def recipe(name: str) -> dict[str, Any]:
    """Return the paper's recipe, with every loss from the first epoch on, as a late epoch has."""
    values = dict(load_model_spec(name).paper_recipe.values)
    return {**values, **{field: value for field, value in LATE_EPOCH.items() if field in values}}


def dataset(folder: Path, count: int = 8) -> None:
    """Write a prepared dataset of smooth random pictures, as large as photographs of a training set are."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    items = []
    for number in range(count):
        height, width = SIDES if number % 2 else SIDES[::-1]
        noise = gaussian_filter(rng.standard_normal((height, width, 3)), (8, 8, 0))
        picture = 0.5 + 0.4 * noise / np.abs(noise).max()
        file = f"{number}.png"
        Image.fromarray((255 * picture).astype(np.uint8)).save(folder / file)
        roles = dict.fromkeys(("blended", "transmission", "reflection"), file)
        items.append({"name": str(number), **roles, "height": height, "width": width})
    (folder / "dataset.json").write_text(json.dumps({"items": items}))


def peak_of(command: list[str], name: str) -> int:
    """Run a command; return the most memory, in bytes, that its processes held at once. Shared pages count once."""
    with subprocess.Popen(command, env=environment(name), stdout=subprocess.DEVNULL) as process:
        peak, done = 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.1):
                peak = max(peak, resident(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        done.set()
        watcher.join()
    if code:
        raise SystemExit(f"the training of {name} ended with exit code {code}")
    return peak


def resident(pid: int) -> int:
    """Return the memory of a process and its children, in bytes."""
    total = 0
    try:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.Error:
        return 0
    return total


def environment(name: str) -> dict[str, str]:
    """Return the environment variables with which an image's program is found."""
    code = [ROOT, ROOT / "images", ROOT / "images" / name]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, code)), "TF_CPP_MIN_LOG_LEVEL": "2"}


def interpreter(name: str, device: str) -> str:
    """Return the interpreter of an image's local environment, which is built where it is missing."""
    image, settings = load_image(name), BuildSettings.from_environment()
    builder = LocalBuilder(ROOT / ".sirr" / "environments")
    found = builder.find(image, device, settings) or builder.build(image, device, settings, print)
    return found.reference


if __name__ == "__main__":
    main()
