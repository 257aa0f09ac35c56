"""Measures how leakage is found: which copies of real photographs, how many false alarms, and how long it takes.

usage: python benchmarks/overlap.py [--photos PATTERN ...] [--train 15287] [--test 500] [--before FOLDER]

Found: every photograph is a training picture; its copies, crops, scalings and recompressions, mirrored and turned too,
are the test pictures. A copy that is not traced back to its photograph is missed; one that is traced to another
photograph is a false alarm.
Scale: as many textures as asked for (0: none), none of which is another; 224 x 224 trained on, 400 x 540 tested on.
Before: another checkout of this project, whose code searches the same pictures first, in a process of its own.
"""

import argparse
import io
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from orchestrator.datasets.overlap_search import LayerFile, find_overlaps
from stagekit.results.overlap import SceneOverlap

PACKAGED = ("astronaut.png", "coffee.png", "chelsea.png", "motorcycle_left.png", "rocket.jpg", "ihc.png")
Change = Callable[[Image.Image], Image.Image]


def photographs(patterns: list[str]) -> dict[str, Image.Image]:
    paths = [Path(skimage.__file__).parent / "data" / name for name in PACKAGED]
    paths += [path for pattern in patterns for path in sorted(Path("/").glob(str(Path(pattern).absolute())[1:]))]
    return {path.stem: Image.open(path).convert("RGB") for path in paths}


