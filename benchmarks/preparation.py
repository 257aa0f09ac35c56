"""Measures how fast VOC's crops are prepared, beside the obvious loop and beside decoding alone.

usage: python benchmarks/preparation.py [--pictures 1500] [--repeats 5]

The pictures are made: 500 x 375 and 500 x 333 JPEG at quality 92, cut from scikit-image's photographs with noise of a
camera, so that their files are as large as VOC's. Both ways give the same pixels, which is checked of every picture.
The ways take turns, and medians are told: other programs may use the processor too.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from orchestrator.datasets.raw.layout_voc import Names
from orchestrator.datasets.raw.raw_preparation import PreparationOrder, prepare_raw
from orchestrator.datasets.raw.recognise import recognise
from orchestrator.datasets.raw.tree import raw_tree
from orchestrator.spec.library import load_catalogue

PHOTOGRAPHS = ("astronaut.png", "coffee.png", "chelsea.png", "motorcycle_left.png", "rocket.jpg", "ihc.png")
SIDE = 224


def make_pictures(folder: Path, count: int) -> list[Path]:
    rng = np.random.default_rng(0)
    sources = [Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB") for name in PHOTOGRAPHS]
    paths = []
    for number in range(count):
        source = sources[number % len(sources)]
        size = (500, 375) if number % 4 else (500, 333)
        width = int(min(source.width, source.height * size[0] / size[1]) * rng.uniform(0.55, 1))
        height = width * size[1] // size[0]
        left, top = rng.integers(source.width - width + 1), rng.integers(source.height - height + 1)
        small = source.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
        noisy = np.asarray(small, np.int16) + rng.normal(0, 3, (size[1], size[0], 1))
        path = folder / "JPEGImages" / f"{2007 + number % 6}_{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=92)
        paths.append(path)
    return paths


def middle(picture: Image.Image) -> Image.Image:
    left, top = (picture.width - SIDE) // 2, (picture.height - SIDE) // 2
    return picture.crop((left, top, left + SIDE, top + SIDE))


def obvious_loop(paths: list[Path], output: Path, **options: int) -> None:
    output.mkdir(exist_ok=True)
    for path in paths:
        with Image.open(path) as picture:
            middle(picture.convert("RGB")).save(output / f"{path.stem}.png", **options)


def decode(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()


def decode_all(paths: list[Path], workers: int) -> None:
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(decode, paths))


def prepare(root: Path, paths: list[Path], output: Path) -> None:
    published = load_catalogue()["voc2012"].published
    assert published is not None
    names = Names(tuple(path.stem for path in paths), "made here")
    order = PreparationOrder("voc", "VOC", "", "layers", output)
    prepare_raw(order, root, recognise(raw_tree(root), published.layouts, names=names), lambda _done, _total: None)


def same_pixels(paths: list[Path], ours: Path, loop: Path) -> bool:
    return all(
        np.array_equal(
            np.asarray(Image.open(ours / "layers" / f"{path.stem}.png")),
            np.asarray(Image.open(loop / f"{path.stem}.png")),
        )
        for path in paths
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1500)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_pictures(folder / "raw", chosen.pictures)
        ways: dict[str, Callable[[], None]] = {
            "the obvious loop, one process": lambda: obvious_loop(paths, folder / "loop"),
            "the same with compression level 1": lambda: obvious_loop(paths, folder / "quick", compress_level=1),
            "sirr-orch data prepare": lambda: prepare(folder / "raw", paths, folder / "ours"),
            "decoding alone, one thread": lambda: decode_all(paths, 1),
            f"decoding alone, {cores} threads (the limit)": lambda: decode_all(paths, cores),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        busy: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(chosen.repeats):
            for way, run in ways.items():
                began, used = time.perf_counter(), time.process_time()
                run()
                seconds[way].append(time.perf_counter() - began)
                busy[way].append(time.process_time() - used)
        print(f"{len(paths)} pictures, {cores} cores, medians of {chosen.repeats} turns")
        rate = {way: len(paths) / statistics.median(times) for way, times in seconds.items()}
        for way, times in seconds.items():
            spread = f"({len(paths) / max(times):.0f} to {len(paths) / min(times):.0f})"
            work = statistics.median(busy[way]) / len(paths) * 1e3
            print(f"  {way:44} {rate[way]:6.0f} pictures/s {spread:16} {work:5.2f} ms of processor time each")
        loop, quick, ours, _, limit = rate.values()
        print(f"  {ours / loop:.2f} times the obvious loop, {ours / quick:.2f} times the quick one")
        print(f"  {ours / limit:.0%} of what decoding alone allows")
        print(f"  same pixels: {same_pixels(paths, folder / 'ours', folder / 'loop')}")


if __name__ == "__main__":
    main()
