"""What the user runs: one comparison."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from orchestrator.spec.base import Forms, Name, StrictModel
from orchestrator.spec.dataset import Dataset
from orchestrator.spec.entrants import EntrantChoice
from orchestrator.spec.names import DEFAULT_THREADS, BuiltInEngine, Device
from orchestrator.spec.numbers import MOST_THREADS, REAL, WHOLE, Bytes, Count, Seed, Truth
from orchestrator.spec.protocol import ProtocolName, ranks
from orchestrator.spec.tracking import Tracking
from stagekit.measures import HOUSE, PROTOCOLS


class Validation(StrictModel):
    """How the weights are scored while a training goes on; nothing is chosen by it."""

    dataset: Name
    """Dataset of pairs: one of the test datasets, or one of this experiment's own."""
    every: Count
    """Epochs between two scorings. The training keeps the weights of these epochs, so another number trains again."""


class TrainingData(StrictModel):
    """What every model is trained on."""

    synthetic: Name
    """Dataset of layers that are blended by each paper's own synthesis."""
    real: Name | None = None
    """Dataset of real pairs; None trains on synthetic samples alone."""
    unaligned: Name | None = None
    """Dataset of real pairs whose pictures do not lie exactly on each other, for models that use them."""
    validation: Validation | None = None
    """Score the weights after some epochs too; None scores the final weights alone."""


def _training_from_name(value: object) -> object:
    return {"synthetic": value} if isinstance(value, str) else value


class Resizing(StrictModel):
    """A picture made smaller for the network, and its answer larger again; labelled wherever the result goes."""

    short_edge: Annotated[int, Field(ge=64, le=2**16), WHOLE]
    """Pixels of the short side; pictures whose short side is no longer are left as they are."""


class Inference(StrictModel):
    """How pictures go through the exported networks; the same for all."""

    mode: Literal["exact", "whole", "tiles"] = "exact"
    """'exact': tile by tile in the memory there is, with the result of the whole picture; 'whole': the picture at
    once, as a reference; 'tiles': overlapping tiles, blended, which changes results and is labelled so."""
    tile: Annotated[int, Field(ge=64, le=2**16, multiple_of=32), WHOLE] = 512
    """Side of a tile in pixels ('tiles' only)."""
    overlap: Annotated[int, Field(ge=0, le=2**16, multiple_of=2), WHOLE] = 64
    """Pixels by which neighbouring tiles overlap ('tiles' only)."""
    resize: Resizing | None = None
    """Make large pictures smaller first; None takes every picture at its own size."""


def _some_protocol_ranks(protocols: tuple[ProtocolName, ...]) -> tuple[ProtocolName, ...]:
    if len(set(protocols)) < len(protocols):
        raise ValueError("a protocol is listed twice")
    if not any(ranks(name) for name in protocols):
        raise ValueError(f"{', '.join(protocols)} explains faulty numbers and ranks nothing: add {HOUSE!r}")
    return protocols


class Experiment(StrictModel):
    """One comparison, from the pictures to the report."""

    name: Name
    """Names the run's folder and the report."""
    note: str = ""
    """Free text for the head of the report."""
    models: tuple[EntrantChoice, ...] = Field(min_length=1)
    """The entrants to compare: names of model specs, a model with its overrides, ONNX files, programs, or predictions
    that another program has written."""
    plugins: tuple[Path, ...] = ()
    """Folders with the layout of this project (model_specs/, program_specs/, images/, data/, metric_specs/,
    protocol_specs/) whose networks, programs, datasets, metrics and protocols can be named too; a relative path starts
    at this file. Others are found without being named here, by SIRR_PLUGINS and the like."""
    train: Annotated[
        TrainingData | None,
        Forms("the name of a dataset of layers, or a group of 'field: value' lines"),
        BeforeValidator(_training_from_name),
    ] = None
    """What they are trained on: the name of a dataset of layers, or synthetic and real datasets. Not needed where
    no model is trained."""
    test: tuple[Name, ...] = Field(min_length=1)
    """The datasets on which they are compared: pairs are scored, photos are shown."""
    accept_overlap: str | None = Field(default=None, min_length=10)
    """Why it is acceptable that pictures are trained on and tested on, in a sentence: it stands on top of the report.
    None: such an overlap stops the run before anything is trained."""
    drop_overlap: Truth = False
    """Leave the training pictures out that are also test pictures, and say so in the report."""
    datasets: dict[Name, Dataset] = Field(default_factory=dict)
    """Datasets of this experiment, besides those of the catalogue."""
    metrics: Annotated[tuple[Name, ...], Field(min_length=1)] = tuple(
        metric.name for metric in PROTOCOLS[HOUSE].metrics
    )
    """The scores of protocol 'standard': psnr, ssim, lpips, and the metrics of plug-ins. Other protocols have metrics
    of their own; LPIPS is measured only where it stands here."""
    protocols: Annotated[tuple[ProtocolName, ...], Field(min_length=1), AfterValidator(_some_protocol_ranks)] = (HOUSE,)
    """The ways of scoring, several at once: 'standard', 'errnet2019' (what ERRNet and its successors print; keeps the
    networks' answers as floats too), 'windowseat2025', 'ntire2026', 'course2024' (faulty, kept to explain a published
    table; never ranked), and the protocols of plug-ins."""
    inference: Inference = Inference()
    """How pictures go through the networks."""
    features: Literal["pretrained", "random"] = "pretrained"
    """Weights of the feature networks (VGG-19, AlexNet). 'random' is seeded, for trying things out: scores from it
    cannot be compared with anything, and the report says so on top."""
    features_folder: Path | None = None
    """Where the pretrained files lie. Default: the folder of the environment variable SIRR_FEATURES."""
    seed: Seed = 0
    """Seed of every random draw."""
    device: Device = "cpu"
    """What training and inference compute on."""
    engine: BuiltInEngine = "auto"
    """What runs the stages. Not part of any key: all give the same result."""
    memory: Bytes = 8 * 2**30
    """Memory that one stage may use; text such as "8GiB" or a number of bytes. The tiles of exact inference follow from
    it, and with them its last digits: it is in inference's key."""
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS), WHOLE] = DEFAULT_THREADS
    """Processor threads of stages whose results depend on them, such as trainings: sums are rounded otherwise, and a
    training carries that on. It does not depend on the machine, so that every machine of a kind gives the same bits;
    other stages use all processors."""
    device_memory: Bytes | None = None
    """Memory that one training may use on a GPU; None takes what is free on it."""
    checkpoint_minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60), REAL] = 5
    """Minutes between the checkpoints of a training, besides the one after each epoch. Not part of any key."""
    timeout_hours: Annotated[float, Field(gt=0, le=366 * 24), REAL] | None = None
    """Longest time of one stage; None sets no limit."""
    track: Tracking | None = None
    """Trackers that are told the run when it has ended: parameters, curves, scores and report. Not part of any key."""

    @property
    def primary_protocol(self) -> ProtocolName:
        """The first protocol that ranks: validation is scored in it, and the report shows it first."""
        return next(name for name in self.protocols if ranks(name))
