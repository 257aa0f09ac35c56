"""The document of a run: everything that is known of it apart from its artifacts.

What comes after a run reads it and the artifacts, and nothing else: no experiment's file, no dataset, no checkpoint.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Self

from pydantic import AwareDatetime, Field, model_validator

from orchestrator.store.run_entries import (
    DatasetEntry,
    EntrantEntry,
    FailureEntry,
    FeaturesEntry,
    Host,
    ImageEntry,
    Overrides,
    PluginEntry,
    Program,
    ProtocolEntry,
    Recorded,
    SpecFile,
    StageEntry,
    ValidationEntry,
)

SCHEMA = 1
"""Grows where an earlier version could not read the document; fields that are added do not raise it."""


class RunDocument(Recorded):
    """One revision of a run."""

    schema_version: int = SCHEMA
    """Version of this form."""
    checksum: str | None = None
    """SHA-256 of the canonical JSON (fields sorted, no spaces, ASCII) of all other fields; null: not to be compared."""
    name: str
    """The run's name."""
    revision: int = Field(default=1, ge=1)
    """Counted from 1; grows where something that decides results differs from the run's latest revision."""
    identity: str
    """Hash of what decides the results: stages with their settings and sources; neither times nor places."""
    created: AwareDatetime
    """When this revision was first started."""
    updated: AwareDatetime
    """When this document was last written."""
    program: Program
    """What ran it."""
    host: Host
    """Where."""
    overrides: Overrides = Overrides()
    """What the command line said."""
    spec: SpecFile
    """The experiment as it was written."""
    experiment: dict[str, Any]
    """The experiment with every default filled in; folders and files by their names."""
    note: str = ""
    """The experiment's own words for the head of the report."""
    seed: int
    """Seed of every random draw."""
    device: str
    """What trainings and inference compute on."""
    memory_bytes: int | None = None
    """Memory that one stage may use."""
    features: FeaturesEntry
    """The feature networks' weights."""
    inference: dict[str, Any]
    """How pictures go through the networks."""
    protocols: tuple[ProtocolEntry, ...] = Field(min_length=1)
    """The ways of scoring, the one to judge by first."""
    test: tuple[str, ...]
    """Names of the datasets on which networks are compared."""
    validation: ValidationEntry | None = None
    """How trainings were scored while they went on; null: they were not."""
    accept_overlap: str | None = None
    """Why it was accepted that pictures are trained on and tested on."""
    datasets: tuple[DatasetEntry, ...]
    """All datasets that are used."""
    entrants: tuple[EntrantEntry, ...]
    """The networks, in the experiment's order."""
    stages: tuple[StageEntry, ...]
    """The stages, each after those it needs."""
    images: tuple[ImageEntry, ...] = ()
    """The images that plug-ins brought."""
    plugins: tuple[PluginEntry, ...] = ()
    """The plug-ins of which it uses something."""
    published: tuple[dict[str, Any], ...] = ()
    """The tables of published numbers that plug-ins brought."""

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the results that are known, by stage."""
        return {stage.name: stage.key for stage in self.stages if stage.key is not None}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Refuse a document that an editor has left with names twice, or that speaks of what it does not have."""
        datasets, stages = ([one.name for one in part] for part in (self.datasets, self.stages))
        for what, names in (
            ("datasets", datasets),
            ("stages", stages),
            ("entrants", [one.label for one in self.entrants]),
            ("protocols", [one.name for one in self.protocols]),
        ):
            twice = [name for name, number in Counter(names).items() if number > 1]
            if twice:
                raise ValueError(f"{what} has {twice[0]!r} twice")
        if unknown := [name for name in self.test if name not in datasets]:
            raise ValueError(f"test names {unknown[0]!r}, which is not among the datasets")
        for stage in self.stages:
            if unknown := [name for name in (*stage.inputs.values(), *stage.after) if name not in stages]:
                raise ValueError(f"the stage {stage.name!r} reads {unknown[0]!r}, which is not among the stages")
        return self

    @property
    def failures(self) -> dict[str, FailureEntry]:
        """Why stages have no result, by stage."""
        return {stage.name: stage.failure for stage in self.stages if stage.failure is not None}

    def stage(self, name: str) -> StageEntry:
        """Return the stage of this name.

        Raises:
            KeyError: Where the run has none.
        """
        return {stage.name: stage for stage in self.stages}[name]

    def dataset(self, name: str) -> DatasetEntry:
        """Return the dataset of this name.

        Raises:
            KeyError: Where the run has none.
        """
        return {dataset.name: dataset for dataset in self.datasets}[name]

    def with_stages(self, changed: Mapping[str, Mapping[str, Any]]) -> "RunDocument":
        """Return the document with fields of some stages replaced.

        Args:
            changed: By stage, then by field.
        """
        stages = tuple(
            stage.model_copy(update=dict(changed[stage.name])) if stage.name in changed else stage
            for stage in self.stages
        )
        return self.model_copy(update={"stages": stages})


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return RunDocument.model_json_schema()
