"""The parts of a run's document: where it ran, its stages, entrants, datasets and protocols."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from orchestrator.spec.stage_names import stage_name
from stagekit.inside import unsafe_name

Key = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""The key of a result: folders are called after it."""


def _one_part(name: str) -> str:
    mistake = unsafe_name(name) or ("has several parts" if "/" in name else "")
    if name and mistake:
        raise ValueError(f"the name {mistake}")
    return name


FileName = Annotated[str, AfterValidator(_one_part)]
"""The name of a file or folder without the path to it; empty where it had none."""

MODEL = "model"
"""Kind of an entrant whose network this project or a plug-in trains, or takes over from a checkpoint."""

ONNX = "onnx"
"""Kind of an entrant that is a network in an ONNX file from outside."""

PROGRAM = "program"
"""Kind of an entrant that answers pictures by pictures, without a network."""

PREDICTIONS = "predictions"
"""Kind of an entrant whose answers another program has written."""


AUTHORS = "authors"
"""Kind of an entrant that is an authors' program as it is, run by a command."""


def _inside(name: str) -> str:
    mistake = unsafe_name(name)
    if mistake:
        raise ValueError(f"the name {mistake}")
    return name


StageName = Annotated[str, AfterValidator(_inside)]
"""The name of a stage, whose parts files are called after."""


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
    file: FileName
    """Name of the file or folder, without the path to it."""


class FailureEntry(Recorded):
    """Why a stage has no result."""

    code: str
    """Kind of failure, as in the reference of errors; 'skipped' where what it needs failed or was stopped."""
    message: str
    """What happened."""
    hint: str | None = None
    """What to do about it."""
    took: dict[str, Any] = Field(default_factory=dict)
    """Its time and memory, as an artifact's facts have them."""


class StageEntry(Recorded):
    """One stage: what it was to do, and what became of it."""

    name: StageName
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
    key: Key | None = None
    """Names its result in the store; null where its inputs were never known."""
    state: Literal["waiting", "stored", "queued", "running", "adopted", "done", "failed", "skipped", "cancelled"] = (
        "waiting"
    )
    """What had become of it when this was written."""
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
    """One entrant of the comparison."""

    kind: str = MODEL
    """'model', whose network runs here, 'onnx', a network in a file, 'program', which answers without one, 'authors',
    an authors' program that a command runs, or 'predictions', which another program has written."""

    label: FileName
    """What the run calls it; unique."""
    title: str
    """What the report calls it."""
    spec: str
    """Name of its model spec or program spec; empty for ONNX files and predictions."""
    image: str
    """The image that trains and exports it, or takes it over."""
    group: str = ""
    """The network of which this is one of several seeds; empty where it stands alone."""
    seed: int
    """Seed of its training."""
    paper: PaperEntry
    """Where it was published."""
    overrides: tuple[OverrideEntry, ...] = ()
    """What differs from the paper's recipe."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """The whole recipe, with the overrides; of a program its parameters."""
    checkpoint: str | None = None
    """Name of the checkpoint that was adopted; null where it was trained."""
    files: FileName = ""
    """Name of the ONNX file, of the authors' folder, or of the folder or file that predictions lay in."""
    source: str = ""
    """Where an ONNX file, predictions or an authors' program come from, in the experiment's words."""
    command: str = ""
    """What runs an authors' program."""
    plugin: str = ""
    """The plug-in that brought its spec; empty where none did."""
    features: tuple[str, ...] | None = None
    """Files of feature weights that its training or its network needs; null in documents of before this was written."""

    @property
    def weights_stage(self) -> str:
        """Name of the stage that leaves its weights."""
        return stage_name("train" if self.checkpoint is None else "adopt", self.label)

    @property
    def network_stage(self) -> str:
        """Name of the stage that leaves its network, where it is one."""
        return stage_name("wrap" if self.kind == ONNX else "export", self.label)

    def answers_stage(self, dataset: str) -> str:
        """Return the name of the stage that leaves its answers to a dataset."""
        kinds = {PREDICTIONS: "collect", AUTHORS: "collect", PROGRAM: "predict"}
        return stage_name(kinds.get(self.kind, "infer"), self.label, dataset)


class DatasetEntry(Recorded):
    """One dataset that the run uses."""

    name: FileName
    """What the run calls it."""
    title: str
    """What the report calls it."""
    source: str = ""
    """Where the pictures come from: address, paper, licence."""
    role: str
    """layers, pairs or photos: what it holds."""
    uses: tuple[str, ...] = ()
    """What for: synthetic, real, unaligned, validation, test."""
    plugin: str = ""
    """The plug-in that brought it; empty where none did."""


class ScaleEntry(Recorded):
    """How the values of a plug-in's metric are shown and compared."""

    title: str
    """What tables call it."""
    unit: str = ""
    """Empty where it has none."""
    decimals: int = Field(ge=0, le=9)
    """Digits after the point."""
    better: Literal["higher", "lower"]
    """Which of two values is better."""
    identical: float | Literal["inf"]
    """The value of identical pictures."""


class MetricEntry(Recorded):
    """One metric of a protocol."""

    name: str
    """Its name in files and tables."""
    definition: str
    """How it is computed."""
    scale: ScaleEntry | None = None
    """How its values are shown; null for the metrics of sirr-orch itself."""
    image: str = ""
    """The image of a plug-in that computes it; empty for the metrics of sirr-orch itself."""
    source: str = ""
    """Who defined a metric of a plug-in."""
    plugin: str = ""
    """The plug-in that brought it; empty for the metrics of sirr-orch itself."""


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
    metrics: tuple[MetricEntry, ...] = Field(min_length=1)
    """What was measured."""
    plugin: str = ""
    """The plug-in that brought it; empty where none did."""


class PluginEntry(Recorded):
    """A plug-in of which the run uses something."""

    name: str
    """The name of its folder."""
    origin: str
    """What named it: 'plugins:' of the experiment, an option, a variable, an installed distribution."""
    brings: tuple[str, ...] = ()
    """What the run uses of it, such as 'program dim2026'."""


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


class RecipeEntry(Recorded):
    """What an image of a plug-in was made of, so that it is found where it is built when the plug-in is gone."""

    recipe: str
    """Hash of everything that it is made of."""
    lock: str
    """Hash of its locked packages."""
    packages: dict[str, str] = Field(default_factory=dict)
    """Name to version of everything that the lock pins."""


class ImageEntry(Recorded):
    """An image that a plug-in brought."""

    description: dict[str, Any]
    """Its description, as image.yaml has it."""
    recipes: dict[str, RecipeEntry]
    """By variant."""
