"""What walls cost at a program's start: the same small program behind each kind, side by side.

usage: python benchmarks/walls.py [--repeats N]
Each round starts the program once behind every kind, in turn, so that what else the machine does falls on all alike.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from orchestrator.engine.visible import Visible, interpreter_paths, machine_paths
from orchestrator.engine.walls import find_walls
from orchestrator.errors import EngineUnavailable


def main() -> None:
    """Print each kind's median, and what it adds to a start without walls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=41)
    repeats = parser.parse_args().repeats
    visible = Visible((*machine_paths(), *interpreter_paths(Path(sys.executable))), (), Path("/"))
    program = [sys.executable, "-I", "-c", "pass"]
    commands = {}
    for name in ("none", "bubblewrap", "landlock"):
        try:
            commands[name] = [*find_walls(name).walls.command(visible), *program]
        except EngineUnavailable as error:
            print(error.message)
    taken = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, env={})
            taken[name].append(time.perf_counter() - began)
    bare = statistics.median(taken["none"])
    for name, seconds in taken.items():
        added = statistics.median(one - other for one, other in zip(seconds, taken["none"], strict=True))
        print(
            f"{name:<12} {statistics.median(seconds):.3f} s   {statistics.median(seconds) / bare:.2f}   {added:+.3f} s"
        )


if __name__ == "__main__":
    main()
