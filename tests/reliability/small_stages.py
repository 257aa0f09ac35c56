"""Kills a run of three small stages on the local engine, as the short form of `tests.reliability.kills`.

In each round the run is started again and again, now and then twice at once, and its orchestrator, a supervisor, a
stage's program, or all are killed, or stopped for a while and then killed.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

from orchestrator.engine.local_running import STAGING_VARIABLE
from tests.execute.killed_run import OUTPUTS, KilledRun

_LONGEST_S = 120.0
_PAUSE_S = 0.4
"""Of each stage; it is among its settings, and so in its key."""


class Round:
    """One run that is killed until it is done.

    draw: decides whom to kill and when
    """

    def __init__(self, folder: Path, draw: random.Random) -> None:
        self.course = KilledRun(folder)
        self.kills: Counter[str] = Counter()
        self._draw = draw
        self._runs: list[subprocess.Popen[bytes]] = []

    def play(self, most_kills: int) -> list[str]:
        """Kill up to so many times, let the run end, and return what is not as it should be."""
        for _ in range(most_kills):
            for _ in range(1 + (self._draw.random() < 0.3)):
                self._runs.append(self._started())
            time.sleep(self._draw.uniform(0.2, 5.0))
            self._kill()
            if self._draw.random() < 0.7:
                self._end_runs()
        deadline = time.monotonic() + _LONGEST_S
        while any(process.poll() is None for process in self._runs) and time.monotonic() < deadline:
            time.sleep(0.05)
        self._end_runs()
        return self._deviations()

    def _started(self) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PAUSE_S": str(_PAUSE_S)}
        command = [sys.executable, "-m", "tests.execute.killed_run", str(self.course.folder)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def _kill(self) -> None:
        whom = self._draw.choice(["orchestrator", "supervisor", "program", "all"])
        runs = [psutil.Process(process.pid) for process in self._runs if process.poll() is None]
        programs = processes_of(self.course)
        supervisors = [one for one in processes_below(self.course) if one not in programs]
        targets = {
            "orchestrator": runs[:1],
            "supervisor": supervisors,
            "program": programs,
            "all": [*runs, *supervisors, *programs],
        }[whom]
        self._draw.shuffle(targets)
        pause_s = self._draw.choice([0.0, 0.0, 0.5])
        for number in (signal.SIGSTOP, signal.SIGKILL) if pause_s else (signal.SIGKILL,):
            for process in targets:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)
            time.sleep(pause_s if number == signal.SIGSTOP else 0)
        self.kills[whom] += bool(targets)

    def _end_runs(self) -> None:
        for process in self._runs:
            process.kill()
            process.wait(10)
        self._runs.clear()

    def _deviations(self) -> list[str]:
        found = []
        layout = self.course.store.layout
        result = self.course.run(_PAUSE_S)
        found += [f"{name} failed: {error}" for name, error in result.failures.items()]
        third = self.course.run(_PAUSE_S)
        if set(third.stored) != {"prepare/a", "train/a", "export/a"}:
            found.append(f"a third run still had something to do: {sorted(third.stored)} were stored")
        for name, artifact in third.results.items():
            files = {path.name: path.read_text() for path in artifact.output.iterdir()}
            kind = name.split("/")[0]
            if files != dict.fromkeys(OUTPUTS[kind], kind):
                found.append(f"{name} has another result: {files}")
        ended = Counter(line for line in self.course.told() if line.startswith("end "))
        found += [f"{count} times: {line}" for line, count in ended.items() if count != 1]
        found += [f"left: {path}" for path in layout.stagings.iterdir()]
        found += [f"left: lease {key}" for key in layout.lease_keys()]
        found += [f"left: process {process.pid}" for process in processes_below(self.course)]
        return found


def processes_of(course: KilledRun) -> list[psutil.Process]:
    """Return the programs of a run's stages."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(STAGING_VARIABLE, "").startswith(str(course.store.root)):
                found.append(process)
    return found


def processes_below(course: KilledRun) -> list[psutil.Process]:
    """Return the programs of a run's stages and their supervisors."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            named = [process.environ().get(STAGING_VARIABLE, ""), *process.cmdline()]
            if any(text.startswith(str(course.store.layout.stagings)) for text in named):
                found.append(process)
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]
