"""report.json: everything that the report tells, for programs; its form is versioned and documented.

Numbers stand as they were measured, not as they are shown. A score that is infinite is the text "inf"; what was not
measured is an object with the reason. NaN never occurs.
"""

import hashlib
from typing import Literal

from pydantic import FiniteFloat

from orchestrator.report.machine.record_entry import Digest, Entry, Infinite, Missing, Score
from orchestrator.report.machine.record_ranking import RankingEntry
from orchestrator.report.machine.record_run import (
    EnvironmentEntry,
    FeatureFileEntry,
    OverlapEntry,
    PluginEntry,
    SbomEntry,
    SpecEntry,
    StageEntry,
)

SCHEMA_VERSION: Literal[1] = 1
"""Grows where a field changes its meaning or goes; new fields do not change it."""


class PaperEntry(Entry):
    """Where a network was published."""

    title: str
    authors: str
    venue: str
    program: str
    """Address and licence of the authors' program."""


class OverrideEntry(Entry):
    """One value of a recipe that differs from the paper."""

    field: str
    """Dotted name of the recipe's field."""
    paper: str
    value: str
    """Here."""


class MemoryNeed(Entry):
    """What the largest step of a training needed."""

    device: str
    peak_bytes: int
    budget_bytes: int | None
    height: int
    width: int
    batch: int
    savings: tuple[str, ...]


class CurvePoint(Entry):
    """One recorded step of a training."""

    step: int
    epoch: int
    losses: dict[str, FiniteFloat | None]
    """None where the loss was not finite."""
    rate: FiniteFloat
    seconds: FiniteFloat | None


class TrainingEntry(Entry):
    """Weights that this program trained."""

    kind: Literal["trained"] = "trained"
    steps: int
    epochs: int
    samples: int
    seconds: FiniteFloat | None
    waiting_s: FiniteFloat
    features: str
    parameters: int
    notes: tuple[str, ...]
    memory: MemoryNeed | None
    curve: tuple[CurvePoint, ...]


class AdoptionEntry(Entry):
    """Weights that somebody else trained."""

    kind: Literal["adopted"] = "adopted"
    format: str
    tensors: int
    parameters: int
    checkpoint: str
    digest: Digest
    """SHA-256 over the checkpoint's names and contents."""
    notes: tuple[str, ...]


class WrappedRangeEntry(Entry):
    """What a network's values are of a picture's: v = x * scale + shift, for each of its channels."""

    scale: tuple[FiniteFloat, ...]
    shift: tuple[FiniteFloat, ...]


class WrappedEntry(Entry):
    """A network in an ONNX file from outside, and what was put around it."""

    kind: Literal["onnx"] = "onnx"
    file: str
    digests: dict[str, Digest]
    """SHA-256 of the file and of those that hold its data, by name."""
    source: str
    """Where it comes from, in the experiment's words."""
    parameters: int
    opset: int
    input: str
    """The file's name of its input."""
    outputs: dict[str, str]
    """The file's names of its outputs, by what they are called here."""
    values: str
    """Of what kind those are that it takes, such as 'float16'."""
    taken: WrappedRangeEntry
    answered: WrappedRangeEntry
    channels: str
    """Their order in the network; 'each' where it takes one, and each of the picture's goes through it alone."""
    multiple_of: int
    """What height and width are padded to multiples of."""
    residual: str
    """'subtract' or 'add', where its answer is subtracted from the picture or added to it; else empty."""
    free_size: bool
    """Whether the one size that the file names was given up."""
    further_channels: tuple[FiniteFloat, ...] = ()
    """What its channels behind those of the picture hold everywhere."""


class ElsewhereEntry(Entry):
    """Pictures that another program has written: nothing is known of its weights."""

    kind: Literal["elsewhere"] = "elsewhere"
    files: str
    """Name of the folder or file that they lay in."""
    source: str
    """Where they come from, in the experiment's words."""


class AuthorsEntry(Entry):
    """An authors' program as it is: nothing is known of its training."""

    kind: Literal["authors"] = "authors"
    files: str
    """Name of its folder."""
    image: str
    """What it ran in."""
    command: str
    """What ran it, with placeholders."""
    digests: dict[str, str]
    """SHA-256 over the contents of its folder, and of the weights besides, by their names."""
    source: str
    """Where it comes from, in the experiment's words."""


class UntrainedEntry(Entry):
    """A program that is not trained."""

    kind: Literal["untrained"] = "untrained"
    parameters: dict[str, FiniteFloat]
    """The numbers that it takes."""


class ExportEntry(Entry):
    """How far the exported network is from the native one."""

    opset: int
    native: str
    tolerance: FiniteFloat
    error: FiniteFloat | None
    """The largest norm(out - ref) / norm(ref), None where it was not recorded."""
    checks: int


class PictureScoresEntry(Entry):
    """The scores of one picture."""

    id: str
    values: dict[str, Score]


