"""The document of a run: everything that is known of it apart from its artifacts, in one file.

``runs/NAME/run.json`` is the latest revision of a run, ``runs/NAME/revisions/N/run.json`` each earlier one. What comes
after a run reads these and the artifacts, and nothing else: no experiment's file, no dataset, no checkpoint.
"""

import fcntl
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from orchestrator.errors import SpecError, StoreError
from orchestrator.spec.stage_names import stage_name
from orchestrator.store.disk import space_explained, sync, write_synced

SCHEMA = 1
"""Grows where an earlier version could not read the document; fields that are added do not raise it."""

RUN_FILE = "run.json"
REVISIONS = "revisions"

SETTLED = frozenset({"stored", "done", "failed", "skipped", "cancelled"})
"""States in which nothing more becomes of a stage by itself."""


class Recorded(BaseModel):
    """A frozen part of the document; fields that a later version has added are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)


class Program(Recorded):
    """What ran the run."""

    version: str
    """Version of sirr-orch."""
    python: str
    """Version of the interpreter that it ran in."""


class Host(Recorded):
    """Where the run was started; stages may have run elsewhere, which their artifacts tell."""

    name: str
    """Name of the machine."""
    system: str
    """Operating system and its release."""
    processor: str
    """Kind of processor."""
    cores: int | None = None
    """Logical processors; null where that is not known."""


class Overrides(Recorded):
    """What the command line said besides the experiment; null: nothing."""

    engine: str | None = None
    """What was to run the stages."""
    threads: int | None = None
    """Processor threads of one stage."""
    jobs: int | None = None
    """Stages at the same time."""
    workers: int | None = None
    """Processes that prepare a training's samples."""
    data: str | None = None
    """Name of the data folder."""
    photos: tuple[str, ...] = ()
    """Names of the folders of photographs that were added."""


class SpecFile(Recorded):
    """The experiment's file as it was when the run was last started."""

    name: str
    """Its name."""
    text: str
    """Its text; empty where there was no file."""


class SourceEntry(Recorded):
    """Files from outside the store that a stage read."""

    digest: str
    """SHA-256 over the relative names and contents."""
    file: str
    """Name of the file or folder, without the path to it."""


class FailureEntry(Recorded):
    """Why a stage has no result."""

    code: str
    """Kind of failure, as in the reference of errors; 'skipped' where something that it needs failed."""
    message: str
    """What happened."""
    hint: str | None = None
    """What to do about it."""
    took: dict[str, Any] = Field(default_factory=dict)
    """Its time and memory, as an artifact's facts have them."""


class StageEntry(Recorded):
    """One stage: what it was to do, and what became of it."""

    name: str
    """Unique in the run, such as 'train/errnet2019'."""
    kind: str
    """What kind of work it is."""
    image: str
    """The image whose program runs it."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Everything that decides its result besides what it reads."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Input name to the stage whose result is read."""
    sources: dict[str, SourceEntry] = Field(default_factory=dict)
    """Input name to files from outside the store."""
    after: tuple[str, ...] = ()
    """Stages that must have ended well before it, though it reads nothing of theirs."""
    device: str = "cpu"
    """What it computes on."""
    seed: int = 0
    """Seed of its random draws."""
    threads: int | None = None
    """Processor threads that its result depends on; null where it depends on none."""
    memory_bytes: int | None = None
    """Memory that it was given; it decides no result."""
    timeout_s: float | None = None
    """Longest time that it was given, in seconds."""
    key: str | None = None
    """Names its result in the store; null where its inputs were never known."""
    state: str = "waiting"
    """waiting, stored, running, adopted, done, failed, skipped or cancelled, when this was written."""
    failure: FailureEntry | None = None
    """Why it has no result; null where it has one, or has not run."""


class PaperEntry(Recorded):
    """Where a network was published."""

    title: str
    """Title of the paper."""
    authors: str
    """Its authors."""
    venue: str
    """Conference and year."""
    program: str
    """Address of the authors' program, and its licence."""


class OverrideEntry(Recorded):
    """A value of a recipe that differs from the paper's."""

    field: str
    """The recipe's field."""
    paper: Any = None
    """The paper's value."""
    value: Any = None
    """This run's."""


