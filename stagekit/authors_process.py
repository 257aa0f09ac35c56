"""The process of an authors' program: started, listened to, ended with all that it started, and its end explained."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import Callable, Deque, Iterator, Optional, Sequence

from stagekit.context import StageContext
from stagekit.failures import BadInput, StageError

_GRACE_S = 20.0
_POLL_S = 0.1
_TOLD_S = 2.0
_TAIL = 3
_LINE_BYTES = 2**16
"""Of a line without an end, such as a progress bar's, so much is passed on at once."""

_LOG_BYTES = 2**23
"""Of what a program prints, so much comes into the log; a training's log has a tenth of it."""

_SHOWN_LETTERS = 200
_STOPS = (signal.SIGTERM, signal.SIGINT)


def run_authors(context: StageContext, words: Sequence[str], folder: str, progress: Callable[[], None]) -> None:
    """Run a program to its end.

    Args:
        words: The program and its arguments.
        folder: Where it runs.
        progress: Called every two seconds.

    Raises:
        BadInput: Where it cannot be started.
        StageError: Where it ends badly.
        Interrupted: On request.
    """
    process = _started(words, folder)
    tail: Deque[str] = deque(maxlen=_TAIL)
    reader = threading.Thread(target=_pass_on, args=(process, tail), daemon=True)
    try:
        reader.start()
        _follow(context, process, progress)
    finally:
        _end(process)
    reader.join(_GRACE_S)
    if process.returncode != 0:
        _explain(process.returncode, tail)


def _follow(context: StageContext, process: "subprocess.Popen[bytes]", progress: Callable[[], None]) -> None:
    """Wait for the end of a program, or for a request to stop, which is raised."""
    told = 0.0
    with _own_stops(process.pid) as own_stop:
        while process.poll() is None:
            if own_stop():
                _say("a signal to stop came from the authors' program itself, and was passed over")
            if context.stop_requested:
                context.interrupt()
            if time.monotonic() - told > _TOLD_S:
                told = time.monotonic()
                progress()


def _started(words: Sequence[str], folder: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", "")))}
    try:
        return subprocess.Popen(
            list(words),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        reason = "cannot be started: %s" % error.strerror
        raise BadInput("the command %r %s" % (words[0], reason), _start_hint(words[0], folder, error)) from error


def _start_hint(program: str, folder: str, error: OSError) -> str:
    script = os.path.join(folder, program)
    if isinstance(error, PermissionError) and os.path.isfile(script):
        return "make it executable with chmod +x in the authors' folder, or write what runs it: sh %s" % program
    if os.path.isfile(script):
        return "begin it with #! and a program of the image, such as #!/bin/sh, or write what runs it: sh %s" % program
    return "name a program of the image, such as python; a script of the clone as ./script"


@contextlib.contextmanager
def _own_stops(session: int) -> Iterator[Callable[[], bool]]:
    """Yield what waits a moment, and returns whether a program of a session asked its stage to stop.

    A stop that anybody else asks for is heard as always. Where the system does not tell who sent a signal, all are.
    """

    def heard_as_always() -> bool:
        time.sleep(_POLL_S)
        return False

    def own_stop() -> bool:
        received = signal.sigtimedwait(_STOPS, _POLL_S)
        if received is None:
            return False
        if _is_of(received.si_pid, session):
            return True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        signal.raise_signal(received.si_signo)
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        return False

    if not hasattr(signal, "sigtimedwait") or threading.current_thread() is not threading.main_thread():
        yield heard_as_always
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield own_stop
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_of(pid: int, session: int) -> bool:
    """Return whether a process is of a session; 0 is whoever is outside of this system's walls."""
    try:
        return pid == session or (pid != 0 and os.getsid(pid) == session)
    except OSError:
        return False


def _pass_on(process: "subprocess.Popen[bytes]", tail: Deque[str]) -> None:
    """Write what the program prints to the log; a line that looks like a message of the stage is none."""
    assert process.stdout is not None
    left = _LOG_BYTES
    with process.stdout as stream:
        for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                tail.append(text.rpartition("\r")[2].strip()[:_SHOWN_LETTERS])
            if left > 0:
                _say("%s%s" % ("| " if text.lstrip().startswith("{") else "", text))
                left -= len(line)
                if left <= 0:
                    _say("[it prints more than %d MiB; of the rest only the end is kept]" % (_LOG_BYTES >> 20))
    if left <= 0:
        for text in tail:
            _say("| %s" % text)


def _say(text: str) -> None:
    sys.stdout.write("%s\n" % text)
    sys.stdout.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program with all that it started."""
    for number, wait in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _GRACE_S)):
        try:
            os.killpg(process.pid, number)
            process.wait(wait)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue


def _explain(code: int, tail: Sequence[str]) -> None:
    """Say how the program ended.

    Raises:
        StageError: Always.
    """
    said: Optional[str] = tail[-1] if tail else None
    words = "; the last that it printed: %s" % said if said else ", and printed nothing"
    if code == -signal.SIGKILL:
        raise StageError("the authors' program was killed%s; perhaps memory did not suffice" % words, "raise 'memory'")
    how = "was ended by signal %d" % -code if code < 0 else "ended with status %d" % code
    hint = "read the log; the command runs in a copy of the authors' folder, without a network"
    raise StageError("the authors' program %s%s" % (how, words), hint)
