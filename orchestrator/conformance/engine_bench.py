"""An engine under test: how it is made, and jobs for it."""

import contextlib
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stagekit
from orchestrator.conformance import engine_program
from orchestrator.engine.protocol import Engine, Environment, Job, Running

RUN = "engine-tests"
"""The run that all jobs of the suite are of."""


@dataclass
class Bench:
    """One engine under test.

    Attributes:
        name: What it is called here.
        engine: Makes it, each time as another process would that works with the same jobs.
        environment: What jobs run in; it has `stagekit` and the module `engine_program`.
        root: A folder of staging folders, which the engine knows, and which its programs see.
        outside: A folder of inputs, which its programs see as far as a job names them.
        running: What was started.
        patience: By which factor what takes a moment on this machine may take longer: what queues begins late.
    """

    name: str
    engine: Callable[[], Engine]
    environment: Environment
    root: Path
    outside: Path
    patience: float = 1.0
    running: list[Running] = field(default_factory=list)

    def job(
        self,
        kind: str,
        *,
        key: str | None = None,
        inputs: Mapping[str, Path] | None = None,
        settings: Mapping[str, object] | None = None,
        **fields: Any,
    ) -> Job:
        """Return a job of the suite's program, with fields of `Job` besides."""
        key = key or uuid.uuid4().hex * 2
        return Job(
            key=key,
            run=RUN,
            stage=f"{kind}/test",
            kind=kind,
            module=engine_program.MODULE,
            environment=self.environment,
            staging=self.root / key,
            settings=settings or {},
            inputs=inputs or {},
            **fields,
        )

    def start(self, job: Job, engine: Engine | None = None) -> Running:
        """Start a job; `clear` removes it."""
        running = (engine or self.engine()).start(job)
        self.running.append(running)
        return running

    def clear(self) -> None:
        """Remove what was started, all of it, whichever cannot be."""
        with contextlib.ExitStack() as removals:
            for running in self.running:
                removals.callback(running.remove)
            self.running.clear()


def code_folder(folder: Path) -> Path:
    """Make a folder with stagekit and the suite's program, as a local environment's code folder is, and return it."""
    shutil.copytree(Path(stagekit.__file__).parent, folder / "stagekit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(engine_program.__file__, folder / f"{engine_program.MODULE}.py")
    return folder


def local_environment(interpreter: str, code: Path) -> Environment:
    """Return an environment of the kind "local" that runs the suite's program.

    Args:
        interpreter: Path of a Python interpreter, 3.8 or newer.
        code: As of `code_folder`.
    """
    return Environment("local", "test", "0" * 64, interpreter, code)
