"""Whom a kill can hit, and how."""

import contextlib
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import requests
from docker.errors import DockerException

from orchestrator.engine.local_running import STAGING_VARIABLE
from tests.reliability.daemon import OwnDaemon

Processes = Callable[[], Sequence[psutil.Process]]

WAYS: Mapping[str, tuple[int, ...]] = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGTERM": (signal.SIGTERM,),
    "SIGSTOP, SIGKILL": (signal.SIGSTOP, signal.SIGKILL),
    "SIGSTOP, SIGCONT": (signal.SIGSTOP, signal.SIGCONT),
}
"""The signals of each way; the last kills nobody."""

CONTAINER_WAYS = ("kill", "remove", "pause, kill")


def send(processes: Sequence[psutil.Process], way: str, pause_s: float) -> None:
    """Send a way's signals to all processes, with a pause after each but the last."""
    numbers = WAYS[way]
    for number in numbers:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        if number != numbers[-1]:
            time.sleep(pause_s)


def end_container(daemon: OwnDaemon, container: str, way: str, pause_s: float) -> None:
    """End a container through the daemon's own interface, as somebody at a terminal would."""
    refused = (DockerException, requests.exceptions.RequestException, OSError)
    with contextlib.suppress(*refused), contextlib.closing(daemon.client()) as client:
        if way == "remove":
            client.api.remove_container(container, force=True)
            return
        if way == "pause, kill":
            client.api.pause(container)
            time.sleep(pause_s)
        client.api.kill(container)


class LocalTargets:
    """The processes of stages below some stores, on the local engine."""

    def __init__(self, stores: Path) -> None:
        self._stores = str(stores)

    def programs(self) -> list[psutil.Process]:
        """Return the programs of stages, with what they started."""
        return [process for process in self._found() if not _is_supervisor(process)]

    def supervisors(self) -> list[psutil.Process]:
        """Return what watches over them."""
        return [process for process in self._found() if _is_supervisor(process)]

    def left(self) -> list[str]:
        """Return what still runs, in words."""
        return [_words(process) for process in self._found()]

    def _found(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                named = [process.environ().get(STAGING_VARIABLE, ""), *process.cmdline()]
                if "orchestrator" not in named and any(text.startswith(self._stores) for text in named):
                    found.append(process)
        return [one for one in found if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


class DockerTargets:
    """The processes of containers of a daemon of its own."""

    def __init__(self, daemon: OwnDaemon) -> None:
        self._daemon = daemon

    def programs(self) -> list[psutil.Process]:
        """Return the programs of stages."""
        return self._daemon.programs

    def supervisors(self) -> list[psutil.Process]:
        """Return what watches over containers."""
        return self._daemon.shims

    def left(self) -> list[str]:
        """Return what still runs or is still there, in words."""
        processes = [_words(process) for process in (*self._daemon.programs, *self._daemon.shims)]
        return [*processes, *(f"container {one[:12]}" for one in self._daemon.containers())]


def _is_supervisor(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(word.endswith("engine/supervisor.py") for word in process.cmdline())
    return False


def _words(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return f"process {process.pid}: {' '.join(process.cmdline())[:160]}"
    return f"process {process.pid}"
