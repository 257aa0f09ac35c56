"""Three stages in a row as real local processes, run by a process of its own that can be killed at any line.

usage: python -m tests.execute.killed_run FOLDER [KILL_BEFORE]     KILL_BEFORE: a method of Store, such as _publish

STORE in its environment names another folder of the store than that in FOLDER.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import stagekit
from orchestrator.engine.local import LocalEngine
from orchestrator.engine.protocol import Engine, Environment
from orchestrator.engine.visible import Visible
from orchestrator.engine.walls import find_walls
from orchestrator.execute.comparison import look_up
from orchestrator.execute.events import Event
from orchestrator.execute.run_stages import PlannedStages, RunOptions, StagesResult, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.spec.library import load_image
from orchestrator.store.store import Store

PROGRAM = """
import json, os, sys, time
import stagekit

def tell(word):
    with open(sys.argv[1]) as stream:
        request = json.load(stream)
    with open(request["settings"]["tally"], "a") as stream:
        stream.write("%s %s\\n" % (word, request["stage"]))

def work(context):
    tell("begin")
    for name in context.setting("files"):
        with stagekit.write_atomically(context.output(name), "w") as stream:
            stream.write(context.request.kind * context.setting("repeat"))
    keeps = context.request.kind == "train"
    half = context.work("half") if keeps else context.output("half-done-%d" % os.getpid())
    open(half, "w").close()
    for _ in range(int(context.setting("pause_s") * 100)):
        time.sleep(0.01)
        if context.stop_requested:
            context.interrupt()
    os.unlink(half)

code = stagekit.run_program(dict.fromkeys(["prepare", "train", "export"], work))
if code == 0:
    tell("end")
sys.exit(code)
"""
OUTPUTS = {
    "prepare": ["dataset.json"],
    "train": ["curves.json", "train.json"],
    "export": ["network.onnx", "export.json"],
}
_INPUTS = {
    "prepare/a": {},
    "train/a": {"synthetic": "prepare/a"},
    "export/a": {"weights": "train/a"},
}


class WallsWithDoor:
    """The best walls here, with a door to one more folder: there programs tell what no kill may take back."""

    def __init__(self, folder: Path) -> None:
        self._walls = find_walls().walls
        self._folder = folder
        self.name, self.sentence, self.isolates = self._walls.name, self._walls.sentence, self._walls.isolates
        self.status_option, self.complaint = self._walls.status_option, self._walls.complaint
        self.isolates = self._walls.isolates

    def command(self, visible: Visible) -> list[str]:
        """See `Walls.command`."""
        return self._walls.command(replace(visible, writable=(*visible.writable, self._folder)))


class KilledRun:
    """The run in a folder: its store, what its stages say of themselves, and how to run it."""

    def __init__(self, folder: Path, store: Path | None = None, repeat: int = 1) -> None:
        self.folder = folder
        self.store = Store(store or folder / "store")
        self.repeat = repeat
        self.tally = folder / "told" / "tally"
        self.code = folder / "code"

    def told(self) -> list[str]:
        """Return what stages began and ended, in order."""
        return self.tally.read_text().splitlines() if self.tally.exists() else []

    def stages(self, pause_s: float) -> tuple[Stage, ...]:
        """Return the stages, each of which takes `pause_s` seconds."""
        made = []
        for name, inputs in _INPUTS.items():
            kind = name.split("/")[0]
            settings = {"files": OUTPUTS[kind], "tally": str(self.tally), "pause_s": pause_s, "repeat": self.repeat}
            image = "metrics" if kind == "prepare" else "errnet2019"
            made.append(Stage(name, kind, image, settings, inputs=inputs))  # type: ignore[arg-type]
        return tuple(made)

    def run(
        self,
        pause_s: float = 0.0,
        stopper: Stopper | None = None,
        listener: Callable[[Event], None] = lambda _event: None,
        engine: Engine | None = None,
    ) -> StagesResult:
        """Run what the store lacks."""
        images = {name: load_image(name) for name in ("metrics", "errnet2019")}
        if not self.code.exists():
            self.code.mkdir(parents=True)
            shutil.copytree(Path(stagekit.__file__).parent, self.code / "stagekit")
            for image in images.values():
                (self.code / f"{image.module}.py").write_text(PROGRAM)
        stages = self.stages(pause_s)
        programs = dict.fromkeys(images, Program("code", dict.fromkeys(OUTPUTS, 1)))
        found = look_up(stages, programs, self.store, reading="inputs")
        planned = PlannedStages("run", self.folder / "logs", stages, images, programs, "cpu", found)
        environments = {name: Environment("local", name, "0" * 64, sys.executable, self.code) for name in images}
        self.tally.parent.mkdir(exist_ok=True)
        engine = engine or LocalEngine(self.store.layout.stagings, WallsWithDoor(self.tally.parent))
        options = RunOptions(grace_s=5.0)
        return run_stages(planned, self.store, engine, environments, listener, stopper or Stopper(), options)


def _die(*_arguments: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        setattr(Store, sys.argv[2], _die)
    stop = Stopper()
    with stop.listening():
        place = os.environ.get("STORE")
        KilledRun(Path(sys.argv[1]), Path(place) if place else None).run(float(os.environ.get("PAUSE_S", "0")), stop)
