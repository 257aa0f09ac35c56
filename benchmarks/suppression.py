"""The method of image yang2019 beside the index's program of the same paper: time and memory of one picture.

Each computes in a process of its own, in turns. The time is that of the answer alone, from bytes to floats; the peak is
that of the whole process, interpreter and libraries among it. `fast-reflection-removal` 1.1 computes its answer twice
and throws one away, so ours is also set beside half of its time. It gets a virtual environment of its own, as it does
not run with NumPy 2; ours is the image's local environment, which is built where it is missing.

    .venv/bin/python benchmarks/suppression.py
    .venv/bin/python benchmarks/suppression.py --rounds 3 --size 4000 6000
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import LocalBuilder
from orchestrator.spec.library import load_image

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ("fast-reflection-removal==1.1", "numpy==1.26.4", "scipy==1.13.1", "matplotlib==3.9.4", "pillow==10.4.0")
LIMIT = 0.5
THRESHOLD = 0.033
MEASURED = """
import json, os, sys, time
import numpy as np
{imports}
pixels = np.load(sys.argv[1])
began = time.monotonic()
answer = {call}
seconds = time.monotonic() - began
with open("/proc/self/status") as stream:
    kibibytes = next(int(line.split()[1]) for line in stream if line.startswith("VmHWM"))
least, most = float(answer.min()), float(answer.max())
print(json.dumps(dict(seconds=seconds, mebibytes=kibibytes / 1024, least=least, most=most)))
np.save(sys.argv[2], answer[::20, ::20])
"""
OURS = MEASURED.format(
    imports="from scipy import fft\nfrom yang2019.suppression import suppressed\n"
    "fft.set_workers(len(os.sched_getaffinity(0))).__enter__()",
    call=f"suppressed(pixels.astype(np.float32) / np.float32(255), {THRESHOLD})",
)
THEIRS = MEASURED.format(
    imports="from frr.core import FastReflectionRemoval",
    call=f"FastReflectionRemoval(h={THRESHOLD}).remove_reflection(pixels / 255)",
)


def main() -> int:
    """Measure both in turns and print them with their ratios; return 1 where one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(3000, 4000), metavar=("HEIGHT", "WIDTH"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "picture.npy", picture(*arguments.size))
        interpreters = {OURS: own_interpreter(), THEIRS: package_interpreter(folder / "package")}
        rounds = [
            {code: measured(interpreter, code, folder) for code, interpreter in interpreters.items()}
            for _ in range(arguments.rounds)
        ]
    height, width = arguments.size
    print(f"{height} x {width} pixels, {arguments.rounds} rounds in turns, medians")
    seconds = {code: median(rounds, code, "seconds") for code in interpreters}
    peaks = {code: median(rounds, code, "mebibytes") for code in interpreters}
    time_ratio = statistics.median(one[OURS]["seconds"] / one[THEIRS]["seconds"] for one in rounds)
    memory_ratio = statistics.median(one[OURS]["mebibytes"] / one[THEIRS]["mebibytes"] for one in rounds)
    print(
        f"time: {seconds[OURS]:.2f} s against {seconds[THEIRS]:.2f} s: {time_ratio:.2f} ({2 * time_ratio:.2f} of half)"
    )
    print(f"peak: {peaks[OURS]:.0f} MiB against {peaks[THEIRS]:.0f} MiB: {memory_ratio:.2f}")
    print(f"largest difference, after stretching ours to its range: {max(difference(one) for one in rounds):.1e}")
    return int(max(2 * time_ratio, memory_ratio) > LIMIT)


def picture(height: int, width: int) -> np.ndarray:
    """Return a picture with edges of all strengths and a little noise: uint8, (H, W, 3)."""
    rng = np.random.default_rng(3)
    coarse = np.cumsum(np.cumsum(rng.normal(size=(height // 4, width // 4, 3)), 0), 1) / 300 + 0.5
    smooth = Image.fromarray(np.uint8(np.clip(coarse, 0, 1) * 255)).resize((width, height), Image.Resampling.BICUBIC)
    return np.uint8(np.clip(np.asarray(smooth) + rng.normal(size=(height, width, 3)) * 2, 0, 255))


def own_interpreter() -> Path:
    """Return the interpreter of the image's local environment."""
    image, settings = load_image("yang2019"), BuildSettings.from_environment()
    builder = LocalBuilder(ROOT / ".sirr" / "environments")
    found = builder.find(image, "cpu", settings) or builder.build(image, "cpu", settings, lambda _line: None)
    return Path(found.reference)


def package_interpreter(folder: Path) -> Path:
    """Make a virtual environment with the index's program and return its interpreter."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", "3.11", folder], check=True)
    interpreter = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", interpreter, *PACKAGE], check=True)
    return interpreter


def measured(interpreter: Path, code: str, folder: Path) -> dict[str, Any]:
    """Return what a process of its own says of one answer."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "images" / "yang2019")))}
    command = [interpreter, "-c", code, folder / "picture.npy", folder / "sample.npy"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return {**json.loads(said), "sample": np.load(folder / "sample.npy").astype(np.float64)}


def median(rounds: list[dict[str, dict[str, Any]]], code: str, name: str) -> float:
    """Return the median of one figure over the rounds."""
    return float(statistics.median(one[code][name] for one in rounds))


def difference(one: dict[str, dict[str, Any]]) -> float:
    """Return how far both answers are apart, ours stretched to its own range as theirs are."""
    ours = one[OURS]
    stretched = (ours["sample"] - ours["least"]) / (ours["most"] - ours["least"])
    return float(np.abs(stretched - one[THEIRS]["sample"]).max())


if __name__ == "__main__":
    sys.exit(main())
