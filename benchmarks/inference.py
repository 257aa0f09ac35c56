"""What exact inference costs and how equal it is: beside untiled ONNX Runtime, beside tiles that blend, in a container.

usage: python benchmarks/inference.py NETWORK.onnx... [--sizes 512x640 1000x1000 1935x2942] [--memory GIB...]
           [--repeats N] [--limit GIB] [--table time memory equality]
       python benchmarks/inference.py NETWORK.onnx... --table field --monai PYTHON
       python benchmarks/inference.py NETWORK.onnx... --sizes 1935x2942 --container 8g [--image REFERENCE]
Sizes are height x width. Every run is a process of its own (inference_runs.py), so that its peak of memory is its own;
runs alternate, and medians of their seconds are printed. The engine gets no limit first (roomy), then each --memory.
Untiled is ONNX Runtime with its own settings on the file as exported. It is ended, and said not to fit, when it holds
more than --limit, by default nine tenths of what is free; this program watches it, for an arena's limit would change
how it allocates. PYTHON is an interpreter with monai, torch for CPUs, onnxruntime, onnx, numpy and pillow.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from inference_container import container_rows
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "benchmarks" / "inference_runs.py"
TABLES = ("time", "memory", "equality", "field")
HEADINGS = {
    "time": (
        "network",
        "size",
        "memory",
        "untiled",
        "exact",
        "ratio",
        "in its sessions",
        "planning",
        "reading (untiled)",
    ),
    "memory": ("network", "size", "memory", "untiled's peak", "peak", "expected", "in files", "segments", "tiles"),
    "equality": ("network", "size", "memory", "against", "difference / range", "bits", "8-bit values that differ"),
    "field": (
        "network",
        "size",
        "how",
        "seconds",
        "peak",
        "difference / range",
        "RMS / deviation",
        "8-bit values that differ",
    ),
}


def main() -> None:
    """Print the tables that are asked for."""
    options = parsed()
    print(f"ONNX Runtime, {os.cpu_count()} cores, seed {options.seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=options.work, prefix="inference-") as folder:
        if options.container:
            put(container_rows(options, pictures(options, Path(folder)), Path(folder)))
            return
        tables: dict[str, list[Iterable[str]]] = {name: [HEADINGS[name]] for name in options.table}
        for size, picture in pictures(options, Path(folder)):
            for path in options.networks:
                bench = Bench(path, size, picture, Path(folder), options)
                if set(options.table) - {"field"}:
                    for name, rows in bench.compared().items():
                        tables.setdefault(name, []).extend(rows)
                if "field" in options.table:
                    tables["field"].extend(bench.field())
    for name in options.table:
        print(f"\n### {name}")
        put(tables[name])


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", type=Path, metavar="NETWORK.onnx")
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[(512, 640), (1000, 1000)], metavar="HxW")
    parser.add_argument("--memory", nargs="*", type=float, default=[], metavar="GIB", help="budgets besides none")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, metavar="GIB", help="what untiled may hold")
    parser.add_argument("--table", nargs="+", choices=TABLES, default=TABLES[:3])
    parser.add_argument("--monai", metavar="PYTHON", help="interpreter for MONAI's row of the table field")
    parser.add_argument("--container", metavar="MEM", help="run in Docker containers limited to MEM, such as 8g")
    parser.add_argument("--image", help="for --container; default: the image inference as this checkout builds it")
    parser.add_argument("--only", choices=["exact", "untiled"], help="for --container; default: both")
    parser.add_argument("--work", type=Path, help="folder on a disk for pictures, answers and live tensors")
    parser.add_argument("--details", type=Path, metavar="FILE", help="add each run's facts to it, a line of JSON each")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def size_of(text: str) -> tuple[int, int]:
    """Return height and width."""
    height, width = text.lower().split("x")
    return int(height), int(width)


def pictures(options: argparse.Namespace, folder: Path) -> Iterator[tuple[tuple[int, int], Path]]:
    """Yield each size with a file of a picture: float32, (H, W, 3), RGB, 0 to 1, and on the 8-bit grid."""
    for height, width in options.sizes:
        path = folder / "picture.npy"
        np.save(path, picture_of(height, width, options.seed))
        yield (height, width), path


def picture_of(height: int, width: int, seed: int) -> np.ndarray:
    """Return smooth random content, other from place to place, with noise: no tile is like the whole."""
    rng = np.random.default_rng(seed)
    picture = np.empty((height, width, 3), np.float32)
    for channel in range(3):
        total = 0.05 * rng.standard_normal((height, width), np.float32)
        for cells, strength in ((2, 0.5), (5, 0.5), (40, 0.3)):
            coarse = rng.standard_normal((cells + 1, cells + 2), np.float32)
            smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            total += strength * np.asarray(smooth)
        picture[..., channel] = np.rint(np.clip(0.5 + 0.25 * total, 0, 1) * 255) / 255
    return picture


@dataclass(frozen=True)
class Way:
    """How a picture goes through.

    Attributes:
        kind: As inference_runs names it.
        memory: GiB, None for no limit.
    """

    kind: str
    memory: float | None = None

    @property
    def words(self) -> str:
        """The way as tables name it."""
        if self.kind == "optimised":
            return "untiled, optimised"
        return self.kind if self.kind != "exact" else "roomy" if self.memory is None else f"{self.memory:g} GiB"


class Bench:
    """One network and one picture."""

    def __init__(self, path: Path, size: tuple[int, int], picture: Path, folder: Path, options: Any) -> None:
        self._path, self._picture, self._folder, self._options = path, picture, folder, options
        self._head = (path.parent.name if path.stem == "network" else path.stem, f"{size[0]} x {size[1]}")

    def compared(self) -> dict[str, list[Iterable[str]]]:
        """Return the rows of the engine beside untiled, by table."""
        ways = [Way("optimised"), Way("exact"), *(Way("exact", memory) for memory in self._options.memory)]
        found = self._runs([Way("untiled"), *ways])
        whole = found[Way("untiled")]
        against = next((way for way in found if "outputs" in found[way][0]), Way("untiled"))
        rows: dict[str, list[Iterable[str]]] = {"time": [], "memory": [], "equality": []}
        for way in ways:
            runs, head = found[way], (*self._head, way.words)
            rows["time"].append((*head, *time_cells(whole, runs)))
            rows["memory"].append((*head, *memory_cells(whole, runs)))
            if way != against and "outputs" in runs[0]:
                name = "untiled" if against.kind == "untiled" else f"exact, {against.words}"
                difference = Difference.between(self._answers(against), self._answers(way))
                rows["equality"].append((*head, name, *difference.cells[:2], difference.cells[3]))
        return {name: rows[name] for name in self._options.table if name in rows}

    def field(self) -> list[Iterable[str]]:
        """Return the rows of what others do with the same picture and graph."""
        ways = [Way("untiled"), Way("exact"), Way("blended"), *([Way("monai")] if self._options.monai else [])]
        names = {"blended": "blended tiles, 512, overlap 64", "monai": "MONAI, 512, overlap 25 %, Gaussian"}
        found = self._runs(ways)
        rows: list[Iterable[str]] = []
        for way in ways:
            runs = found[way]
            cells = ("-", "-", "-", "-")
            if way.kind != "untiled" and all("outputs" in found[one][0] for one in (way, Way("untiled"))):
                cells = Difference.between(self._answers(Way("untiled")), self._answers(way)).cells
            name = names.get(way.kind, way.kind)
            rows.append((*self._head, name, seconds(runs, "seconds"), peak(runs), cells[0], cells[2], cells[3]))
        return rows

    def answered(self, way: Way) -> dict[str, np.ndarray]:
        """Run one way once and return what it answers, by output."""
        self._run(way)
        return {path.stem: np.load(path) for path in sorted(self._answers(way).glob("*.npy"))}

    def _runs(self, ways: list[Way]) -> dict[Way, list[dict[str, Any]]]:
        """Run every way in turns; what did not fit once is not tried again."""
        found: dict[Way, list[dict[str, Any]]] = {way: [] for way in ways}
        for repeat in range(self._options.repeats):
            for way in ways:
                if repeat == 0 or "outputs" in found[way][0]:
                    found[way].append(self._run(way))
        return found

    def _run(self, way: Way) -> dict[str, Any]:
        answers = self._answers(way)
        shutil.rmtree(answers, ignore_errors=True)
        answers.mkdir()
        request = {
            "kind": way.kind,
            "network": str(self._path.resolve()),
            "picture": str(self._picture),
            "work": str(self._folder),
            "memory_bytes": None if way.memory is None else int(way.memory * 2**30),
        }
        (answers / "request.json").write_text(json.dumps(request))
        python = self._options.monai if way.kind == "monai" else sys.executable
        limit = self._options.limit * 2**30 if self._options.limit else 0.9 * psutil.virtual_memory().available
        seen = watched([python, str(RUNS), str(answers / "request.json")], limit)
        result = {**(json.loads((answers / "result.json").read_text())), **seen}
        words = " ".join((*self._head, way.kind, way.words))
        print(f"{words}: {seconds([result], 'seconds')}, {peak([result])}", file=sys.stderr)
        if self._options.details:
            with self._options.details.open("a") as stream:
                stream.write(json.dumps({"run": words, **result}) + "\n")
        return result

    def _answers(self, way: Way) -> Path:
        return self._folder / f"answers-{way.kind}-{way.memory}"


def watched(command: list[str], limit: float) -> dict[str, Any]:
    """Run a command to its end, or until it holds more than `limit` bytes: then return that it did not fit.

    Its own peak, where it ended by itself, stands in its result; the kernel may have killed it as well.
    """
    process = psutil.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):  # it may end just now
            most = max(most, process.memory_info().rss)
        if most > limit:
            process.kill()
            process.wait()
        time.sleep(0.02)
    if process.returncode == -signal.SIGKILL:
        return {"peak_bytes": most, "fits": False}
    if process.wait():
        raise SystemExit(f"a run ended with exit code {process.returncode}: {' '.join(command)}")
    return {}


@dataclass(frozen=True)
class Difference:
    """What two answers differ by, over all outputs.

    Attributes:
        largest: Absolute difference by the range of the output.
        rms: By the standard deviation of the output.
        values: Share of the 8-bit values that differ, as they are saved, and the largest step between two.
        step: See `values`.
    """

    largest: float
    rms: float
    identical: bool
    values: float
    step: int

    @classmethod
    def between(cls, one: Path, other: Path) -> "Difference":
        """Compare two folders of outputs."""
        largest, rms, differing, count, step, identical = 0.0, 0.0, 0, 0, 0, True
        for path in sorted(one.glob("*.npy")):
            a, b = np.load(path), np.load(other / path.name)
            identical = identical and np.array_equal(a.view(np.uint32), b.view(np.uint32))
            distance = np.abs(a - b)
            largest = max(largest, float(distance.max()) / float(a.max() - a.min()))
            rms = max(rms, float(np.sqrt(np.mean(distance**2, dtype=np.float64)) / np.std(a, dtype=np.float64)))
            steps = np.abs(pixels(a) - pixels(b))
            differing, count = differing + int(np.count_nonzero(steps)), count + steps.size
            step = max(step, int(steps.max()))
        return cls(largest, rms, identical, differing / count, step)

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Largest, bits, root of the mean square, 8-bit values: as tables have them."""
        values = f"{100 * self.values:.2g} %, by {self.step} at most"
        return (
            "0" if self.largest == 0 else f"{self.largest:.1e}",
            "identical" if self.identical else "differ",
            "0" if self.rms == 0 else f"{self.rms:.1e}",
            values if self.values else "none",
        )


