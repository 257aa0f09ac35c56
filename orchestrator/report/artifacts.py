"""From artifact folders to what the report tells; whatever is not as its stage declared it is refused.

Each function takes the output folder of one artifact. All of them raise OutputInvalid, with the file and every
mistake in it.
"""

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from orchestrator.errors import OutputInvalid
from orchestrator.report.content import (
    Adoption,
    CurveStep,
    Dataset,
    DatasetRole,
    Export,
    FeatureWeights,
    Memory,
    NotMeasured,
    Picture,
    PicturePrediction,
    PictureScores,
    Predictions,
    Score,
    Scores,
    TilePlan,
    Training,
)
from orchestrator.report.files import Count, Listed, Strict, read_file
from orchestrator.spec.protocol import ProtocolName


def read_dataset(folder: Path, *, source: str = "") -> Dataset:
    """Return a prepared dataset from its ``dataset.json``; source: what its description says about its origin."""
    path = folder / "dataset.json"
    file = read_file(path, _DatasetFile)
    return Dataset(
        name=file.name,
        title=file.title or file.name,
        role=file.role,
        items=tuple(
            Picture(
                id=item.id,
                blended=_optional_file(path, item.blended),
                transmission=_optional_file(path, item.transmission),
                reflection=_optional_file(path, item.reflection),
                height=item.height,
                width=item.width,
                origin=item.origin,
                notes=item.notes,
            )
            for item in _unique(path, file.items)
        ),
        source=source,
        warnings=file.warnings,
        variant=file.variant,
    )


def read_training(folder: Path) -> Training:
    """Return a training's curve and facts from its ``curves.json`` and ``train.json``."""
    curve = read_file(folder / "curves.json", _CurvesFile)
    facts = read_file(folder / "train.json", _TrainFile)
    return Training(
        curve=tuple(
            CurveStep(step.step, step.epoch, dict(step.losses), step.rate, step.seconds) for step in curve.steps
        ),
        steps=facts.steps,
        epochs=facts.epochs,
        samples=facts.samples,
        seconds=facts.seconds,
        features=facts.features,
        parameters=facts.parameters,
        notes=facts.notes,
        waiting_s=facts.waiting_s,
        memory=None if facts.memory is None else Memory(**facts.memory.model_dump()),
    )


def read_adoption(folder: Path, *, checkpoint: str, digest: str) -> Adoption:
    """Return what was adopted, from its ``adopt.json``.

    checkpoint: where the checkpoint was; digest: SHA-256 of its names and contents
    """
    file = read_file(folder / "adopt.json", _AdoptFile)
    return Adoption(file.format, file.tensors, file.parameters, checkpoint, digest, file.notes)


def read_export(folder: Path) -> Export:
    """Return an export's parity from its ``export.json``."""
    file = read_file(folder / "export.json", _ExportFile)
    error = max(check.error for check in file.checks)
    return Export(file.opset, file.native, file.tolerance, error, len(file.checks))


def read_predictions(folder: Path) -> Predictions:
    """Return what a network answered, from its ``predictions.json``; every picture that it names is there."""
    path = folder / "predictions.json"
    file = read_file(path, _PredictionsFile)
    return Predictions(
        mode=file.mode,
        label=file.label,
        items=tuple(
            PicturePrediction(
                id=item.id,
                transmission=_file(path, item.transmission),
                reflection=_optional_file(path, item.reflection),
                steps=tuple(_file(path, step) for step in item.steps or ()),
                height=item.height,
                width=item.width,
                seconds=item.seconds,
                low=item.min,
                high=item.max,
                peak_bytes=item.peak_bytes,
                plan=None if item.plan is None else TilePlan(**item.plan.model_dump()),
            )
            for item in _unique(path, file.items)
        ),
        runtime=dict(file.runtime),
        warnings=file.warnings,
    )


def read_scores(folder: Path) -> Scores:
    """Return the scores of every picture from ``scores.json``."""
    path = folder / "scores.json"
    file = read_file(path, _ScoresFile)
    items = _unique(path, file.items)
    table = folder / "scores.parquet"
    return Scores(
        file.protocol,
        file.version,
        file.metrics,
        tuple(PictureScores(item.id, {name: _score(item.values[name]) for name in file.metrics}) for item in items),
        file.notes,
        table.absolute() if table.is_file() else None,
    )


