"""Runs what a plug-in brings on generated pictures: by the engine and the store, as every run does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import available_engine
from orchestrator.errors import Cancelled, SirrError
from orchestrator.execute.events import Event, Logged, Progressed, Saved, StateChanged
from orchestrator.execute.run_stages import RunOptions, planned_stages, run_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.library import Library
from orchestrator.spec.names import EngineName
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.store import Artifact, Store

Kill = Literal["never", "at its first checkpoint", "at its first progress", "at its start"]
"""When a stage's program is killed."""

_RUN = "plugin-check"


@dataclass(frozen=True)
class Attempt:
    """What came of one start of a stage's program.

    Attributes:
        artifact: What it left, where it ended well.
        error: Why there is none.
        progress: What it said of how far it was.
        lines: What else it printed.
        saved: Whether it said that it had written a checkpoint.
    """

    artifact: Artifact | None
    error: SirrError | None
    progress: tuple[Progressed, ...] = ()
    lines: tuple[str, ...] = ()
    saved: bool = False

    @property
    def killed(self) -> bool:
        """Whether it was killed before it had ended."""
        return isinstance(self.error, Cancelled)


@dataclass(frozen=True)
class Trials:
    """Where and with what stages are tried.

    Attributes:
        engine: Runs the stages.
        environments: Built images by name, for that engine.
        folder: For stores that last as long as the check.
        stopper: The user's.
    """

    library: Library
    engine: EngineName
    environments: Mapping[str, Environment]
    folder: Path
    stopper: Stopper = field(default_factory=Stopper)

    def source(self, path: Path) -> Source:
        """Return a file or folder as the input of a stage."""
        return Source(path, Store(self.folder / "digests").digest(path))

    def attempts(
        self,
        place: str,
        stages: Iterable[Stage],
        *,
        threads: int | None = None,
        kill: Kill = "never",
        jobs: int = 1,
    ) -> dict[str, Attempt]:
        """Run stages that read nothing of each other, and return what came of each.

        Args:
            place: Names a store: what was interrupted there is gone on with, what is finished there is taken.

        Raises:
            Cancelled: Where the user stops the check.
        """
        self.refuse_stopped()
        store = Store(self.folder / place)
        planned = planned_stages(stages, store, _RUN, store.layout.logs(_RUN), "cpu", self.library)
        listener = _Listener(kill, Stopper(self.stopper))
        engine = available_engine(self.engine, store.layout.stagings).engine
        # Processes that prepare samples take seconds to start, and change no bit: what is killed has them.
        workers = 0 if kill == "never" else None
        options = RunOptions(jobs=jobs, threads=threads, workers=workers, grace_s=0.0, submit=False)
        found = run_stages(planned, store, engine, self.environments, listener, listener.stopper, options)
        self.refuse_stopped()
        return {
            stage.name: Attempt(
                found.results.get(stage.name),
                found.failures.get(stage.name),
                tuple(event for event in listener.progress if event.stage == stage.name),
                tuple(event.line for event in listener.lines if event.stage == stage.name),
                stage.name in listener.saved,
            )
            for stage in planned.stages
        }

    def attempt(self, place: str, stage: Stage, *, threads: int | None = None, kill: Kill = "never") -> Attempt:
        """Run one stage; see `attempts`."""
        return self.attempts(place, [stage], threads=threads, kill=kill)[stage.name]

    def refuse_stopped(self) -> None:
        """Go no further once the user has stopped the check.

        Raises:
            Cancelled: Where that is so.
        """
        if self.stopper.requested:
            raise Cancelled("the check was stopped", hint="run it again: it begins anew")


class ProgramTrial:
    """A program of a plug-in, to be run as often as is asked."""

    def __init__(self, name: str, trials: Trials) -> None:
        self.spec = trials.library.program(name)
        self.image = trials.library.image(self.spec.image)
        self._trials = trials

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
            place: As in `Trials.attempts`.
            pictures: A prepared dataset.
            parameters: None for the defaults.
        """
        values = self.defaults if parameters is None else dict(parameters)
        stage = Stage(
            name=stage_name("predict", self.spec.name, pictures.name),
            kind="predict",
            image=self.image.name,
            settings={"model": self.spec.name, "parameters": values, "arrays": True},
            sources={"dataset": self._trials.source(pictures)},
        )
        return self._trials.attempt(place, stage, threads=threads, kill=kill)


class _Listener:
    """Keeps what programs say, and has them killed when it is time."""

    def __init__(self, kill: Kill, stopper: Stopper) -> None:
        self.stopper = stopper
        self.progress: list[Progressed] = []
        self.lines: list[Logged] = []
        self.saved: set[str] = set()
        self._kill = kill

    def __call__(self, event: Event) -> None:
        match event:
            case Progressed():
                self.progress.append(event)
                self._end("at its first progress")
            case Saved(stage=stage):
                self.saved.add(stage)
                self._end("at its first checkpoint")
            case Logged():
                self.lines.append(event)
            case StateChanged(state="running"):
                self._end("at its start")

    def _end(self, moment: Kill) -> None:
        if self._kill == moment:
            for _ in range(2):  # the second request means: at once
                self.stopper.request()