class EntrantEntry(Recorded):
    """One network of the comparison."""

    label: str
    """What the run calls it; unique."""
    title: str
    """What the report calls it."""
    spec: str
    """Name of its model spec."""
    image: str
    """The image that trains and exports it."""
    group: str = ""
    """The network of which this is one of several seeds; empty where it stands alone."""
    seed: int
    """Seed of its training."""
    paper: PaperEntry
    """Where it was published."""
    overrides: tuple[OverrideEntry, ...] = ()
    """What differs from the paper's recipe."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """The whole recipe, with the overrides."""
    checkpoint: str | None = None
    """Name of the checkpoint that was adopted; null where it was trained."""

    @property
    def weights_stage(self) -> str:
        """Name of the stage that leaves its weights."""
        return stage_name("train" if self.checkpoint is None else "adopt", self.label)


class DatasetEntry(Recorded):
    """One dataset that the run uses."""

    name: str
    """What the run calls it."""
    title: str
    """What the report calls it."""
    source: str = ""
    """Where the pictures come from: address, paper, licence."""
    role: str
    """layers, pairs or photos: what it holds."""
    uses: tuple[str, ...] = ()
    """What for: synthetic, real, unaligned, validation, test."""


class MetricEntry(Recorded):
    """One metric of a protocol."""

    name: str
    """Its name in files and tables."""
    definition: str
    """How it is computed."""


class ProtocolEntry(Recorded):
    """One way of scoring, as it was when the run was started."""

    name: str
    """Its name."""
    version: int
    """Grows whenever a number that it gives would change."""
    title: str
    """What the report calls it."""
    scored: str
    """What the scores are taken of."""
    source: str
    """Who defined it."""
    fault: str = ""
    """Why it must not be believed; empty where it may."""
    metrics: tuple[MetricEntry, ...]
    """What was measured."""


class ValidationEntry(Recorded):
    """How trainings were scored while they went on."""

    dataset: str
    """On which dataset."""
    epochs: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """By network: after which epochs, counted from 1, the last one being its final weights."""


class FeaturesEntry(Recorded):
    """The weights of the feature networks (VGG-19, AlexNet)."""

    weights: str
    """'pretrained' or 'random'."""
    files: tuple[str, ...] = ()
    """Names of the pretrained files that were there."""
    folder_named: bool = False
    """Whether the experiment names their folder, in place of the environment variable."""


class RunDocument(Recorded):
    """One revision of a run."""

    schema_version: int = SCHEMA
    """Version of this form."""
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

    @property
    def keys(self) -> dict[str, str]:
        """The keys of the results that are known, by stage."""
        return {stage.name: stage.key for stage in self.stages if stage.key is not None}

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


def has_document(folder: Path) -> bool:
    """Return whether a run's folder holds a document."""
    return (folder / RUN_FILE).is_file()


def revisions(folder: Path) -> tuple[int, ...]:
    """Return the numbers of a run's revisions, the latest last.

    Raises:
        StoreError: Where the latest document cannot be read.
    """
    earlier = {
        int(path.parent.name)
        for path in (folder / REVISIONS).glob(f"*/{RUN_FILE}")
        if path.parent.name.isascii() and path.parent.name.isdigit()
    }
    return tuple(sorted(earlier | ({load_document(folder).revision} if has_document(folder) else set())))


def revision_folder(folder: Path, document: RunDocument) -> Path:
    """Return where what belongs to one revision alone is kept: the run's folder for the latest."""
    latest = load_document(folder)
    return folder if latest.revision == document.revision else folder / REVISIONS / str(document.revision)


def load_document(folder: Path, revision: int | None = None) -> RunDocument:
    """Return the document of a run's folder.

    Args:
        revision: None for the latest.

    Raises:
        SpecError: Where there is none.
        StoreError: Where it cannot be read or is of a later version.
    """
    name = folder.name
    path = folder / RUN_FILE
    if not path.is_file():
        raise SpecError(
            f"the run {name!r} was stored by an earlier version, which kept no document of it",
            where=str(folder),
            hint="run it again: sirr-orch run SPEC",
        )
    document = _read(path, name)
    if revision is None or revision == document.revision:
        return document
    path = folder / REVISIONS / str(revision) / RUN_FILE
    if not path.is_file():
        known = ", ".join(f"{name}@{number}" for number in revisions(folder))
        raise SpecError(f"the run {name!r} has no revision {revision}", hint=f"choose one of: {known}")
    return _read(path, name)


