"""A job that was handed to Slurm: found by its files, and where these say nothing by a look at the queue.

The files are the truth: a program that has written down its end has ended, whatever the queue says, and one whose heart
beats runs. Only of what neither ended nor beats the queue decides.
"""

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.engine.job_files import follow_log, number_or_none, read_record
from orchestrator.engine.local_running import EXIT_FILE, JOB_FILE, LOG_FILE, PROCESS_FILE
from orchestrator.engine.program import STAGE_FILE, ended_well, result_is_left
from orchestrator.engine.protocol import Outcome
from orchestrator.engine.slurm_commands import Controller, ControllerAway, Seen
from orchestrator.engine.slurm_files import (
    BATCH_LOG,
    BEAT_FILE,
    BEAT_S,
    RECORDING,
    SUBMISSION_FILE,
    claim_file,
    files_of,
    place,
    write_record,
)
from orchestrator.errors import SirrError

_POLL_S = 0.2
_FRESH_S = 3 * BEAT_S
"""A heart that beat so lately beats."""

_SETTLE_S = 5.0
"""What a shared disk may take to show what was written elsewhere."""

_HOPELESS_S = 15.0
"""A controller that has just begun gives reasons that pass."""

_DEAF_S = 20.0
_KILLED = 137


class SlurmRunning:
    """A job of Slurm, by what lies in its staging folder.

    Args:
        staging: Its folder, absolute and without links.
        controller: Shared by all jobs of this process.
    """

    def __init__(self, staging: Path, controller: Controller, *, adopted: bool) -> None:
        self._staging = staging
        self._files = files_of(staging)
        self._controller = controller
        self._adopted = adopted
        self._since = time.monotonic()
        self._doubted: float | None = None
        self._hurry_s: float | None = None
        self._last: Seen | None = None
        self._told: object = None

    @property
    def adopted(self) -> bool:
        """Whether an earlier process submitted it."""
        return self._adopted

    @property
    def walls(self) -> str:
        """What it cannot get through, once it has begun on a node."""
        match read_record(self._files / JOB_FILE):
            case {"walls": {"name": str(name)}}:
                return name
            case {"walls_asked": str(asked)}:
                return asked
        return "none"

    @property
    def waits(self) -> bool:
        """Whether it waits in the queue: no program of it has begun, and it has not ended."""
        return not (self._files / PROCESS_FILE).exists() and not self.over

    @property
    def why_it_waits(self) -> str:
        """What Slurm says that it waits for; empty where that is not known."""
        if self._submission.get("job") is None:
            return "Slurm's controller does not answer; it is submitted when it does"
        seen = self._seen()
        return "" if seen is None or seen.reason in ("None", "") else seen.reason

    @property
    def over(self) -> bool:
        """Whether it has ended, or is known never to begin."""
        record = self._submission
        if self._ended or not record or not {"cancelled", "lost"}.isdisjoint(record):
            return True  # of a job whose record was removed nothing is left
        if record.get("job") is None:
            self.submit()
            return False
        view = self._controller.view(newer_than=self._since, within_s=self._hurry_s)
        if view is None:
            return False
        seen = view.of(self._name)
        self._last = seen or self._last
        if (seen is not None and seen.live and not seen.hopeless) or self._beats:
            self._doubted = None
            return False
        if self._doubted is None:
            self._doubted = time.monotonic()
        # Asked again after a while: what ended on its node may be seen here later than in the queue.
        doubted_s = time.monotonic() - self._doubted
        if seen is not None and seen.live:
            settled = doubted_s > _HOPELESS_S
        else:
            settled = doubted_s > _SETTLE_S or (seen is not None and not seen.node)
        if settled and not self._ended:
            self._note(self._submission, lost=True)
        return self._ended or settled

    @property
    def started(self) -> float | None:
        """When its program began, seconds since the epoch; None while it waits."""
        found = read_record(self._files / PROCESS_FILE).get("started")
        return float(found) if isinstance(found, int | float) else None

    @property
    def there(self) -> bool:
        """Whether a job was submitted from this very folder, or was about to be."""
        return self._submission.get("place") == place(self._staging)

    @property
    def holds_result(self) -> bool:
        """Whether its program ended well and nobody has fetched what it left."""
        code = read_record(self._files / EXIT_FILE).get("exit_code")
        ended = code if isinstance(code, int) else None
        return self.there and ended_well(ended, self._staging) and result_is_left(self._staging)

    def submit(self) -> None:
        """Hand the job to Slurm, once; where its controller does not answer, a later look tries again.

        Raises:
            SirrError: What keeps Slurm from taking it.
        """
        record = self._submission
        if "options" not in record:
            return  # it was removed meanwhile
        view = self._controller.view(newer_than=self._since if self._adopted else float("-inf"))
        found = None if view is None else view.of(self._name)
        tried = record.get("tried")
        if found is None and isinstance(tried, int | float) and time.time() - tried < self._controller.poll_s:
            return
        if found is None and tried is not None and view is None:
            return  # the last try may have come through: first it is looked for
        if found is not None:
            self._note(record, job=found.job)
            return
        self._note(record, tried=time.time())
        with contextlib.suppress(ControllerAway):
            self._note(record, job=self._controller.submit(record["options"]), tried=time.time())
            self._since = time.monotonic()

    def lines(self) -> Iterator[str]:
        """Follow the output from the first line on; see `Running.lines`."""
        return follow_log(self._files / LOG_FILE, lambda: self.over)

    def memory_bytes(self) -> int | None:
        """Return what the program held at its last heartbeat; see `Running.memory_bytes`."""
        held = read_record(self._files / BEAT_FILE).get("held_bytes")
        return held if isinstance(held, int) and held > 0 and not self._ended and self._beats else None

    def stop(self, grace_s: float) -> None:
        """Ask the program to save, and end it after `grace_s` seconds; take it out of the queue where it waits."""
        with contextlib.suppress(ControllerAway):
            self._stop(grace_s)

    def outcome(self) -> Outcome:
        """Wait for the end and say how it came."""
        while not self.over:
            time.sleep(_POLL_S)
        ended = read_record(self._files / EXIT_FILE)
        if not ended:
            return self._unwritten()
        code, error = ended.get("exit_code"), ended.get("error")
        return Outcome(
            exit_code=code if isinstance(code, int) else None,
            out_of_memory=ended.get("out_of_memory") is True or self._struck(code),
            started=number_or_none(ended.get("started")),
            finished=number_or_none(ended.get("finished")),
            error=None if error is None else str(error),
        )

    def remove(self) -> None:
        """Remove the engine's files from the staging folder; ends a job that waits or runs."""
        if self._submission and not self.over:
            self.stop(0.0)
            deadline = time.monotonic() + _DEAF_S
            while not self.over and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        shutil.rmtree(self._files, ignore_errors=True)
        (self._staging / STAGE_FILE).unlink(missing_ok=True)

    @property
    def _submission(self) -> dict[str, Any]:
        """Its record; empty where it was removed, also where the stage was submitted anew since."""
        record = read_record(self._files / SUBMISSION_FILE)
        self._told = self._told or record.get("submission")
        return record if record.get("submission") == self._told else {}

    @property
    def _name(self) -> str:
        return str(self._submission.get("submission"))

    @property
    def _ended(self) -> bool:
        return (self._files / EXIT_FILE).exists()

    @property
    def _beats(self) -> bool:
        """Whether its heart beat lately; the disk's own clock may differ, so that of its files is asked."""
        with contextlib.suppress(OSError):
            beat = (self._files / BEAT_FILE).stat().st_mtime
            return abs(time.time() - beat) < _FRESH_S
        return False

    def _seen(self) -> Seen | None:
        view = self._controller.view(newer_than=self._since)
        return self._last if view is None else view.of(self._name) or self._last

    def _note(self, record: dict[str, Any], **facts: object) -> None:
        record.update(facts)
        with RECORDING, contextlib.suppress(FileNotFoundError):
            if self._submission:
                write_record(self._files / SUBMISSION_FILE, record)

    def _stop(self, grace_s: float) -> None:
        if self._ended or not self._submission:
            return
        job = self._submission.get("job")
        if job is None:
            self._note(self._submission, cancelled=True)
            return
        self._hurry_s = 1.0
        try:
            if not (self._files / PROCESS_FILE).exists():
                self._controller.cancel(job)
                self._since = time.monotonic()
                self._over_within(_DEAF_S)
                return
            if grace_s > 0:
                self._controller.cancel(job, "--batch", "--signal=TERM")
                self._ended_within(grace_s)
            if not self._ended:
                self._controller.cancel(job, "--batch", "--signal=USR1")
                self._ended_within(_DEAF_S)
            if not self._ended:
                self._controller.cancel(job, "--full", "--signal=KILL")
        finally:
            self._hurry_s = None

    def _ended_within(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._ended and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _over_within(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.over and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _struck(self, code: object) -> bool:
        """Whether Slurm's own limit killed the program: it ends the program, and not who writes down the end."""
        if code != _KILLED:
            return False
        seen = self._seen()
        return seen is not None and seen.state == "OUT_OF_MEMORY"

    def _unwritten(self) -> Outcome:
        """Return what the queue knows of a job that wrote down no end."""
        seen = self._seen()
        job = self._submission.get("job")
        if "cancelled" in self._submission or seen is None:
            return Outcome(None, error=f"Slurm's job {job} is gone, and its program wrote down no end")
        if seen.state == "OUT_OF_MEMORY":
            return Outcome(_KILLED, out_of_memory=True)
        if seen.hopeless:
            with contextlib.suppress(ControllerAway, SirrError):
                self._controller.cancel(seen.job)
            return Outcome(None, error=f"Slurm would never start job {job}: {seen.reason}")
        begun = (self._files / claim_file(self._name)).exists()
        node = f" on {seen.node}" if seen.node else ""
        where = f"Slurm's job {job}{node} ended as {seen.state} ({seen.reason})"
        if seen.state == "CANCELLED":
            return Outcome(None, error=f"{where}: somebody cancelled it")
        if begun:
            return Outcome(None, error=f"{where}, and its program wrote down no end")
        said = self._batch_log()
        return Outcome(None, error=f"{where} before its program began{said}: does the node see this folder?")

    def _batch_log(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._files / BATCH_LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return f" ({lines[-1]})" if lines else ""
        return ""
