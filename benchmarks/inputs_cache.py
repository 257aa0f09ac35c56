"""What it saves to read a prepared set of many small files from this machine's disk, where the store's is far away.

usage: python benchmarks/inputs_cache.py [--files N] [--bytes B] [--folder FOLDER] [--node FOLDER]
A store is made in FOLDER and mounted by sshfs from a server on this machine; needs sshfs, openssh-server and /dev/fuse.
Read is every file, one at a time, as a program does; each time over a new mount, which remembers nothing. Real networks
answer slower than this machine does to itself: there the ratio is larger.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.plan.keys import Identity, document_key
from orchestrator.store.inputs_cache import InputsCache
from orchestrator.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests import sshfs


def main() -> None:
    """Print a table."""
    options = parsed()
    if reason := sshfs.why_not():
        raise SystemExit(f"cannot measure here: {reason}")
    with tempfile.TemporaryDirectory(dir=options.folder) as made, tempfile.TemporaryDirectory(dir=options.node) as node:
        folder = Path(made)
        inner = kept(Store(folder / "served" / "store"), options.files, options.bytes).relative_to(folder / "served")
        rows = dict(measured(folder, Path(node), inner))
    least = rows["file by file over the mount"]
    print("| reading | seconds | ratio |\n| --- | --- | --- |")
    for name, seconds in rows.items():
        print(f"| {name} | {seconds:.2f} | {seconds / least:.3f} |")


def measured(folder: Path, node: Path, inner: Path) -> list[tuple[str, float]]:
    """Return seconds of each way to read a set, by name."""
    found = []

    def over_a_mount(name: str, work: str) -> None:
        point = folder / name
        with sshfs.mounts(point, folder / "served", 1) as (mount,):
            store = Store(mount / "store")
            cache = InputsCache(store.layout, node)
            began = time.perf_counter()
            if work == "file by file over the mount":
                read(mount / inner)
            else:
                with cache.near(mount / inner, print) as near:
                    if near == mount / inner:
                        raise SystemExit("it is not near")
                    read(near)
            found.append((work, time.perf_counter() - began))
        shutil.rmtree(point, ignore_errors=True)

    over_a_mount("a", "file by file over the mount")
    over_a_mount("b", "packed, filled and read: the first machine")
    for path in node.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    over_a_mount("c", "filled and read: every further machine")
    over_a_mount("d", "compared and read: every further stage")
    return found


def read(folder: Path) -> int:
    """Read every file of a folder and return their bytes."""
    return sum(len(Path(above, name).read_bytes()) for above, _folders, names in os.walk(folder) for name in names)


def kept(store: Store, files: int, size: int) -> Path:
    """Keep a result of many files, and return its output."""
    document = {"kind": "prepare", "settings": {"files": files}}
    identity = Identity("prepare/many", document_key(document), document)
    output = store.staging(identity.key) / "output"
    (output / "transmission").mkdir()
    for number in range(files):
        (output / "transmission" / f"{number:06d}.png").write_bytes(os.urandom(size))
    return store.commit(identity, {}, []).output


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=15_287)
    parser.add_argument("--bytes", type=int, default=20_000)
    parser.add_argument("--folder", type=Path, help="where the store is made")
    parser.add_argument("--node", type=Path, help="this machine's disk")
    return parser.parse_args()


if __name__ == "__main__":
    main()