def _finite_or_none(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_Id = Annotated[str, Field(min_length=1)]
_Loss = Annotated[FiniteFloat | None, BeforeValidator(_finite_or_none)]
_Pixels = Annotated[int, Field(gt=0)]
_Seconds = Annotated[FiniteFloat, Field(ge=0)]


class _DatasetItem(Strict):
    id: _Id
    blended: str | None = None
    transmission: str | None = None
    reflection: str | None = None
    height: _Pixels
    width: _Pixels
    origin: str
    notes: Listed[str] = ()
    alpha: str | None = None
    bits: Literal[8, 16] = 8
    kind: Literal["png", "tiff"] = "png"


class _DatasetFile(Strict):
    name: str
    title: str
    role: DatasetRole
    items: Listed[_DatasetItem]
    warnings: Listed[str] = ()
    variant: str = ""

    @model_validator(mode="after")
    def _pictures_of_the_role(self) -> "_DatasetFile":
        for item in self.items:
            needed = {
                "pairs": ("blended", "transmission"),
                "photos": ("blended",),
                "layers": (),
            }[self.role]
            missing = [name for name in needed if getattr(item, name) is None]
            if missing:
                raise ValueError(f"item {item.id!r} of role {self.role!r} has no {' and no '.join(missing)} picture")
        return self


class _Step(Strict):
    step: Count
    epoch: Count
    losses: dict[str, _Loss]
    rate: FiniteFloat
    seconds: _Seconds


class _CurvesFile(Strict):
    steps: Listed[_Step]


class _Memory(Strict):
    device: Literal["cpu", "cuda"]
    peak_bytes: Count
    budget_bytes: Count | None
    height: _Pixels
    width: _Pixels
    batch: Count
    savings: Listed[str]


class _TrainFile(Strict):
    steps: Count
    epochs: Count
    samples: Count
    seconds: _Seconds
    features: FeatureWeights
    parameters: Count
    notes: Listed[str] = ()
    waiting_s: _Seconds = 0.0
    memory: _Memory | None = None


class _AdoptFile(Strict):
    format: Literal["released", "own"]
    tensors: Count
    parameters: Count
    notes: Listed[str] = ()


class _ExportCheck(Strict):
    height: _Pixels
    width: _Pixels
    output: str
    error: FiniteFloat


class _ExportFile(Strict):
    inputs: Listed[str]
    outputs: Listed[str]
    opset: int
    tolerance: FiniteFloat
    checks: Annotated[Listed[_ExportCheck], Field(min_length=1)]
    native: str


class _Plan(Strict):
    segments: Count
    tiles: Count
    expected_s: _Seconds
    expected_bytes: Count
    filed_bytes: Count


class _Prediction(Strict):
    id: _Id
    transmission: str
    reflection: str | None = None
    steps: Listed[str] | None = None
    height: _Pixels
    width: _Pixels
    seconds: _Seconds
    min: FiniteFloat
    max: FiniteFloat
    peak_bytes: Count | None = None
    plan: _Plan | None = None


class _PredictionsFile(Strict):
    model: str
    dataset: str
    mode: str
    label: str
    items: Listed[_Prediction]
    runtime: dict[str, str]
    warnings: Listed[str] = ()


class _Missing(Strict):
    not_measured: str


_FileScore = FiniteFloat | Literal["inf"] | _Missing


class _ItemScores(Strict):
    id: _Id
    values: dict[str, _FileScore]

    @model_validator(mode="before")
    @classmethod
    def _metrics_beside_the_id(cls, item: object) -> object:
        if not isinstance(item, Mapping):
            return item
        values = {name: value for name, value in item.items() if name != "id"}
        return {**({"id": item["id"]} if "id" in item else {}), "values": values}


class _ScoresFile(Strict):
    model: str
    dataset: str
    protocol: ProtocolName
    version: int
    fault: str = ""
    metrics: Listed[str]
    items: Listed[_ItemScores]
    notes: Listed[str] = ()

    @model_validator(mode="after")
    def _every_metric_of_every_picture(self) -> "_ScoresFile":
        for item in self.items:
            if set(item.values) != set(self.metrics):
                found = ", ".join(sorted(item.values)) or "nothing"
                raise ValueError(f"item {item.id!r} has {found}; the metrics are {', '.join(self.metrics)}")
        return self


_I = TypeVar("_I", _DatasetItem, _Prediction, _ItemScores)


def _unique(path: Path, items: tuple[_I, ...]) -> tuple[_I, ...]:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise OutputInvalid(f"{path.name} names item {item.id!r} twice", where=str(path))
        seen.add(item.id)
    return items


def _optional_file(path: Path, name: str | None) -> Path | None:
    return None if name is None else _file(path, name)


def _file(path: Path, name: str) -> Path:
    """Return the file that `path` names beside itself."""
    relative = PurePosixPath(name)
    found = path.parent / relative
    if relative.is_absolute() or ".." in relative.parts or not found.is_file():
        raise OutputInvalid(f"{path.name} names the picture {name!r}, which is not there", where=str(path))
    return found.absolute()


def _score(value: "_FileScore") -> Score | NotMeasured:
    if isinstance(value, _Missing):
        return NotMeasured(value.not_measured)
    return math.inf if value == "inf" else float(value)
