"""Runs and removal from Python, for notebooks and scripts: `from orchestrator import api`.

What is named here is stable: a name goes, and a parameter changes its meaning, only after a release that warns of it.
All errors are `api.SirrError`, with `message`, `where` and `hint`. Everything else in this package is its own business.
"""

from orchestrator.api.remove import remove
from orchestrator.api.run import Dataset, Difference, Entrant, Run, open_run, runs
from orchestrator.errors import SirrError
from orchestrator.execute.run_list import RunSummary
from orchestrator.spec.protocol import Protocol, ProtocolMetric

__all__ = [
    "runs",
    "open_run",
    "remove",
    "Run",
    "RunSummary",
    "Entrant",
    "Dataset",
    "Protocol",
    "ProtocolMetric",
    "Difference",
    "SirrError",
]
