"""What it costs to read a stage's inputs and compare them with their hashes before the stage reads them itself.

usage: python benchmarks/reading_inputs.py [--pictures N] [--repeats N]
Beside it stands the least that any stage does with the same files: to decode them once, one at a time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from orchestrator.plan.keys import Identity, document_key
from orchestrator.store.examine import examine
from orchestrator.store.store import Store

HEIGHT, WIDTH = 768, 1024


def keep(store: Store, name: str, fill: Callable[[Path], None]) -> str:
    """Keep a result whose output folder is filled by a function, and return its key."""
    document = {"kind": "prepare", "settings": {"name": name}}
    identity = Identity(f"prepare/{name}", document_key(document), document)
    fill(store.staging(identity.key) / "output")
    return store.commit(identity, {}, []).key


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """Return the median of how long something takes, in seconds."""
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    noise = np.random.default_rng(0)

    def pictures(folder: Path) -> None:
        gradient = np.linspace(0, 200, WIDTH)[None, :, None]
        for number in range(options.pictures):
            pixels = gradient + noise.integers(0, 55, (HEIGHT, WIDTH, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png", compress_level=1)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        key = keep(store, "pictures", pictures)
        files = sorted(store.layout.artifact(key).glob("output/*.png"))
        megabytes = sum(path.stat().st_size for path in files) / 1e6

        def decode() -> None:
            for path in files:
                with Image.open(path) as opened:
                    opened.load()

        decoding = seconds_of(decode, options.repeats)
        comparing = seconds_of(lambda: examine(store.layout, key, {}), options.repeats)
    print(f"{len(files)} pictures of {WIDTH} x {HEIGHT}, {megabytes:.0f} MB")
    print(f"decode them   {decoding:6.2f} s")
    print(f"compare them  {comparing:6.2f} s, {comparing / decoding:.3f} of it (limit 0.25)")


if __name__ == "__main__":
    main()
