"""Fuzzes the readers of what strangers made, for minutes or hours, and says what was found.

Called as: python -m tests.fuzz [--minutes 60] [--jobs 2] [TARGET ...]
Inputs that reach something new are kept in `.fuzz/TARGET/corpus`, and found again there by the next call.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.target import target_names

FOLDER = Path(".fuzz")
LONGEST_S = 10
MEMORY_MIB = 2048
LARGEST_BYTES = 1 << 16

_STATUS = re.compile(r"#(\d+)\s+\w+.*?cov: (\d+)")


@dataclass(frozen=True)
class Outcome:
    """What came of one target.

    Attributes:
        edges: Branches of this project's code that were reached.
        findings: Files with an input each, and beside it what was raised.
    """

    target: str
    executions: int
    edges: int
    findings: tuple[Path, ...]


def fuzz(target: str, seconds: int) -> Outcome:
    """Fuzz one target in a process of its own, and return what came of it."""
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-timeout={LONGEST_S}", f"-rss_limit_mb={MEMORY_MIB}"]
    options += [f"-max_len={LARGEST_BYTES}", f"-artifact_prefix={folder}/ended-", "-len_control=0"]
    command = [sys.executable, "-m", "tests.fuzz.guided", target, str(folder), *options]
    log = folder / "log"
    with log.open("wb") as stream:
        subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False)
    told = _STATUS.findall(log.read_text(errors="replace"))
    executions, edges = map(int, told[-1]) if told else (0, 0)
    kept = sorted(path for path in (folder / "findings").glob("*") if path.suffix != ".txt")
    return Outcome(target, executions, edges, (*kept, *sorted(folder.glob("ended-*"))))


def main() -> int:
    """Fuzz, and return 1 where anything was found."""
    names = target_names()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)}; default: all")
    parser.add_argument("--minutes", type=float, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets at the same time")
    given = parser.parse_args()
    if find_spec("atheris") is None:
        parser.error("atheris is not installed: make fuzz installs it; it has wheels for Linux on x86-64 alone")
    unknown = sorted(set(given.targets) - set(names))
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(names)}")
    names = given.targets or names
    with ThreadPoolExecutor(given.jobs) as pool:
        outcomes = list(pool.map(lambda name: fuzz(name, round(60 * given.minutes)), names))
    for one in outcomes:
        counts = f"{one.executions:>12,} inputs{one.edges:>8,} edges{len(one.findings):>4} findings"
        sys.stdout.write("\n    ".join([f"{one.target:20}{counts}", *map(str, one.findings)]) + "\n")
    return int(any(outcome.findings for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
