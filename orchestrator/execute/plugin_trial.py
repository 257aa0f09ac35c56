"""Runs a program of a plug-in on generated pictures: by the engine and the store, as every run does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import available_engine
from orchestrator.errors import Cancelled, SirrError
from orchestrator.execute.events import Event, Logged, Progressed, StateChanged
from orchestrator.execute.run_stages import RunOptions, planned_stages, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.library import Library
from orchestrator.spec.names import EngineName
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.store import Artifact, Store

Kill = Literal["never", "at its first progress", "at its start"]
"""When a program is killed."""

_RUN = "plugin-check"


@dataclass(frozen=True)
class Attempt:
    """What came of one start of a program.

    Attributes:
        artifact: What it left, where it ended well.
        error: Why there is none.
        progress: What it said of how far it was.
        lines: What else it printed.
    """

    artifact: Artifact | None
    error: SirrError | None
    progress: tuple[Progressed, ...]
    lines: tuple[str, ...]

    @property
    def killed(self) -> bool:
        """Whether it was killed before it had ended."""
        return isinstance(self.error, Cancelled)


class ProgramTrial:
    """A program of a plug-in, to be run as often as is asked."""

    def __init__(self, name: str, library: Library, environment: Environment, folder: Path) -> None:
        """Take a program.

        Args:
            environment: Its image, as it was built.
            folder: For stores that last as long as the check.
        """
        self.spec = library.program(name)
        self.image = library.image(self.spec.image)
        self._library = library
        self._environment = environment
        self._folder = folder

    @property
    def defaults(self) -> dict[str, float]:
        """The values that its parameters have where nobody says otherwise."""
        return {name: parameter.default for name, parameter in self.spec.parameters.items()}

    def attempt(
        self,
        place: str,
        pictures: Path,
        *,
        parameters: Mapping[str, float] | None = None,
        threads: int | None = None,
        kill: Kill = "never",
    ) -> Attempt:
        """Run the program once.

        Args:
            place: Names a store: what was interrupted there is gone on with, what is finished there is taken.
            pictures: A prepared dataset.
            parameters: None for the defaults.
        """
        store = Store(self._folder / place)
        values = self.defaults if parameters is None else dict(parameters)
        stage = Stage(
            name=stage_name("predict", self.spec.name, pictures.name),
            kind="predict",
            image=self.image.name,
            settings={"model": self.spec.name, "parameters": values, "arrays": True},
            sources={"dataset": Source(pictures, store.digest(pictures))},
        )
        planned = planned_stages([stage], store, _RUN, store.layout.logs(_RUN), "cpu", self._library)
        listener = _Listener(kill)
        found = run_stages(
            planned,
            store,
            available_engine(_engine_name(self._environment.engine), store.layout.stagings).engine,
            {self.image.name: self._environment},
            listener,
            listener.stopper,
            RunOptions(threads=threads, grace_s=0.0),
        )
        return Attempt(
            found.results.get(stage.name),
            found.failures.get(stage.name),
            tuple(listener.progress),
            tuple(listener.lines),
        )


def _engine_name(name: str) -> EngineName:
    return "docker" if name == "docker" else "local"


class _Listener:
    """Keeps what a program says, and has it killed when it is time."""

    def __init__(self, kill: Kill) -> None:
        self.stopper = Stopper()
        self.progress: list[Progressed] = []
        self.lines: list[str] = []
        self._kill = kill

    def __call__(self, event: Event) -> None:
        match event:
            case Progressed():
                self.progress.append(event)
                self._end("at its first progress")
            case Logged(line=line):
                self.lines.append(line)
            case StateChanged(state="running"):
                self._end("at its start")

    def _end(self, moment: Kill) -> None:
        if self._kill == moment:
            for _ in range(2):  # the second request means: at once
                self.stopper.request()
