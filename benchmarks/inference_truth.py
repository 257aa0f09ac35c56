"""How far answers lie from the truth, which is each network's own program in float64: untiled, and the engine's.

usage: python benchmarks/inference_truth.py NETWORK.onnx=PYTHON,WEIGHTS... [--sizes 413x587] [--memory GIB...]
NETWORK.onnx lies in a folder with the network's name and was exported from WEIGHTS, a released checkpoint, with random
features; PYTHON is the interpreter of the network's environment. Programs run one after the other, each in a process
of its own; ERRNet and Zhang take 40 kB of memory a pixel in float64.
"""

import argparse
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from inference import ROOT, Bench, Way, picture_of, put, size_of

HEADING = ("network", "size", "output", "range", "untiled", "exact, roomy")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", metavar="NETWORK.onnx=PYTHON,WEIGHTS")
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(413, 587)], metavar="HxW")
    parser.add_argument("--memory", nargs="*", type=float, default=[], metavar="GIB", help="budgets besides none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder on a disk")
    options = parser.parse_args()
    put([(*HEADING, *(f"exact, {memory:g} GiB" for memory in options.memory)), *rows(options)])


def rows(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Yield a row for each output of each network: largest difference by the range, and its root of the mean square."""
    ways = [Way("untiled"), Way("exact"), *(Way("exact", memory) for memory in options.memory)]
    for height, width in options.sizes:
        for given in options.networks:
            path, _, rest = given.partition("=")
            python, _, weights = rest.partition(",")
            with tempfile.TemporaryDirectory(dir=options.work, prefix="truth-") as name:
                folder = Path(name)
                picture = folder / "picture.npy"
                np.save(picture, picture_of(height, width, options.seed))
                network = Path(path).parent.name
                truth = native(network, python, weights, picture, folder / "truth")
                running = SimpleNamespace(repeats=1, limit=None, monai=None, details=None)
                bench = Bench(Path(path), (height, width), picture, folder, running)
                answers = {way: bench.answered(way) for way in ways}
                for output, expected in truth.items():
                    spread = float(np.ptp(expected))
                    found = [distance(answers[way][output], expected, spread) for way in ways]
                    yield (network, f"{height} x {width}", output, f"{spread:.2f}", *found)


def native(network: str, python: str, weights: str, picture: Path, folder: Path) -> Mapping[str, np.ndarray]:
    """Return the outputs of the network's own program in float64."""
    folder.mkdir()
    paths = os.pathsep.join(str(ROOT / part) for part in ("images", f"images/{network}"))
    command = [python, str(ROOT / "benchmarks" / "native.py"), network, weights, str(picture), str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "2"})
    return {path.stem: np.load(path) for path in sorted(folder.glob("*.npy"))}


def distance(found: np.ndarray, expected: np.ndarray, spread: float) -> str:
    """Return the largest difference, and the root of the mean square, by the range of the expected values."""
    apart = found - expected
    return f"{np.abs(apart).max() / spread:.1e} ({np.sqrt(np.mean(apart**2)) / spread:.1e})"


if __name__ == "__main__":
    main()
