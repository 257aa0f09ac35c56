"""Which processes run experiments of a store now, told by files that they lock for as long as they live."""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from orchestrator.store.layout import PROCESS_LEASE, Layout
from orchestrator.store.leases import Holder, held, held_if_free


@dataclass(frozen=True)
class RunProcess:
    """A process that runs an experiment.

    Attributes:
        run: The run's name.
    """

    run: str
    holder: Holder


@contextmanager
def told_process(layout: Layout, run: str) -> Iterator[None]:
    """Let others know that this process runs an experiment.

    Raises:
        NoSpace: Where the store's disk is full.
    """
    path = layout.lease(f"{PROCESS_LEASE}{os.getpid()}-{os.urandom(4).hex()}")
    with held(path):
        path.write_text(json.dumps({"run": run, "host": platform.node(), "pid": os.getpid()}), encoding="utf-8")
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def run_processes(layout: Layout) -> list[RunProcess]:
    """Return the processes that run experiments now; what dead ones left is removed."""
    found = []
    for path in sorted(layout.leases.glob(f"{PROCESS_LEASE}*")):
        with held_if_free(path) as dead, suppress(OSError, ValueError, KeyError, TypeError):
            if dead:
                path.unlink()
                continue
            told = json.loads(path.read_text(encoding="utf-8"))
            found.append(RunProcess(str(told["run"]), Holder(str(told["host"]), int(told["pid"]))))
    return found
