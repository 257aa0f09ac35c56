"""References to runs and their models, as the command line takes them: RUN, RUN@2, RUN/MODEL, RUN@2/MODEL."""

import re
from dataclasses import dataclass

from orchestrator.errors import SpecError
from orchestrator.spec.base import NAME_PATTERN


@dataclass(frozen=True)
class RunReference:
    """One revision of a run.

    Attributes:
        revision: Counted from 1; None: the latest.
    """

    run: str
    revision: int | None = None

    def __str__(self) -> str:
        return self.run if self.revision is None else f"{self.run}@{self.revision}"


@dataclass(frozen=True)
class ModelReference:
    """One model of a run."""

    run: RunReference
    model: str

    def __str__(self) -> str:
        return f"{self.run}/{self.model}"


def run_reference(text: str) -> RunReference:
    """Return what RUN or RUN@REVISION names.

    Raises:
        SpecError: For text of another form; whether there is such a run is not asked.
    """
    run, at, revision = text.partition("@")
    if "/" in text:
        above, _slash, model = text.partition("/")
        if not re.fullmatch(NAME_PATTERN, above.partition("@")[0]) or "/" in model:
            hint = "write its name, no path: sirr-orch runs list shows the runs that there are"
            raise SpecError(f"{text!r} is no run's name", hint=hint)
        run_reference(above)
        raise SpecError(f"{text!r} names a model: a run is wanted", hint=f"write {above!r} alone")
    if not re.fullmatch(NAME_PATTERN, run):
        raise SpecError(f"{text!r} is no run's name", hint="write for example quickstart, or quickstart@2")
    if at and not re.fullmatch("[1-9][0-9]*", revision):
        raise SpecError(
            f"{text!r}: {revision!r} is no revision, they are counted from 1", hint=f"write for example {run}@1"
        )
    return RunReference(run, int(revision) if at else None)


def model_reference(text: str) -> ModelReference:
    """Return what RUN/MODEL or RUN@REVISION/MODEL names.

    Raises:
        SpecError: For text of another form; whether there is such a model is not asked.
    """
    run, slash, model = text.partition("/")
    if not slash or not run or not model or "/" in model:
        raise SpecError(
            f"{text!r} is not RUN/MODEL", hint="write for example quickstart/errnet2019, or quickstart@2/errnet2019"
        )
    return ModelReference(run_reference(run), model)
