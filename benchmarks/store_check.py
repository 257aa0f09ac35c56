"""How quickly `sirr-orch store check` reads, beside sha256sum on the same files with as many processes.

usage: python benchmarks/store_check.py [--store STORE] [--megabytes N] [--repeats N]
Without STORE, one is made in a temporary folder: two large files and many of the size of pictures.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [str(Path(sys.executable).parent / "sirr-orch")]
PICTURE_BYTES = 400_000


def fill(folder: Path, megabytes: int) -> None:
    """Keep results of random bytes: a quarter as large files, the rest as pictures, 100 to a result."""
    from orchestrator.plan.keys import Identity, document_key
    from orchestrator.store.store import Store

    store = Store(folder)
    large = [{"weights.pt": megabytes * 10**6 // 8} for _ in range(2)]
    count = megabytes * 750_000 // PICTURE_BYTES
    starts = range(0, count, 100)
    small = [{f"{n}.png": PICTURE_BYTES for n in range(start, min(start + 100, count))} for start in starts]
    for number, files in enumerate(large + small):
        document = {"kind": "infer", "settings": {"number": number}}
        identity = Identity(f"infer/made/{number}", document_key(document), document)
        output = store.staging(identity.key) / "output"
        for name, size in files.items():
            (output / name).write_bytes(os.urandom(size))
        store.commit(identity, {}, [])


def seconds_of(argv: list[str], *, said: str | None = None) -> float:
    """Return how long a command takes, in seconds."""
    began = time.perf_counter()
    subprocess.run(argv, check=True, capture_output=True, text=True, input=said)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or Path(folder) / "store"
        if options.store is None:
            fill(store, options.megabytes)
        compare(store, options.repeats)


def compare(store: Path, repeats: int) -> None:
    """Print both speeds, taken in turns, as medians; the start of each program counts."""
    files = [path for path in (store / "artifacts").rglob("*") if path.is_file() and path.name != "manifest.json"]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    processes = len(os.sched_getaffinity(0))
    names = "\0".join(map(str, files))
    ours, theirs = [], []
    for _ in range(repeats):
        theirs.append(seconds_of(["xargs", "-0", "-P", str(processes), "-n", "64", "sha256sum"], said=names))
        ours.append(seconds_of([*COMMAND, "store", "check", "--store", str(store)]))
    check, sha256sum = megabytes / statistics.median(ours), megabytes / statistics.median(theirs)
    print(f"{len(files)} files, {megabytes:.0f} MB, {processes} at a time, median of {repeats} turns")
    print(f"sha256sum  {sha256sum:7.0f} MB/s")
    print(f"check      {check:7.0f} MB/s, {check / sha256sum:.2f} of it (limit 0.7)")


if __name__ == "__main__":
    main()