def compressed(picture: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def cropped(rng: np.random.Generator, part: float, *, square: bool = False, scale: float = 1.0) -> Change:
    def change(picture: Image.Image) -> Image.Image:
        sides = [min(picture.size)] * 2 if square else picture.size
        width, height = (int(side * part) for side in sides)
        left, top = int(rng.integers(picture.width - width + 1)), int(rng.integers(picture.height - height + 1))
        crop = picture.crop((left, top, left + width, top + height))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return compressed(crop.resize(size, Image.Resampling.BICUBIC) if scale != 1 else crop, 60)

    return change


def same_crop(turn: Image.Transpose | None) -> Change:
    crop = cropped(np.random.default_rng(7), 0.75, scale=0.8)
    return crop if turn is None else lambda picture: crop(picture).transpose(turn)


def changes() -> dict[str, Change]:
    rng = np.random.default_rng(0)
    found: dict[str, Change] = {
        "copied": lambda picture: picture.copy(),
        "JPEG at quality 30": lambda picture: compressed(picture, 30),
        "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
        "squeezed to 224 x 224": lambda picture: picture.resize((224, 224)),
        "larger by 1.7": lambda picture: picture.resize((int(picture.width * 1.7), int(picture.height * 1.7))),
    }
    for part in (0.9, 0.75, 0.6, 0.5, 0.42):
        found[f"crop of {part:.0%} of each side, JPEG 60"] = cropped(rng, part)
        found[f"square crop of {part:.0%} of the short side, JPEG 60"] = cropped(rng, part, square=True)
    found["crop of 70 %, scaled by 0.6, JPEG 60"] = cropped(rng, 0.7, scale=0.6)
    found["the same crop of 75 %, scaled by 0.8"] = same_crop(None)
    for turn in Image.Transpose:
        name = turn.name.lower().replace("_", " ")
        found[f"{name}, JPEG 60"] = lambda picture, turn=turn: compressed(picture.transpose(turn), 60)
        found[f"{name}, the same crop of 75 %, scaled by 0.8"] = same_crop(turn)
    found["turned by 3 degrees"] = lambda picture: picture.rotate(3, Image.Resampling.BICUBIC)
    return found


def saved(folder: Path, dataset: str, name: str, picture: Image.Image) -> LayerFile:
    path = folder / f"{dataset}-{name}.png"
    picture.save(path, compress_level=1)
    return LayerFile(dataset, name, "blended", path)


def measure_found(patterns: list[str], before: Path | None) -> None:
    pictures = photographs(patterns)
    with tempfile.TemporaryDirectory() as folder:
        train = [saved(Path(folder), "train", name, picture) for name, picture in pictures.items()]
        kinds = changes()
        test = [
            saved(Path(folder), f"test{number}", name, change(picture))
            for number, change in enumerate(kinds.values())
            for name, picture in pictures.items()
        ]
        print(f"{len(pictures)} photographs, {len(test)} copies, {len(train) * len(test)} pairs")
        overlaps = compared(train, test, Path(folder), before)
    right = Counter(found.test_dataset for found in overlaps if found.train_scene == found.test_scene)
    wrong = [found for found in overlaps if found.train_scene != found.test_scene]
    for number, kind in enumerate(kinds):
        print(f"  {kind:48} {right[f'test{number}']:4} of {len(pictures)} found")
    others = len(train) * len(test) - len(test)
    print(f"  false alarms: {len(wrong)} of {others} pairs of different photographs")
    for found in wrong:
        print(f"    {found.train_scene} = {found.test_scene} ({found.test_dataset}, {found.correlation})")


def texture(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Return noise with the spectrum of photographs: amplitudes fall with the frequency."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)) + 1 / max(height, width)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width))) / frequency**1.2, (height, width))
    grey = ((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def measure_scale(train_count: int, test_count: int, before: Path | None) -> None:
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        train = [saved(Path(folder), "train", str(n), texture(rng, 224, 224)) for n in range(train_count)]
        test = [saved(Path(folder), "test", str(n), texture(rng, 400, 540)) for n in range(test_count)]
        print(f"{train_count} training x {test_count} test pictures, none of which is another:")
        compared(train, test, Path(folder), before)


def compared(train: list[LayerFile], test: list[LayerFile], folder: Path, before: Path | None) -> list[SceneOverlap]:
    """Search with the present code, and with that of before where given; print the times; return what is found."""
    new, times = searched(train, test, folder, None)
    if before is None:
        print(f"  {words(times)}; {len(new)} overlaps")
        return new
    old, old_times = searched(train, test, folder, before)
    print(f"  before: {words(old_times)}; {len(old)} overlaps")
    print(f"  now:    {words(times)}; {len(new)} overlaps")
    ratios = ", ".join(f"{name} {times[name] / old_times[name]:.2f}" for name in times)
    known = {(found.train_scene, found.test_dataset, found.test_scene, found.correlation) for found in old}
    again = {(found.train_scene, found.test_dataset, found.test_scene, found.correlation) for found in new}
    print(f"  now / before: {ratios}; {len(known - again)} of before not found, {len(again - known)} found beyond them")
    return new


def words(times: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items())


def searched(
    train: list[LayerFile], test: list[LayerFile], folder: Path, package: Path | None
) -> tuple[list[SceneOverlap], dict[str, float]]:
    """Return what the code of a checkout, or the present one, finds in a new process, and how long that takes."""
    asked, answered = folder / "asked.pickle", folder / "answered.pickle"
    asked.write_bytes(pickle.dumps((train, test)))
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")  # as the image's program has it
    path = {"PYTHONPATH": str(package or Path(__file__).resolve().parents[1])}
    command = [sys.executable, __file__, "--search", asked, answered]
    subprocess.run(command, env={**os.environ, **threads, **path}, check=True)
    overlaps, times = pickle.loads(answered.read_bytes())
    return overlaps, times


def search(asked: Path, answered: Path) -> None:
    """Search, and time reading and the rest; this process has the code that is measured."""
    train, test = pickle.loads(asked.read_bytes())
    files = len({layer.path for layer in (*train, *test)})
    began = time.perf_counter(), time.process_time()
    read = began

    def progress(done: int, _total: int) -> None:
        nonlocal read
        if done == files:
            read = time.perf_counter(), time.process_time()

    overlaps = find_overlaps(train, test, progress)
    end = time.perf_counter(), time.process_time()
    times = {
        "reading": read[0] - began[0],
        "searching": end[0] - read[0],
        "all": end[0] - began[0],
        "processor time of reading": read[1] - began[1],
        "of searching": end[1] - read[1],
        "of all": end[1] - began[1],
    }
    answered.write_bytes(pickle.dumps((overlaps, times)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=[], help="more photographs: patterns of files")
    parser.add_argument("--train", type=int, default=15287)
    parser.add_argument("--test", type=int, default=500)
    parser.add_argument("--before", type=Path, help="another checkout, whose code is measured beside this one")
    parser.add_argument("--search", type=Path, nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.search:
        search(*chosen.search)
        return
    measure_found(chosen.photos, chosen.before)
    if chosen.train and chosen.test:
        measure_scale(chosen.train, chosen.test, chosen.before)


if __name__ == "__main__":
    main()
