"""From artifact folders to what the report tells; whatever is not as its stage declared it is refused.

Each function takes the output folder of one artifact. All of them raise OutputInvalid, with the file and every
mistake in it.
"""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, FiniteFloat

from orchestrator.report.content import (
    Adoption,
    CurveStep,
    Dataset,
    Export,
    FeatureWeights,
    Memory,
    NotMeasured,
    Overlap,
    OverlapPair,
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
from orchestrator.results import read_result
from stagekit.results.dataset import DatasetFile
from stagekit.results.overlap import OverlapFile
from stagekit.results.predictions import PredictionsFile, TilePlanFacts
from stagekit.results.scores import NotMeasured as Unmeasured
from stagekit.results.scores import Score as NumberOrReason
from stagekit.results.scores import ScoresFile


def read_dataset(folder: Path, *, source: str = "") -> Dataset:
    """Return a prepared dataset from its ``dataset.json``; source: what its description says about its origin."""
    file = read_result(DatasetFile, folder)
    return Dataset(
        name=file.name,
        title=file.title or file.name,
        role=file.role,
        items=tuple(
            Picture(
                id=item.id,
                blended=_optional(folder, item.blended),
                transmission=_optional(folder, item.transmission),
                reflection=_optional(folder, item.reflection),
                height=item.height,
                width=item.width,
                origin=item.origin,
                notes=item.notes,
            )
            for item in file.items
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
    file = read_result(PredictionsFile, folder)
    return Predictions(
        mode=file.mode,
        label=file.label,
        items=tuple(
            PicturePrediction(
                id=item.id,
                transmission=_beside(folder, item.transmission),
                reflection=_optional(folder, item.reflection),
                steps=tuple(_beside(folder, step) for step in item.steps),
                height=item.height,
                width=item.width,
                seconds=item.seconds or 0.0,
                low=item.min,
                high=item.max,
                peak_bytes=item.peak_bytes,
                plan=None if item.plan is None else _tile_plan(item.plan),
            )
            for item in file.items
        ),
        runtime=dict(file.runtime),
        warnings=file.warnings,
    )


def read_scores(folder: Path) -> Scores:
    """Return the scores of every picture from ``scores.json``."""
    file = read_result(ScoresFile, folder)
    table = folder / "scores.parquet"
    return Scores(
        file.protocol,
        file.version,
        file.metrics,
        tuple(
            PictureScores(item.id, {name: _score(item.values[name]) for name in file.metrics}) for item in file.items
        ),
        file.notes,
        table.absolute() if table.is_file() else None,
    )


def read_overlap(folder: Path, *, reason: str = "") -> Overlap:
    """Return what a comparison of training and test pictures found, from its ``overlap.json``.

    reason: why the experiment accepts what was found
    """
    file = read_result(OverlapFile, folder)
    return Overlap(
        action=file.action,
        reason=reason,
        trained=sum(dataset.pictures for dataset in file.train.values()),
        tested=sum(dataset.pictures for dataset in file.test),
        pairs=tuple(
            OverlapPair(
                f"{found.train_dataset} {found.train_scene}",
                f"{found.test_dataset} {found.test_scene}",
                found.kind if found.kind == "same pixels" else f"{found.kind}, correlation {found.correlation:.2f}",
                ", ".join(found.layers),
            )
            for found in file.overlaps
        ),
    )


def _finite_or_none(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_Loss = Annotated[FiniteFloat | None, BeforeValidator(_finite_or_none)]
_Pixels = Annotated[int, Field(gt=0)]
_Seconds = Annotated[FiniteFloat, Field(ge=0)]


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


def _tile_plan(plan: TilePlanFacts) -> TilePlan:
    return TilePlan(plan.segments, plan.tiles, plan.expected_s, plan.expected_bytes, plan.filed_bytes)


def _optional(folder: Path, name: str | None) -> Path | None:
    return None if name is None else _beside(folder, name)


def _beside(folder: Path, name: str) -> Path:
    """Return a file of a result, which was looked at when the result was read."""
    return (folder / name).absolute()


def _score(value: NumberOrReason) -> Score | NotMeasured:
    return NotMeasured(value.not_measured) if isinstance(value, Unmeasured) else value