def _read(path: Path, name: str) -> RunDocument:
    """Return a document; the folder's name is the run's, also where a renaming was cut short."""
    try:
        text = path.read_bytes()
        found = json.loads(text)
    except OSError as error:
        raise StoreError(f"the record of run {name!r} cannot be read: {error.strerror}", where=str(path)) from error
    except ValueError as error:
        cut = "cut short" if not text.rstrip().endswith(b"}") else "damaged"
        raise _damaged(path, name, f"it is {cut} ({error})") from error
    version = found.get("schema_version") if isinstance(found, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise StoreError(
            f"the run {name!r} was recorded by a later version of sirr-orch: its document has form {version}, this "
            f"version knows form {SCHEMA}",
            where=str(path),
            hint="use that version, or a later one",
        )
    try:
        document = RunDocument.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _damaged(path, name, f"{field}: {first['msg']}") from error
    return document if document.name == name else document.model_copy(update={"name": name})


def _damaged(path: Path, name: str, why: str) -> StoreError:
    return StoreError(
        f"the record of run {name!r} is damaged: {why}",
        where=str(path),
        hint=f"restore the file; or move it away and run the experiment again, its results are still in the store: "
        f"mv {path} {path}.damaged",
    )


def start_document(folder: Path, planned: RunDocument, lock: Path) -> RunDocument:
    """Write the document of a run that is about to start, and return it with its revision.

    Where what decides results differs from the latest revision, it becomes the next one and the latest is kept beside.

    Args:
        lock: File whose lock makes the writing programs take turns.

    Raises:
        StoreError: Where the latest document cannot be read: nothing is written over it. NoSpace.
    """
    with _turn(lock), space_explained(folder, "writing the run's record"):
        if not has_document(folder):
            earlier = [int(path.name) for path in (folder / REVISIONS).glob("*") if path.name.isdigit()]
            started = planned.model_copy(update={"revision": max(earlier, default=0) + 1})
        else:
            latest = load_document(folder)
            if latest.identity == planned.identity:
                started = _with_keys(planned, latest)
                started = started.model_copy(update={"revision": latest.revision, "created": latest.created})
            else:
                _write(folder / REVISIONS / str(latest.revision), latest)
                started = planned.model_copy(update={"revision": latest.revision + 1})
        _write(folder, started)
    return started


def save_document(folder: Path, document: RunDocument, lock: Path) -> None:
    """Write a document again, at the place of its revision, which another program may have moved by now.

    Args:
        lock: File whose lock makes the writing programs take turns.

    Raises:
        StoreError: Where the latest document cannot be read.
        NoSpace: Where the disk is full.
    """
    with _turn(lock), space_explained(folder, "writing the run's record"):
        latest = load_document(folder)
        if latest.revision == document.revision:
            _write(folder, _with_keys(document, latest))
        else:
            _write(folder / REVISIONS / str(document.revision), document)


def _with_keys(document: RunDocument, earlier: RunDocument) -> RunDocument:
    """Return the document with those keys of an earlier one that it does not know itself, so that none is lost."""
    known = earlier.keys
    return document.with_stages(
        {
            stage.name: {"key": known[stage.name]}
            for stage in document.stages
            if stage.key is None and stage.name in known
        }
    )


def _write(folder: Path, document: RunDocument) -> None:
    """Replace a document as a whole; a crash leaves the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    dated = document.model_copy(update={"updated": datetime.now(UTC)})
    partial = folder / f"{RUN_FILE}.{os.getpid()}-{threading.get_ident()}"
    try:
        write_synced(partial, (dated.model_dump_json(indent=1) + "\n").encode("utf-8"))
        partial.replace(folder / RUN_FILE)
    finally:
        partial.unlink(missing_ok=True)
    sync(folder)


@contextmanager
def _turn(lock: Path) -> Iterator[None]:
    """Wait for one's turn among the programs that write a run's documents."""
    with lock.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def document_schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return RunDocument.model_json_schema()