class MeanEntry(Entry):
    """The mean of a metric over the pictures whose score is finite."""

    value: FiniteFloat | Infinite | None
    """The text "inf" where every score is, None where nothing was measured."""
    finite: int
    """How many pictures it is a mean of."""
    infinite: int
    missing: int
    low: FiniteFloat | None = None
    """Lower end of the 95 % interval; None where it is not known."""
    high: FiniteFloat | None = None


class ScoresEntry(Entry):
    """One network's or control's scores by one protocol."""

    protocol: str
    version: int | None
    fault: str
    """Why it must not be believed; empty where it may."""
    metrics: tuple[str, ...]
    means: dict[str, MeanEntry]
    pictures: tuple[PictureScoresEntry, ...]
    notes: tuple[str, ...]


class MissingScores(Entry):
    """Scores that are not there."""

    protocol: str
    not_measured: str


class ValidationEntry(Entry):
    """A training's weights after an epoch, scored."""

    dataset: str
    epoch: int
    scores: ScoresEntry | MissingScores


class ModelEntry(Entry):
    """One network of the comparison."""

    label: str
    """What results call it."""
    title: str
    spec: str
    """Name of its model spec."""
    group: str
    """The network of which this is one of several seeds; empty where it stands alone."""
    paper: PaperEntry
    seed: int
    overrides: tuple[OverrideEntry, ...]
    weights: TrainingEntry | AdoptionEntry | WrappedEntry | ElsewhereEntry | AuthorsEntry | UntrainedEntry | Missing
    export: ExportEntry | Missing | None
    """None where there is no network."""
    validation: tuple[ValidationEntry, ...]
    plugin: str = ""
    """The plug-in that brought its spec; empty where none did."""


class PictureEntry(Entry):
    """One picture of a dataset. Sizes are pixels."""

    id: str
    height: int
    width: int
    origin: str
    notes: tuple[str, ...]


class DatasetEntry(Entry):
    """A dataset that was tested or trained on."""

    name: str
    title: str
    role: str
    tested: bool
    source: str
    digest: Digest
    """SHA-256 over the prepared files; empty where it was not prepared."""
    warnings: tuple[str, ...]
    pictures: tuple[PictureEntry, ...]
    plugin: str = ""
    """The plug-in that brought it; empty where none did."""


class PlanEntry(Entry):
    """How a picture went through a network in exact parts."""

    segments: int
    tiles: int
    expected_s: FiniteFloat
    expected_bytes: int
    filed_bytes: int


class AnswerEntry(Entry):
    """What a network did with one picture."""

    id: str
    seconds: FiniteFloat | None
    low: FiniteFloat
    """Least value of the raw answer, before it was clipped to 0 to 1."""
    high: FiniteFloat
    peak_bytes: int | None
    plan: PlanEntry | None


class InferenceEntry(Entry):
    """What a network did with a dataset."""

    mode: str
    label: str
    """'exact', 'approximate: …' with the reason, or 'computed elsewhere'."""
    runtime: dict[str, str]
    warnings: tuple[str, ...]
    pictures: tuple[AnswerEntry, ...]


class ResultEntry(Entry):
    """One network or control on one test dataset."""

    label: str
    control: bool
    """'input' is the unchanged picture, 'truth' the transmission itself."""
    dataset: str
    inference: InferenceEntry | Missing | None
    """None for controls."""
    scores: tuple[ScoresEntry | MissingScores, ...]
    """One for each protocol; empty for photographs without truth."""


class ReportFile(Entry):
    """The whole file."""

    schema_version: Literal[1] = SCHEMA_VERSION
    program: str
    """Name and version of what made it."""
    name: str
    note: str
    spec: SpecEntry
    commands: tuple[str, ...]
    """How to make the report again."""
    features: str
    """Feature weights: 'random' means that nothing can be compared with other runs."""
    feature_files: tuple[FeatureFileEntry, ...] = ()
    """The files of them that stages read."""
    seed: int
    device: str
    engine: str
    warnings: tuple[str, ...]
    """What the report says on top, overlaps of training and test pictures among it."""
    overlap: OverlapEntry | Missing | None
    """None where nothing was trained."""
    models: tuple[ModelEntry, ...]
    datasets: tuple[DatasetEntry, ...]
    results: tuple[ResultEntry, ...]
    rankings: tuple[RankingEntry, ...]
    stages: tuple[StageEntry, ...]
    environments: tuple[EnvironmentEntry, ...]
    sbom: SbomEntry | None = None
    """The software of the program that made the report."""
    plugins: tuple[PluginEntry, ...] = ()
    """The plug-ins of which the run uses something."""


def text_digest(text: str) -> str:
    """Return SHA-256 of a text as the report keeps it."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def schema() -> dict[str, object]:
    """Return the JSON Schema of report.json."""
    found = ReportFile.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
