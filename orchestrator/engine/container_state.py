"""What an engine says of a container, in this program's words."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.engine.container import LABEL_OWNER, LABEL_PLACE, LABEL_STAGING
from orchestrator.engine.owner import Owner
from orchestrator.engine.program import ended_well, place, result_is_left
from orchestrator.engine.protocol import Job, Outcome

OVER = ("exited", "dead")
"""The states of a container that has ended."""


def container_bytes(stats: Mapping[str, Any]) -> int | None:
    """Return what a container holds by the engine's statistics, less the files that the kernel would let go first.

    That is how Docker's own command line counts. None where the engine does not say, as of a container that ended.
    """
    memory = stats.get("memory_stats") or {}
    usage, details = memory.get("usage"), memory.get("stats") or {}
    if not usage:
        return None
    idle = details.get("inactive_file", details.get("total_inactive_file", 0))
    return int(usage - idle) if idle < usage else int(usage)


def is_running(found: dict[str, Any]) -> bool:
    """Return whether a container runs."""
    return found["State"]["Status"] in ("running", "paused", "restarting")


def is_displaced(found: dict[str, Any], job: Job) -> bool:
    """Return whether a container works in a folder that was under this path before; another machine cannot tell."""
    labels = found["Config"]["Labels"]
    owner = Owner.parse(labels.get(LABEL_OWNER, ""))
    same_machine = owner is not None and owner.host == Owner.current().host
    return bool(same_machine and labels.get(LABEL_PLACE) != place(job.staging))


def holds_result(found: dict[str, Any]) -> bool:
    """Return whether a container ended well and nobody has fetched what it left."""
    staging = found["Config"]["Labels"].get(LABEL_STAGING)
    if found["State"]["Status"] != "exited" or not staging:
        return False
    return ended_well(found["State"]["ExitCode"], Path(staging)) and result_is_left(Path(staging))


def container_started(found: dict[str, Any] | None) -> float | None:
    """Return when a container was started, in seconds since the epoch; None where it was not, or is gone."""
    return None if found is None else _epoch(found["State"].get("StartedAt"))


def container_outcome(state: dict[str, Any]) -> Outcome:
    """Return how a container ended."""
    error = str(state.get("Error") or "") or None
    return Outcome(
        exit_code=int(state["ExitCode"]),
        out_of_memory=bool(state.get("OOMKilled")),
        started=_epoch(state.get("StartedAt")),
        finished=_epoch(state.get("FinishedAt")),
        error=error,
    )


def _epoch(stamp: str | None) -> float | None:
    """Return seconds since the epoch; the engine writes the year 1 for what has not happened."""
    if not stamp or stamp.startswith("0001"):
        return None
    return datetime.fromisoformat(stamp).timestamp()
