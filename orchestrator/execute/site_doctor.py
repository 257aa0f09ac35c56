"""Examines a site's cluster: submits a job of a few seconds, and says what its node sees and keeps to."""

import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.engine import slurm_probe
from orchestrator.engine.slurm_commands import Controller, ControllerAway, Seen
from orchestrator.errors import SirrError
from orchestrator.execute.cluster import asked_site, refuse_without_commands
from orchestrator.execute.doctor import Finding
from orchestrator.locks import lock
from orchestrator.spec.site import Site, site_file
from orchestrator.store.store import Store

_POLL_S = 1.0
_SETTLE_S = 10.0
_SHARED = "put the store and this program's own environment on a disk that all nodes see under the same path"


def examine_site(store_root: Path, patience_s: float = 180.0) -> Iterator[Finding]:
    """Yield what there is to know of the site before a run is left to it.

    Args:
        store_root: The store that runs will use; the probe lies there as long as it takes.
        patience_s: How long the probe may wait in the queue.
    """
    try:
        site = asked_site()
        if site is None or site.where == "here":
            yield Finding("site", "ok", "all stages run on this machine; no site submits any")
            return
        yield Finding("site", "ok", f"{site_file()}: Slurm gets {', '.join(site.submit) or 'nothing: submit is empty'}")
        refuse_without_commands()
        store = Store(store_root)
        store.make()
        with store.scratch("site-probe") as folder:
            yield from _probed(site, folder.resolve(), patience_s)
    except ControllerAway as error:
        yield Finding("slurm", "error", f"its controller does not answer: {error}", "see: scontrol ping")
    except SirrError as error:
        where = f" ({error.where})" if error.where else ""
        yield Finding("site", "error", f"{error.message}{where}", error.hint)


def _probed(site: Site, folder: Path, patience_s: float) -> Iterator[Finding]:
    (folder / slurm_probe.WORD).write_text(uuid.uuid4().hex, encoding="utf-8")
    handle = os.open(folder / slurm_probe.LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock(handle, folder / slurm_probe.LOCK)
        controller = Controller(_POLL_S)
        name, began = uuid.uuid4().hex, time.monotonic()
        job = controller.submit(_options(site, folder, name))
        found, seen = _answer(controller, folder, name, began + patience_s)
        waited = time.monotonic() - began
    finally:
        os.close(handle)
    if not found:
        controller.cancel(job)
        yield _no_answer(job, seen, folder, waited)
        return
    yield Finding("slurm", "ok", f"job {job} ran on {found['host']} and had answered after {waited:.0f} s")
    yield from _findings(site, found, (folder / slurm_probe.WORD).read_text(encoding="utf-8"))


def _options(site: Site, folder: Path, name: str) -> list[str]:
    demand = site.demand(next(iter(site.submit), "train"))
    told = {
        "job-name": "sirr-probe",
        "comment": name,
        "output": str(folder / "log"),
        "export": "LANG=C.UTF-8",
        "ntasks": "1",
        "partition": demand.partition,
        "account": demand.account,
        "time": "5" if demand.time is not None else None,
        "gres": demand.gpu,
    }
    options = [f"--{option}={value}" for option, value in told.items() if value is not None]
    command = f"exec '{sys.executable}' -I -m {slurm_probe.__name__} '{folder}'"
    return [*options, "--no-requeue", *demand.options, "--wrap", command]


def _answer(controller: Controller, folder: Path, name: str, until: float) -> tuple[dict[str, Any], Seen | None]:
    """Return the probe's answer, empty where none came, and what the queue last showed of it."""
    seen, ended = None, None
    while time.monotonic() < until:
        if (folder / slurm_probe.ANSWER).exists():
            return json.loads((folder / slurm_probe.ANSWER).read_text(encoding="utf-8")), seen
        view = controller.view()
        seen = (view.of(name) if view is not None else None) or seen
        if seen is not None and not seen.live:
            ended = ended or time.monotonic()
            if time.monotonic() - ended > _SETTLE_S:
                break
        time.sleep(_POLL_S / 2)
    return {}, seen


def _no_answer(job: int, seen: Seen | None, folder: Path, waited: float) -> Finding:
    if seen is None or seen.live:
        state = "does not show it" if seen is None else f"shows it as {seen.state} ({seen.reason})"
        remedy = "correct partition, account, time or gpu in the site file; or wait, where the cluster is full"
        return Finding("slurm", "error", f"job {job} has not begun within {waited:.0f} s; the queue {state}", remedy)
    log = folder / "log"
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    last = f": {said[-1]}" if said else "; its node cannot write to the store's folder"
    return Finding("slurm", "error", f"job {job} ended as {seen.state} on {seen.node or 'no node'}{last}", _SHARED)


def _findings(site: Site, found: dict[str, Any], word: str) -> Iterator[Finding]:
    if found["word"] == word:
        yield Finding("shared store", "ok", "the node reads what is written here")
    else:
        yield Finding("shared store", "error", "the node reads another folder under the same path", _SHARED)
    if found["keeps_locks"]:
        yield Finding("locks", "ok", "a lock that is held here keeps the node out")
    else:
        yield Finding(
            "locks",
            "warning",
            "a lock that is held here does not keep the node out",
            "mount the disk with locks; until then jobs are kept apart by claims and by Slurm alone",
        )
    if not found["keeps_claims"]:
        yield Finding("claims", "error", "a file that is there could be created once more on the node", _SHARED)
    wanted = site.walls
    if wanted not in ("auto", found["walls"]):
        if wanted == "none":
            yield Finding(
                "walls",
                "warning",
                "the site says none: jobs can use the network and every file of yours",
                f"write walls: auto; {found['walls']} works there",
            )
        else:
            yield Finding(
                "walls",
                "error",
                f"the site says {wanted}, and the best on the node is {found['walls']}",
                "write walls: auto",
            )
    elif found["walls"] == "none":
        yield Finding("walls", "warning", found["walls_sentence"], "ask for user namespaces on the nodes")
    else:
        yield Finding("walls", "ok", found["walls_sentence"])
    gpus = ", ".join(found["gpus"]) or "none shown by its driver"
    yield Finding("gpu", "ok", f"of the node: {gpus}; given to the job: {found['devices'] or 'none'}")
    memory = f"{found['memory']} MB" if found["memory"] else "no limit told"
    yield Finding("limits", "ok", f"{found['processors']} processors, memory: {memory}")
