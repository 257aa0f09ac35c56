"""Measures how leakage is found: which copies of real photographs, how many false alarms, and how long it takes.

usage: python benchmarks/overlap.py [--photos PATTERN ...] [--train 15287] [--test 500]     (0: leave the scale out)

Found: every photograph is a training picture; its copies, crops, scalings and recompressions are the test pictures. A
copy that is not traced back to its photograph is missed; one that is traced to another photograph is a false alarm.
Scale: as many textures as asked for, none of which is another; 224 x 224 trained on, 400 x 540 tested on.
"""

import argparse
import io
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from orchestrator.datasets.overlap_search import LayerFile, find_overlaps

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
    return found


def saved(folder: Path, dataset: str, name: str, picture: Image.Image) -> LayerFile:
    path = folder / f"{dataset}-{name}.png"
    picture.save(path, compress_level=1)
    return LayerFile(dataset, name, "blended", path)


def measure_found(patterns: list[str]) -> None:
    pictures = photographs(patterns)
    with tempfile.TemporaryDirectory() as folder:
        train = [saved(Path(folder), "train", name, picture) for name, picture in pictures.items()]
        kinds = changes()
        test = [
            saved(Path(folder), f"test{number}", name, change(picture))
            for number, change in enumerate(kinds.values())
            for name, picture in pictures.items()
        ]
        overlaps = find_overlaps(train, test, lambda _done, _total: None)
    right = Counter(found.test_dataset for found in overlaps if found.train_scene == found.test_scene)
    wrong = [found for found in overlaps if found.train_scene != found.test_scene]
    print(f"{len(pictures)} photographs, {len(test)} copies, {len(train) * len(test)} pairs")
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


def measure_scale(train_count: int, test_count: int) -> None:
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        train = [saved(Path(folder), "train", str(n), texture(rng, 224, 224)) for n in range(train_count)]
        test = [saved(Path(folder), "test", str(n), texture(rng, 400, 540)) for n in range(test_count)]
        began, used = time.perf_counter(), time.process_time()
        overlaps = find_overlaps(train, test, lambda _done, _total: None)
        seconds, work = time.perf_counter() - began, time.process_time() - used
    words = f"{seconds:.1f} s, {work:.1f} s of processor time, {len(overlaps)} overlaps (none is there)"
    print(f"{train_count} training x {test_count} test pictures: {words}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", nargs="*", default=[], help="more photographs: patterns of files")
    parser.add_argument("--train", type=int, default=15287)
    parser.add_argument("--test", type=int, default=500)
    chosen = parser.parse_args()
    measure_found(chosen.photos)
    if chosen.train and chosen.test:
        measure_scale(chosen.train, chosen.test)


if __name__ == "__main__":
    main()
