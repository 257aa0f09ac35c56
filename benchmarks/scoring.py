"""What scoring costs beside reading the pictures, and what memory it holds.

usage: python benchmarks/scoring.py [--folder PAIRS] [--pictures N]

PAIRS holds NAME-input.png and NAME-label1.png; without it, crops of scikit-image's photographs are blended. Figures are
medians of several turns in which the ways alternate: of processor time in one process, which other programs on the
machine disturb little, and of wall time for several processes. With PyTorch and lpips at hand (the image `metrics`),
LPIPS in batches is set beside LPIPS one by one, on random features: they cost what the published ones cost.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# Before NumPy is loaded: as in the image's program, one process scores with one thread.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "images"), str(ROOT / "images" / "metrics")]

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

from orchestrator.metrics import standard  # noqa: E402
from orchestrator.metrics.evaluate import picture_scores  # noqa: E402
from orchestrator.metrics.pictures import ScoredPicture, read_pictures  # noqa: E402
from stagekit.measures import PROTOCOLS  # noqa: E402
from stagekit.results.scores import NotMeasured  # noqa: E402

TURNS = 5
SIZES = ((224, 224), (400, 540))
METRICS = tuple(PROTOCOLS["standard"].metric(name) for name in ("psnr", "ssim"))


def blends(folder: Path, count: int, height: int, width: int) -> list[ScoredPicture]:
    """Write blended crops of photographs and their truth."""
    from skimage import data

    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    photographs = [np.tile(photograph, (2, 2, 1)) for photograph in photographs]
    draw = np.random.default_rng(1)
    found = []
    for number in range(count):
        truth, other = (
            photograph[top : top + height, left : left + width]
            for photograph in (photographs[number % 4], photographs[(number + 1) % 4])
            for top, left in [draw.integers(0, (photograph.shape[0] - height, photograph.shape[1] - width))]
        )
        blended = np.clip(0.8 * truth + 0.4 * other, 0, 255).astype(np.uint8)
        paths = [folder / f"{number}-{part}.png" for part in ("input", "label1")]
        for path, pixels in zip(paths, (blended, truth), strict=True):
            Image.fromarray(np.ascontiguousarray(pixels)).save(path)
        found.append(ScoredPicture(str(number), *paths))
    return found


def given(folder: Path) -> list[ScoredPicture]:
    names = sorted(path.name.removesuffix("-input.png") for path in folder.glob("*-input.png"))
    return [ScoredPicture(name, folder / f"{name}-input.png", folder / f"{name}-label1.png") for name in names]


def medians(ways: Mapping[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of each way by a clock; the ways take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            began = clock()
            way()
            seconds[name].append(clock() - began)
    return {name: float(np.median(found)) for name, found in seconds.items()}


def pixels(comparisons: list[ScoredPicture]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [pair for pair in map(read_pictures, comparisons) if not isinstance(pair, NotMeasured)]


def compare(comparisons: list[ScoredPicture]) -> None:
    """Print the cost of scores over the cost of reading, in one process and on all processors."""
    from skimage.metrics import structural_similarity

    pairs = pixels(comparisons)
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "win_size": 11}
    found = medians(
        {
            "read": lambda: pixels(comparisons),
            "psnr": lambda: [standard.psnr(*pair) for pair in pairs],
            "ssim": lambda: [standard.ssim(*pair) for pair in pairs],
            "scikit-image's ssim": lambda: [
                structural_similarity(truth, prediction, channel_axis=2, data_range=255, **gaussian)
                for prediction, truth in pairs
            ],
        },
        time.process_time,
    )
    height, width = pairs[0][1].shape[:2]
    print(f"\n{len(pairs)} pairs of {height} x {width} pixels, one process, processor time")
    for name, seconds in found.items():
        print(f"  {name:32} {seconds:6.2f} s  {seconds / found['read']:5.2f} of reading")
    both = (found["psnr"] + found["ssim"]) / found["read"]
    print(f"  PSNR and SSIM cost {both:.2f} of reading (limit 1.5)")
    repeated = [
        ScoredPicture(f"{turn}/{picture.id}", picture.prediction, picture.truth)
        for turn in range(5)
        for picture in comparisons
    ]
    workers = len(os.sched_getaffinity(0))
    together = medians(
        {
            "read alone": lambda: pixels(repeated),
            "read and score, 1 process": lambda: picture_scores(repeated, METRICS, lambda: None, 1),
            f"read and score, {workers} processes": lambda: picture_scores(repeated, METRICS, lambda: None, workers),
        },
        time.perf_counter,
    )
    print(f"  {len(repeated)} pairs, wall time: " + ", ".join(f"{name} {s:.2f} s" for name, s in together.items()))


def peak_mib(folder: Path, count: int) -> float:
    """Return the most that the process and one of its scoring processes held while `count` pairs were scored."""
    command = [sys.executable, __file__, "--peak", str(folder), "--pictures", str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def print_peak(folder: Path, count: int) -> None:
    comparisons = given(folder)
    repeated = [comparisons[index % len(comparisons)] for index in range(count)]
    repeated = [ScoredPicture(str(index), picture.prediction, picture.truth) for index, picture in enumerate(repeated)]
    picture_scores(repeated, METRICS, lambda: None, len(os.sched_getaffinity(0)))
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(max(peaks) / 1024)


def lpips(comparisons: list[ScoredPicture]) -> None:
    try:
        import torch
        from metrics_program.features import random_features

        from orchestrator.metrics.perceptual import PerceptualDistance
    except ImportError as error:
        print(f"\nLPIPS: not measured here ({error}); run this with the interpreter of the image metrics")
        return
    distance, pairs = PerceptualDistance(random_features()), pixels(comparisons)[:64]
    batches = [pairs[first : first + 32] for first in range(0, len(pairs), 32)]
    found = medians(
        {
            "read": lambda: pixels(comparisons[: len(pairs)]),
            "one by one": lambda: [distance(*pair) for pair in pairs],
            "in batches of 32": lambda: [distance.distances(batch) for batch in batches],
        },
        time.perf_counter,
    )
    print(f"\nLPIPS of {len(pairs)} pairs, {torch.get_num_threads()} threads")
    for name, seconds in found.items():
        print(f"  {name:32} {seconds:6.2f} s  {seconds / found['read']:5.2f} of reading")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="folder of NAME-input.png and NAME-label1.png")
    parser.add_argument("--pictures", type=int, default=100, help="pairs to make, where there is no folder")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak is not None:
        print_peak(arguments.peak, arguments.pictures)
        return
    with tempfile.TemporaryDirectory() as made:
        sets = [given(arguments.folder)] if arguments.folder else []
        for height, width in () if sets else SIZES:
            folder = Path(made) / f"{height}"
            folder.mkdir()
            sets.append(blends(folder, arguments.pictures, height, width))
        for comparisons in sets:
            compare(comparisons)
            folder = comparisons[0].truth.parent
            few, many = (peak_mib(folder, count) for count in (100, 800))
            print(f"  peak of a process: {few:.0f} MiB for 100 pairs, {many:.0f} MiB for 800")
        lpips(sets[0])


if __name__ == "__main__":
    main()
