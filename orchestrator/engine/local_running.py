"""A supervised program, found by the lock and the files in its staging folder; any file may be cut short or odd."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from orchestrator.engine.job_files import follow_log, number_or_none, read_record
from orchestrator.engine.program import RUN_LOCK, STAGE_FILE, ended_well, place, result_is_left
from orchestrator.engine.protocol import Outcome
from orchestrator.errors import InfraFailure
from orchestrator.locks import lock
from orchestrator.process_identity import process_alive

JOB_FILE = "job.json"
PROCESS_FILE = "process.json"
EXIT_FILE = "exit.json"
LOG_FILE = "log.txt"
ENGINE_FILES = (JOB_FILE, PROCESS_FILE, EXIT_FILE, LOG_FILE, "process.partial", "exit.partial")
STAGING_VARIABLE = "SIRR_STAGING"
"""Names a program's staging folder in its environment, which its children inherit."""

_POLL_S = 0.05
_DEAF_S = 10.0


@dataclass(frozen=True)
class _Process:
    """A process by number and start."""

    pid: int
    created: int

    @property
    def alive(self) -> bool:
        return process_alive(self.pid, self.created)

    def signal(self, number: int) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class LocalRunning:
    """A supervised program, by what lies in its staging folder."""

    waits = False
    why_it_waits = ""

    def __init__(self, staging: Path, *, adopted: bool) -> None:
        self._staging = staging
        self._adopted = adopted

    @property
    def adopted(self) -> bool:
        """Whether an earlier process started it."""
        return self._adopted

    @property
    def walls(self) -> str:
        """What it cannot get through; a record that names nothing is from before there were any, or cut short."""
        match read_record(self._staging / JOB_FILE).get("walls"):
            case {"name": str(name)}:
                return name
        return "none"

    @property
    def alive(self) -> bool:
        """Whether the program has not ended: its supervisor holds a lock that ends with it."""
        return not (self._staging / EXIT_FILE).exists() and _is_locked(self._staging / RUN_LOCK)

    @property
    def started(self) -> float | None:
        """When the program was started, seconds since the epoch; None where that is not known."""
        return number_or_none(read_record(self._staging / PROCESS_FILE).get("started"))

    def lines(self) -> Iterator[str]:
        """Follow the output from the first line on; see `Running.lines`."""
        return follow_log(self._staging / LOG_FILE, lambda: not self.alive)

    def memory_bytes(self) -> int | None:
        """Return what the program and its children hold; see `Running.memory_bytes`."""
        watcher = self._process("supervisor")
        if watcher is None or not watcher.alive:
            return None
        with contextlib.suppress(psutil.Error):
            return held_bytes(psutil.Process(watcher.pid).children(recursive=True)) or None
        return None

    def stop(self, grace_s: float) -> None:
        """Send SIGTERM to the program, and SIGKILL to all of it after `grace_s` seconds; see `Running.stop`.

        Only the program itself is asked, as in a container: its workers must not die before it has saved.
        """
        if not self.alive:
            return
        program = self._process("program")
        if grace_s > 0 and program is not None:
            program.signal(signal.SIGTERM)
            self._ended_within(grace_s)
        if not self.alive:
            return
        if program is not None:
            program.signal(signal.SIGKILL)  # its supervisor ends what it leaves
        if program is None or not self._ended_within(_DEAF_S):
            watcher = self._process("supervisor")
            if watcher is not None:
                watcher.signal(signal.SIGKILL)
            kill_programs_of(self._staging)

    def outcome(self) -> Outcome:
        """Wait for the end and say how it came."""
        while self.alive:
            time.sleep(_POLL_S)
        ended = read_record(self._staging / EXIT_FILE)
        if not ended:
            kill_programs_of(self._staging)
            return Outcome(None, error="the program's supervisor was killed, or the machine was restarted")
        return Outcome(
            exit_code=_whole(ended.get("exit_code")),
            out_of_memory=ended.get("out_of_memory") is True,
            started=number_or_none(ended.get("started")),
            finished=number_or_none(ended.get("finished")),
            error=None if ended.get("error") is None else str(ended["error"]),
        )

    def remove(self) -> None:
        """Remove the engine's files from the staging folder; kills a program that still runs.

        Raises:
            InfraFailure: Where it runs on, because it was started where its number means nothing here.
        """
        self.stop(0.0)
        deadline = time.monotonic() + _DEAF_S
        while _is_locked(self._staging / RUN_LOCK) and time.monotonic() < deadline:
            time.sleep(_POLL_S / 10)
        if _is_locked(self._staging / RUN_LOCK):
            raise InfraFailure(
                "a program that was started elsewhere, on another machine or in a container, works in this folder",
                where=str(self._staging),
                hint="stop it where it was started, or wait for it",
            )
        if not (self._staging / EXIT_FILE).exists():
            kill_programs_of(self._staging)
        for name in (*ENGINE_FILES, STAGE_FILE):
            (self._staging / name).unlink(missing_ok=True)

    def _ended_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return not self.alive

    def _process(self, which: str) -> _Process | None:
        match read_record(self._staging / PROCESS_FILE).get(which):
            case {"pid": int(pid), "created": int(created)} if pid > 1:
                return _Process(pid, created)
        return None


def holds_result(staging: Path) -> bool:
    """Return whether a program ended well in this very folder and nobody has fetched what it left.

    In a copy of a folder the results may be older than the word that they are complete.
    """
    ended = _whole(read_record(staging / EXIT_FILE).get("exit_code"))
    return (
        ended_well(ended, staging)
        and result_is_left(staging)
        and read_record(staging / JOB_FILE).get("place") == place(staging)
    )


def kill_programs_of(staging: Path) -> None:
    """Kill what a dead supervisor left of a program: it bears its staging folder in its environment.

    The same key in another store is another program; the same path in another container is another folder.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            named = process.environ().get(STAGING_VARIABLE)
            if named == str(staging) and staging.samefile(f"/proc/{process.pid}/root{named}"):
                process.kill()


def held_bytes(processes: Sequence[psutil.Process]) -> int:
    """Return the memory that processes hold: of one its resident size, of several the share of each in what they share.

    A process that has ended meanwhile holds nothing.
    """
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss if len(processes) == 1 else process.memory_full_info().pss
    return total


def _is_locked(path: Path) -> bool:
    """Return whether another process holds a lock alone."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not lock(handle, path, shared=True)
    finally:
        os.close(handle)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
