"""What a report tells: facts from artifacts and the run, as frozen values; nothing in here is computed.

Every `str` may come from outside and is escaped where it is shown; every `Path` is an absolute path of an existing
file inside an artifact, from which the report copies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator.report.overall import OverallRanking
from orchestrator.report.overlap_content import Overlap
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.stage_content import EnvironmentRecord, FeatureFile, SoftwareList, StageRecord
from orchestrator.report.training_content import FeatureWeights, Origin
from orchestrator.spec.explained import ExplainedTable
from orchestrator.spec.protocol import Protocol
from orchestrator.spec.published_numbers import PublishedTable

DatasetRole = Literal["layers", "pairs", "photos"]
"""What a dataset holds: unpaired layers, pairs with truth, or photographs without truth."""

Score = float
"""One score of one picture; inf is allowed (PSNR of identical pictures), NaN is not."""


@dataclass(frozen=True)
class NotMeasured:
    """A number or a picture that is not there, and why, in words: 'train/errnet2019 failed: out of memory'."""

    why: str


@dataclass(frozen=True)
class Paper:
    """Where a network was published."""

    title: str
    authors: str
    venue: str
    program: str


@dataclass(frozen=True)
class Override:
    """One value of a recipe that differs from the paper: a dotted field, and both values as shown to people."""

    field: str
    paper: str
    value: str


@dataclass(frozen=True)
class Export:
    """What an export left: its parity with the native network.

    Attributes:
        error: The largest relative error over all checks, norm(out - ref) / norm(ref), None where it was not recorded.
        tolerance: What was allowed.
    """

    opset: int
    native: str
    tolerance: float
    error: float | None
    checks: int


@dataclass(frozen=True)
class PictureScores:
    """Scores of one picture by metric; every metric of the protocol is there."""

    id: str
    values: Mapping[str, Score | NotMeasured]


@dataclass(frozen=True)
class Scores:
    """What an evaluation left.

    Attributes:
        table: Its scores as a Parquet file, None where there is none.
    """

    protocol: str
    version: int
    metrics: tuple[str, ...]
    items: tuple[PictureScores, ...]
    notes: tuple[str, ...] = ()
    table: Path | None = None


@dataclass(frozen=True)
class ValidationPoint:
    """The weights after an epoch, counted from 1, scored."""

    epoch: int
    scores: Scores | NotMeasured


@dataclass(frozen=True)
class Validation:
    """A training's weights after some epochs, and its final ones, scored on one dataset.

    Attributes:
        points: By epoch.
    """

    dataset: str
    points: tuple[ValidationPoint, ...]


@dataclass(frozen=True)
class Model:
    """A model of the comparison.

    Attributes:
        label: What the comparison calls it; unique, never that of a control.
        training: NotMeasured where the stage left nothing.
        export: NotMeasured where the stage left nothing; None where there is no network.
        validation: None where the training was not validated.
        spec: Name of its model spec, under which numbers of it are published.
        group: What the comparison calls the network of which this is one of several seeds; empty where it stands alone.
        plugin: The plug-in that brought its spec; empty where none did.
        sees_features: Whether its training or its network needs the weights of a feature network.
    """

    label: str
    title: str
    paper: Paper
    overrides: tuple[Override, ...]
    seed: int
    training: Origin | NotMeasured
    export: Export | NotMeasured | None
    validation: Validation | None = None
    spec: str = ""
    group: str = ""
    plugin: str = ""
    sees_features: bool = False


@dataclass(frozen=True)
class Picture:
    """One item of a prepared dataset. Pictures are 8-bit RGB PNG; None where the dataset has none."""

    id: str
    blended: Path | None
    transmission: Path | None
    reflection: Path | None
    height: int
    width: int
    origin: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A prepared dataset.

    Attributes:
        name: Unique.
        role: Pairs are scored, photos are shown, layers are only trained on.
        source: Where the pictures come from; address, paper, licence.
        variant: Which form of a published set it is, with its number of scenes and sizes; empty where it has no forms.
        digest: SHA-256 over the prepared files, the same for the same pictures; empty where it was not prepared.
        plugin: The plug-in that brought it; empty where none did.
    """

    name: str
    title: str
    role: DatasetRole
    items: tuple[Picture, ...]
    source: str = ""
    warnings: tuple[str, ...] = ()
    digest: str = ""
    variant: str = ""
    plugin: str = ""