def pixels(values: np.ndarray) -> np.ndarray:
    """Return values as pictures have them, clipped and rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.int16)


def time_cells(whole: list[dict[str, Any]], runs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return seconds of both, the ratio, and of what is counted apart."""
    ratio = "-"
    if all("outputs" in found[0] for found in (whole, runs)):
        ratio = f"{median(runs, 'seconds') / median(whole, 'seconds'):.2f}"
    return (
        seconds(whole, "seconds"),
        seconds(runs, "seconds"),
        ratio,
        seconds(runs, "sessions_s"),
        seconds(runs, "plan_s"),
        f"{seconds(runs, 'load_s')} ({seconds(whole, 'load_s')})",
    )


def memory_cells(whole: list[dict[str, Any]], runs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return peaks, what was expected, and the plan."""
    first = runs[0]
    if "steps" not in first:
        return (peak(whole), peak(runs), "-", "-", "-", "-")
    tiles = [step["tiles"][0] * step["tiles"][1] for step in first["steps"]]
    again = ", planned anew" if first.get("replanned") else ""
    plan = (mib(first["expected_bytes"]), mib(first["filed_bytes"]), f"{len(tiles)}{again}", f"{sum(tiles)}")
    return (peak(whole), peak(runs), *plan)


def seconds(runs: list[dict[str, Any]], name: str) -> str:
    """Return a median of seconds for a table."""
    if "refused" in runs[0] or not runs[0].get("fits", True):
        words = "refused" if "refused" in runs[0] else "does not fit"
        return words if name == "seconds" else "-"
    if name not in runs[0]:
        return "-"
    value = median(runs, name)
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def peak(runs: list[dict[str, Any]]) -> str:
    """Return the highest peak for a table."""
    if "refused" in runs[0]:
        return str(runs[0]["refused"])
    more = "" if runs[0].get("fits", True) else "more than "
    return more + mib(max(run["peak_bytes"] for run in runs))


def median(runs: list[dict[str, Any]], name: str) -> float:
    """Return the median of a figure."""
    return statistics.median(run[name] for run in runs)


def mib(count: float) -> str:
    """Return bytes for a table."""
    return f"{count / 2**20:,.0f} MiB"


def put(rows: Iterable[Iterable[str]]) -> None:
    """Print rows as Markdown, the first as the heading."""
    for place, row in enumerate(rows):
        cells = list(row)
        print("| " + " | ".join(cells) + " |", flush=True)
        if place == 0:
            print("| " + " | ".join("---" for _ in cells) + " |")


if __name__ == "__main__":
    main()
