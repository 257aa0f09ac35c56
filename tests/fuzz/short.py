"""One target without coverage: the same inputs every time, each within bounds of time and memory.

Called as: python -m tests.fuzz.short TARGET [--executions N] [--seed S] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
from pathlib import Path

from tests.fuzz.target import Target, load_target, target_names

LONGEST_S = 5
"""Processor time that one input may take; most take a millisecond."""

MEMORY_BYTES = 6 << 30
"""Addresses that a process may have: what an input may make it reserve, with all its libraries."""


class TooSlow(Exception):
    """An input took longer than any may."""


def play(target: Target, executions: int, seed: int, keep: Path) -> None:
    """Read the seeds, and inputs made of them.

    Args:
        keep: Folder for the first input that is a finding.

    Raises:
        Exception: What that input raised.
    """
    rng = random.Random(seed)
    kept = list(target.seeds)
    for number in range(executions + len(kept)):
        data = kept[number] if number < len(target.seeds) else target.mutate(rng.choice(kept), rng)
        read_in_bounds(target, data, keep)
        if number >= len(target.seeds) and rng.random() < 0.02:
            kept.append(data)  # a change of a change gets further than one


def read_in_bounds(target: Target, data: bytes, keep: Path) -> None:
    """Read one input; one that is a finding is kept."""
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST_S)
    try:
        target.fuzz_one(data)
    except BaseException:
        (keep / target.name).write_bytes(data)
        sys.stderr.write(f"finding in {target.name}: {data[:200]!r}, the whole in {keep / target.name}\n")
        raise
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=target_names())
    parser.add_argument("--executions", type=int)
    parser.add_argument("--seed", type=int, default=14)
    parser.add_argument("--keep", type=Path, default=Path())
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    def stop(_number: int, _frame: object) -> None:
        raise TooSlow(f"more than {LONGEST_S} s")

    signal.signal(signal.SIGVTALRM, stop)
    target = load_target(given.target)
    begun = time.monotonic()
    executions = given.executions if given.executions is not None else target.executions
    play(target, executions, given.seed, given.keep)
    sys.stdout.write(f"{target.name}: {executions} inputs, {time.monotonic() - begun:.1f} s\n")


if __name__ == "__main__":
    main()