@dataclass(frozen=True)
class TilePlan:
    """How a picture went through a network in exact parts.

    Attributes:
        expected_s: Of time and of the process's memory, before it ran.
        expected_bytes: Of time and of the process's memory, before it ran.
        filed_bytes: Of maps in files.
    """

    segments: int
    tiles: int
    expected_s: float
    expected_bytes: int
    filed_bytes: int


@dataclass(frozen=True)
class PicturePrediction:
    """What a network answered for one picture.

    Attributes:
        reflection: None where the network has none.
        steps: Transmissions of a cascade, first to last, without the final one.
        low: Range of the raw answer before it was clipped to [0, 1].
        high: Range of the raw answer before it was clipped to [0, 1].
        peak_bytes: The most memory that the process held.
        plan: None where it did not go in exact parts.
    """

    id: str
    transmission: Path
    reflection: Path | None
    steps: tuple[Path, ...]
    height: int
    width: int
    seconds: float | None
    low: float
    high: float
    peak_bytes: int | None = None
    plan: TilePlan | None = None


@dataclass(frozen=True)
class Predictions:
    """What an inference left.

    Attributes:
        label: 'exact', 'approximate: …' with the reason, or 'computed elsewhere'.
        failed: Why a picture has no answer, by its id.
        copies: Control to the ids of pictures whose answer is the control's, pixel for pixel.
    """

    mode: str
    label: str
    items: tuple[PicturePrediction, ...]
    runtime: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def approximate(self) -> bool:
        """Whether the answers differ from those of the whole network."""
        return self.label.startswith("approximate")


@dataclass(frozen=True)
class Result:
    """One model or control on one test dataset.

    Attributes:
        label: A model's label, or a control's: 'input' (the unchanged picture) or 'truth' (the transmission itself).
        predictions: None for controls, which have none.
        scores: By protocol; empty for photos, which have no truth.
    """

    label: str
    dataset: str
    predictions: Predictions | NotMeasured | None
    scores: Mapping[str, Scores | NotMeasured]


@dataclass(frozen=True)
class PluginUse:
    """A plug-in, and what the run uses of it, such as 'program dim2026'.

    Attributes:
        origin: What named it.
    """

    name: str
    origin: str
    brings: tuple[str, ...]


@dataclass(frozen=True)
class ReportContent:
    """Everything that a report shows.

    Attributes:
        protocols: The ways of scoring, each with the metrics that were measured, the one to rank by first.
        rankings: What the scores allow to say, for every dataset, protocol and metric.
        overall: The same of all datasets together, for every metric that is ranked.
        models: In the order of the spec.
        datasets: The test datasets in the order of the spec, then those of training.
        test: Names of the test datasets.
        results: One per (model or control, test dataset); one that is missing reads 'not measured: no result was
            recorded'.
        warnings: For the head of the report, besides what the report finds itself: random feature weights, approximate
            inference, failed stages.
        overlap: None where nothing was trained, NotMeasured where training and test pictures were not compared.
        spec: Text of the experiment file.
        spec_name: Its file name.
        commands: How to make this report again, one command per line.
        program: Name and version of the orchestrator.
        published: Numbers of others to set beside.
        explained: Tables of others whose cells this run explains.
        feature_files: The files of pretrained feature weights that its stages read.
        sbom: The software of the orchestrator that made the report.
        plugins: Of which the run uses something.
    """

    name: str
    note: str
    protocols: tuple[Protocol, ...]
    features: FeatureWeights
    seed: int
    device: str
    engine: str
    models: tuple[Model, ...]
    datasets: tuple[Dataset, ...]
    test: tuple[str, ...]
    results: tuple[Result, ...]
    stages: tuple[StageRecord, ...]
    environments: tuple[EnvironmentRecord, ...]
    spec: str
    spec_name: str
    commands: tuple[str, ...]
    program: str
    warnings: tuple[str, ...] = ()
    overlap: Overlap | NotMeasured | None = None
    rankings: tuple[MetricRanking, ...] = ()
    overall: tuple[OverallRanking, ...] = ()
    published: tuple[PublishedTable, ...] = ()
    explained: tuple[ExplainedTable, ...] = ()
    feature_files: tuple[FeatureFile, ...] = ()
    sbom: SoftwareList | None = None
    plugins: tuple[PluginUse, ...] = ()
