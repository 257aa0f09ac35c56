"""Whole command against whole command: exact inference beside untiled ONNX Runtime, for every exact network of the zoo.

usage: python benchmarks/zoo.py [NETWORK.onnx...] [--sizes 40x56 203x311 640x900] [--repeats N] [--exporter dynamo]
Without networks those are taken that the tests have exported (`pytest tests/infer/zoo`) and hold to be exact. Sizes are
height x width, made less where a network takes multiples alone. Each run is a process of its own, from the start of
Python to its end, and with what the engine imports on either side: importing, loading, planning,
sessions and the picture. Untiled comes first; then the engine with as much memory for tensors as untiled took for them,
and with a quarter of it, 16 MiB at the least, beside what the engine sets aside for the process and the weights. The
runs take turns, and ratios are those of medians: of processor seconds, which other programs disturb less, and in
brackets of seconds by the clock.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from inference import ROOT, RUNS, mib, picture_of, put, size_of

sys.path.insert(0, str(ROOT))
from orchestrator.infer.inference_engine import PROCESS_BYTES
from tests.infer.zoo.states import EXACT, accepted

EXPORTED = ROOT / ".sirr" / "zoo"
SHARES = (1.0, 0.25)
"""Of the memory that untiled took for tensors."""
_LEAST_BYTES = 16 * 2**20
HEADING = ("network", "picture", "untiled", "its tensors", "in as much", "memory", "in a quarter", "memory")
NO = "takes no such picture"


@dataclass(frozen=True)
class Run:
    """One process.

    Attributes:
        cpu_s: Processor seconds of the whole process.
        clock_s: Seconds by the clock.
        facts: What the run says of itself.
    """

    cpu_s: float
    clock_s: float
    facts: dict[str, Any]

    @property
    def peak_bytes(self) -> int:
        """The most memory that it held."""
        return int(self.facts["peak_bytes"])


def main() -> None:
    """Print the table as it grows."""
    options = parsed()
    print(f"{os.cpu_count()} cores, a load of {os.getloadavg()[0]:.1f}", file=sys.stderr)
    put([HEADING])
    ratios: dict[float, list[float]] = {share: [] for share in SHARES}
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        for size in options.sizes:
            for network in options.networks or sorted(exact_networks(options.exporter)):
                bench = Bench(network, size, Path(folder), options)
                cells = bench.cells(ratios)
                print(f"| {network.stem} | {bench.height} x {bench.width} | {' | '.join(cells)} |", flush=True)
    for share, found in ratios.items():
        if found:
            print(f"memory x {share:g}: median ratio {statistics.median(found):.2f}, worst {max(found):.2f}")


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", type=Path, metavar="NETWORK.onnx")
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(40, 56), (203, 311), (640, 900)], metavar="HxW")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--exporter", choices=["dynamo", "torchscript"], help="default: both")
    parser.add_argument("--details", type=Path, metavar="FILE", help="add each run's facts to it, a line of JSON each")
    return parser.parse_args()


def exact_networks(exporter: str | None) -> Iterator[Path]:
    """Yield the files that the tests have exported last, of the networks that are exact."""
    folders = sorted(EXPORTED.glob("*/exports.json"), key=lambda path: path.stat().st_mtime)
    if not folders:
        raise SystemExit("no networks: run pytest tests/infer/zoo first, or name some")
    for name, state in accepted().items():
        if state.startswith(EXACT) and name.endswith(exporter or ""):
            yield folders[-1].with_name(f"{name}.onnx")


class Bench:
    """One network and one picture."""

    def __init__(self, network: Path, size: tuple[int, int], folder: Path, options: argparse.Namespace) -> None:
        self._network, self._folder, self._options = network, folder, options
        self._picture = folder / "picture.npy"
        self.height, self.width = size

    def cells(self, ratios: dict[float, list[float]]) -> list[str]:
        """Return the cells of a row, and add its ratios."""
        untiled = self._first()
        if "outputs" not in untiled[0].facts:
            return [NO, *["-"] * 5]
        tensors = untiled[0].peak_bytes - int(untiled[0].facts["loaded_bytes"])
        always = PROCESS_BYTES + 2 * self._network.stat().st_size
        memory = {share: always + max(_LEAST_BYTES, int(tensors * share)) for share in SHARES}
        exact: dict[float, list[Run]] = {share: [self._run("exact", memory[share])] for share in SHARES}
        for _repeat in range(self._options.repeats - 1):
            untiled.append(self._run("untiled", None))
            for share, runs in exact.items():
                if "outputs" in runs[0].facts:
                    runs.append(self._run("exact", memory[share]))
        cells = [f"{median(untiled, 'cpu_s'):.2f} s", mib(tensors)]
        for share, runs in exact.items():
            if "outputs" not in runs[0].facts:
                cells += ["refused", str(runs[0].facts["refused"])]
                continue
            ratios[share].append(median(runs, "cpu_s") / median(untiled, "cpu_s"))
            by_clock = median(runs, "clock_s") / median(untiled, "clock_s")
            cells += [f"{ratios[share][-1]:.2f} ({by_clock:.2f})", mib(max(run.peak_bytes for run in runs))]
        return cells

    def _first(self) -> list[Run]:
        """Return the first run of untiled, at sides of a multiple of 32 where the network takes no others."""
        for multiple in (1, 32):
            self.height, self.width = (side // multiple * multiple for side in (self.height, self.width))
            np.save(self._picture, picture_of(self.height, self.width, 0))
            run = self._run("untiled", None)
            if "outputs" in run.facts:
                break
        return [run]

    def _run(self, kind: str, memory: int | None) -> Run:
        answers = self._folder / "answers"
        shutil.rmtree(answers, ignore_errors=True)
        answers.mkdir()
        files = {"network": str(self._network.resolve()), "picture": str(self._picture), "work": str(self._folder)}
        (answers / "request.json").write_text(json.dumps({"kind": kind, "memory_bytes": memory, **files}))
        began = time.perf_counter()
        command = [sys.executable, str(RUNS), str(answers / "request.json")]
        quiet = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        child = os.posix_spawn(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)}, file_actions=quiet)
        _child, _status, usage = os.wait4(child, 0)
        clock_s, cpu_s = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
        facts = {"peak_bytes": 0, "refused": NO}
        if (answers / "result.json").is_file():
            facts |= json.loads((answers / "result.json").read_text())
        if self._options.details:
            with self._options.details.open("a") as stream:
                line = {"network": self._network.stem, "kind": kind, "cpu_s": cpu_s, "clock_s": clock_s, **facts}
                stream.write(json.dumps(line) + "\n")
        return Run(cpu_s, clock_s, facts)


def median(runs: list[Run], name: str) -> float:
    """Return the median of a figure."""
    return statistics.median(getattr(run, name) for run in runs)


if __name__ == "__main__":
    main()
