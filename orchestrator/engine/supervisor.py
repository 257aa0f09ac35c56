"""Starts one program, watches it and writes down how it ended, whatever becomes of the process that asked for it.

Run as a script with the staging folder and the descriptor of the start lock as its arguments, by the orchestrator's
interpreter in isolated mode; it imports nothing of ours. It returns once the program was started or could not be, and
goes on in the background.

Reads job.json (walls, argv, environment, memory_bytes). Writes process.json (who runs) and exit.json (how it ended);
both appear complete or not at all. The program's output goes to log.txt. It holds the start lock until it has said who
runs, and work/run.lock for as long as it lives: so nobody starts a second program in the same folder, whoever is
killed.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

_POLL_S = 0.2
_START_POLL_S = 0.002
_BURY_S = 5.0
_HOLD_S = 5.0
_RESERVED_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None)


def supervise(work: Path, files: Path, lock: Path, launched: Callable[[], None]) -> None:
    """Run a job to its end.

    Args:
        work: Where its program begins.
        files: The folder of job.json, and of what is written here.
        lock: Held for as long as this process lives.
        launched: Called once it is written down who runs.
    """
    _hold(lock)
    job = json.loads((files / "job.json").read_text(encoding="utf-8"))
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started, began = time.time(), time.monotonic()
    _reserve(files / "exit.json")
    try:
        started_as, program = _start(job, work, files / "log.txt")
    except OSError as error:
        _write(files / "exit.json", {"exit_code": None, "error": str(error), "started": started})
        return
    _forward_stop(program)
    _write(files / "process.json", {"supervisor": _identity(os.getpid()), "program": program, "started": started})
    launched()
    struck = _wait(started_as, job["memory_bytes"])
    _end_descendants()
    code = started_as.returncode
    refused = None if code == 0 else _refused(files / "log.txt", job["walls"]["complaint"])
    exit_code = None if refused else code if code >= 0 else 128 - code
    ended = {"exit_code": exit_code, "out_of_memory": struck, "error": refused}
    _write(files / "exit.json", {**ended, "started": started, "finished": started + time.monotonic() - began})


def _start(job: dict[str, Any], work: Path, output: Path) -> tuple["subprocess.Popen[bytes]", dict[str, int] | None]:
    """Start a program behind its walls; return the process that ends with it, and the program's own.

    That is None where the program ended before anybody could see it.
    """
    command, told, tell = list(job["walls"]["command"]), -1, -1
    if job["walls"]["status_option"] is not None:
        told, tell = os.pipe()
        command[1:1] = [job["walls"]["status_option"], str(tell)]
    try:
        with output.open("ab") as log:
            started_as = subprocess.Popen(
                [*command, *job["argv"]],
                env=job["environment"],
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=() if tell < 0 else (tell,),
                preexec_fn=partial(_die_with_parent, os.getpid()),  # noqa: PLW1509 - this process has one thread
            )
    finally:
        if tell >= 0:
            os.close(tell)
    # What is told stays open: who tells how the program ended would be killed for it where nobody listens.
    return started_as, _identity(started_as.pid) if told < 0 else _inner(started_as, told)


def _inner(started_as: "subprocess.Popen[bytes]", told: int) -> dict[str, int] | None:
    """Return the program inside of a namespace: the child of its first process, by its number out here."""
    line = os.fdopen(os.dup(told), "rb").readline()
    if not line:
        return None
    first = int(json.loads(line)["child-pid"])
    while started_as.poll() is None:
        with contextlib.suppress(psutil.Error, OSError):
            for child in psutil.Process(first).children():
                return _identity(child.pid)
        time.sleep(_START_POLL_S)
    return None


def _refused(log: Path, complaint: str) -> str | None:
    """Return why the walls let no program start, where that is what the last line of the output says."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _RESERVED_BYTES))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return lines[-1] if lines and lines[-1].startswith(complaint) else None


def _hold(path: Path) -> None:
    """Hold a lock until this process ends.

    Raises:
        TimeoutError: Where another supervisor has it; who only looks whether there is one is gone in a moment.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    deadline = time.monotonic() + _HOLD_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"another program holds {path}") from None
            time.sleep(_HOLD_S / 1000)
        else:
            return


def _die_with_parent(parent: int) -> None:
    """A program without its supervisor would run on unwatched."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was killed before it could be followed
        os._exit(1)


def _forward_stop(program: dict[str, int] | None) -> None:
    def forward(number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            if program is not None and _identity(program["pid"]) == program:
                os.kill(program["pid"], number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _wait(program: "subprocess.Popen[bytes]", limit_bytes: int | None) -> bool:
    """Wait for the program's end; kill it and return True when it and its children hold more than the limit."""
    while True:
        try:
            program.wait(None if limit_bytes is None else _POLL_S)
        except subprocess.TimeoutExpired:
            if limit_bytes is not None and _held_bytes(limit_bytes) > limit_bytes:
                kill_descendants()
                program.wait()
                return True
        else:
            return False


def _held_bytes(limit_bytes: int) -> int:
    """Return the memory of all descendants.

    Resident sizes count what forked workers share once for each; only where their sum passes the limit is it worth
    asking for the exact share, which is slow.
    """
    processes = psutil.Process().children(recursive=True)
    resident = sum(_measured(process, "rss") for process in processes)
    if resident <= limit_bytes:
        return resident
    return sum(_measured(process, "pss") for process in processes)


def _measured(process: psutil.Process, kind: str) -> int:
    try:
        if kind == "rss":
            return int(process.memory_info().rss)
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def kill_descendants() -> None:
    """Kill the program and all that it started."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()


def _end_descendants() -> None:
    """Kill and bury what the program left; whatever forked meanwhile, the next round finds."""
    deadline = time.monotonic() + _BURY_S
    while time.monotonic() < deadline:
        kill_descendants()
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(_BURY_S / 1000)
        except ChildProcessError:
            return


def _identity(pid: int) -> dict[str, int]:
    """Return a process's number, and its start in ticks since the machine's: no clock that is set moves those."""
    stat = Path(f"/proc/{pid}/stat").read_bytes()
    return {"pid": pid, "created": int(stat.rpartition(b")")[2].split()[19])}


def _reserve(path: Path) -> None:
    """Take the room for a file before the program can fill the disk."""
    with path.with_suffix(".partial").open("w", encoding="utf-8") as stream:
        stream.write(" " * _RESERVED_BYTES)
        stream.flush()
        os.fsync(stream.fileno())


def _write(path: Path, content: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("r+" if partial.exists() else "w", encoding="utf-8") as stream:
        stream.write(json.dumps(content).ljust(_RESERVED_BYTES))
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


def _launched(start_lock: int) -> None:
    """Let the process that started this one go on: its pipe closes, and others may look who runs."""
    os.close(start_lock)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def main() -> None:
    """Go into the background and supervise."""
    if os.fork() > 0:
        os._exit(0)
    os.setsid()
    staging, start_lock = Path(sys.argv[1]), int(sys.argv[2])
    supervise(staging / "work", staging, staging / "work" / "run.lock", partial(_launched, start_lock))


if __name__ == "__main__":
    main()
