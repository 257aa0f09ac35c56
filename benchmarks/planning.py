"""What planning costs, beside what the plan is expected to take and what laying out every segment would.

usage: python benchmarks/planning.py NETWORK.onnx... [--sizes 203x311 640x900 1400x1430] [--shares 1 0.5 0.25]
Sizes are height x width; shares are those of the memory that the whole picture is expected to take, and the rest of
the process on top. Seconds are of the processor. The last column is that of laying out some segments exactly, drawn
with a seed, times how many there are between the cuts, in all tiles: planning without estimates.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import PROCESS_BYTES, InferenceEngine
from orchestrator.infer.planning.cuts import Cuts
from orchestrator.infer.planning.planner import TILES, NoPlanFits, plan_of
from orchestrator.infer.planning.segment import Crossing
from orchestrator.infer.planning.segment_cost import segment_cost
from orchestrator.infer.session import Resources

_CUTS, _DRAWN = 44, 60


def main() -> None:
    """Print a table."""
    options = parsed()
    print("| network | nodes | size | memory | planning | segments | expected | laying out all, estimated |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for path in options.networks:
        for size in options.sizes:
            for row in rows(path, size, options.shares):
                print("| " + " | ".join(row) + " |", flush=True)


def rows(path: Path, size: Size, shares: list[float]) -> Iterator[list[str]]:
    """Yield a row for each share of memory."""
    engine = InferenceEngine(path, Resources(threads=1))
    graph = engine.planned(size).graph
    whole = plan_of(graph, 1 << 60).peak_bytes
    all_of_them = laid_out_s(graph)
    for share in shares:
        budget = int(whole * share)
        started = time.process_time()
        try:
            plan = plan_of(graph, budget)
            found = [str(len(plan.steps)), f"{plan.seconds:.1f} s"]
        except NoPlanFits as error:
            found = ["none", f"needs {((error.least_bytes or 0) + PROCESS_BYTES) >> 20} MiB"]
        seconds = f"{time.process_time() - started:.2f} s"
        memory = f"{budget >> 20} MiB ({share:g})"
        yield [path.stem, str(len(graph.nodes)), str(size), memory, seconds, *found, f"{all_of_them:.0f} s"]


def laid_out_s(graph: Graph) -> float:
    """Return the seconds that it takes to lay out each segment between two cuts in each tile."""
    cuts = Cuts(graph)
    places = cuts.places(_CUTS)
    tiles = [None, *(tile for tile in TILES if tile < max(graph.size.height, graph.size.width))]
    drawn = random.Random(0)
    started = time.process_time()
    for _ in range(_DRAWN):
        begin, end = sorted(drawn.sample(places, 2)) if len(places) > 2 else (places[0], places[-1])
        tile = drawn.choice(tiles)
        try:
            segment_cost(cuts.segment(begin, end, whole=tile is None), tile)
        except Crossing:
            continue
    each = (time.process_time() - started) / _DRAWN
    return each * len(tiles) * len(places) * (len(places) - 1) / 2


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", type=Path)
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[Size(203, 311), Size(640, 900), Size(1400, 1430)])
    parser.add_argument("--shares", nargs="+", type=float, default=[1.0, 0.5, 0.25])
    return parser.parse_args()


def size_of(text: str) -> Size:
    """Return the size that HEIGHTxWIDTH names."""
    height, _, width = text.partition("x")
    return Size(int(height), int(width))


if __name__ == "__main__":
    sys.exit(main())
