"""Where stages may run: described once a machine, in a file of its own, never in an experiment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.spec.base import StrictModel
from orchestrator.spec.document import read_document
from orchestrator.spec.names import SITE_VARIABLE, StageKind, WallsName
from orchestrator.spec.numbers import MOST_THREADS, REAL, WHOLE
from orchestrator.spec.validation import validated

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._,:+-]*$")]
"""A word that Slurm's commands take as one."""

Duration = Annotated[str, StringConstraints(pattern=r"^([0-9]+-)?[0-9]+(:[0-9]{1,2}){0,2}$")]
"""As sbatch takes it: minutes, hours:minutes:seconds, or days-hours."""


class StageDemand(StrictModel):
    """What jobs of a kind of stage ask the cluster for; what is not said is the site's."""

    partition: Word | None = None
    """Of the cluster."""
    account: Word | None = None
    """That the hours are counted on."""
    time: Duration | None = None
    """Longest time of one job, such as "24:00:00". A training that reaches it saves, and goes on in a next job."""
    gpu: Word | None = None
    """What a stage with device: cuda asks for, as sbatch --gres takes it. Default: "gpu:1"."""
    processors: Annotated[int, Field(ge=1, le=MOST_THREADS), WHOLE] | None = None
    """Processors of a job. Default: as many as the stage has threads."""
    options: tuple[Annotated[str, StringConstraints(pattern=r"^--[a-z][A-Za-z0-9=._,:+@%/-]*$")], ...] = ()
    """Further options of sbatch, each as one text."""


def _long_kinds() -> Mapping[StageKind, StageDemand]:
    return {"train": StageDemand(), "infer": StageDemand()}


class Here(StrictModel):
    """Where what is not submitted runs."""

    where: Literal["here"] = "here"
    """Beside the orchestrator."""


class Site(StageDemand):
    """A site: this machine, or a Slurm cluster whose nodes share the store's disk."""

    where: Literal["here", "slurm"]
    """Who starts stages: this machine, or Slurm."""
    walls: WallsName = "auto"
    """What programs are kept in on a node. Default: the best that work there."""
    submit: Mapping[StageKind, StageDemand] = Field(default_factory=_long_kinds)
    """The kinds of stages that are submitted, each with what it asks for; clusters punish many short jobs."""
    infer_from_pictures: Annotated[int, Field(ge=1), WHOLE] = 100
    """Inferences of fewer pictures run with the rest."""
    rest: Here = Field(Here(), alias="else")
    """Where all other stages run."""
    poll_seconds: Annotated[float, Field(ge=0.2, le=3600), REAL] = 30
    """Between two looks at the queue, for all jobs together."""
    save_seconds: Annotated[int, Field(ge=1, le=65535), WHOLE] = 120
    """How long before its time limit a program is asked to save."""

    def demand(self, kind: StageKind) -> StageDemand:
        """Return what jobs of a kind ask for, with what the site says for all."""
        own = self.submit.get(kind, StageDemand())
        said = {name: getattr(self, name) for name in StageDemand.model_fields}
        return StageDemand(**{**said, **{name: getattr(own, name) for name in own.model_fields_set}})


def site_file(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the site's file: that which is named, or the user's own where there is one."""
    named = environment.get(SITE_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    base = environment.get("XDG_CONFIG_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path("~/.config").expanduser()
    path = home / "sirr-orch" / "site.yaml"
    return path if path.is_file() else None


def load_site(path: Path) -> Site:
    """Return the site that a file describes.

    Raises:
        SpecError: Shows every mistake with its line and column.
    """
    return validated(Site, read_document(path, "the smallest site is one line: where: here, or where: slurm"))
