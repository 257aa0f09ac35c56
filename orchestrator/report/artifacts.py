"""From artifact folders to what the report tells; whatever is not as its stage declared it is refused.

Each function takes the output folder of one artifact. All of them raise OutputInvalid, with the file and every
mistake in it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.report.content import (
    Dataset,
    Export,
    NotMeasured,
    Picture,
    PicturePrediction,
    PictureScores,
    Predictions,
    Score,
    Scores,
    TilePlan,
)
from orchestrator.report.lookup import picture_names
from orchestrator.report.overlap_content import Overlap, OverlapPair
from orchestrator.report.training_content import Adoption, CurveStep, Memory, Training, Wrapped, WrappedRange
from orchestrator.results import read_result
from stagekit.measuring import wrong_value
from stagekit.results.adopt import AdoptFile
from stagekit.results.curves import CurvesFile
from stagekit.results.dataset import DatasetFile
from stagekit.results.export import ExportFile
from stagekit.results.measure import MeasureFile
from stagekit.results.overlap import OverlapFile
from stagekit.results.predictions import PredictionsFile, TilePlanFacts
from stagekit.results.scores import NotMeasured as Unmeasured
from stagekit.results.scores import Score as NumberOrReason
from stagekit.results.scores import ScoresFile
from stagekit.results.train import TrainFile
from stagekit.results.wrap import WrapFile, WrappedValues


def read_dataset(folder: Path, *, source: str = "") -> Dataset:
    """Return a prepared dataset from its ``dataset.json``.

    Args:
        source: What its description says about its origin.
    """
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
        warnings=(*file.warnings, *(f"left out: {one.name} {one.reason}" for one in file.left_out or ())),
        variant=file.variant,
    )


def read_training(folder: Path, facts: Path | None = None) -> Training:
    """Return a training's curve and facts from its ``curves.json`` and ``train.json``.

    Args:
        facts: The artifact's folder of facts; what only they hold is None where they are gone.
    """
    curve = read_result(CurvesFile, folder, facts)
    training = read_result(TrainFile, folder, facts)
    memory = training.memory
    return Training(
        curve=tuple(
            CurveStep(point.step, point.epoch, dict(point.losses), point.rate, point.seconds) for point in curve.steps
        ),
        steps=training.steps,
        epochs=training.epochs,
        samples=training.samples,
        seconds=training.seconds,
        features=training.features,
        parameters=training.parameters,
        notes=training.notes,
        waiting_s=training.waiting_s or 0.0,
        memory=None
        if memory is None
        else Memory(
            memory.device,
            memory.peak_bytes,
            memory.budget_bytes,
            memory.height,
            memory.width,
            memory.batch,
            memory.savings,
        ),
    )


def read_adoption(folder: Path, *, checkpoint: str, digest: str) -> Adoption:
    """Return what was adopted, from its ``adopt.json``.

    Args:
        checkpoint: Where the checkpoint was.
        digest: SHA-256 of its names and contents.
    """
    file = read_result(AdoptFile, folder)
    return Adoption(file.format, file.tensors, file.parameters, checkpoint, digest, file.notes)


def read_export(folder: Path, facts: Path | None = None) -> Export:
    """Return an export's parity from its ``export.json``.

    Args:
        facts: As `read_training`.
    """
    file = read_result(ExportFile, folder, facts)
    error = max((check.error for check in file.checks), default=None)
    return Export(file.opset, file.native or "the native network", file.tolerance, error, len(file.checks))


def read_wrapping(folder: Path, *, file: str, digests: Mapping[str, str], source: str) -> Wrapped:
    """Return what was made of an ONNX file, from its ``wrap.json``.

    Args:
        file: Its name.
        digests: SHA-256 of it and of the files that hold its data, by name.
        source: Where it comes from.
    """
    found = read_result(WrapFile, folder)
    return Wrapped(
        file=file,
        digests=digests,
        source=source,
        parameters=found.parameters,
        opset=found.file_opset,
        input=found.input,
        outputs=found.outputs,
        values=found.kind,
        taken=_wrapped_range(found.taken),
        answered=_wrapped_range(found.answered),
        channels=found.channels,
        multiple_of=found.multiple_of,
        residual=found.residual,
        free_size=found.free_size,
        further_channels=found.further_channels or (),
    )


def _wrapped_range(values: WrappedValues) -> WrappedRange:
    return WrappedRange(values.scale, values.shift)


def read_wrapped_export(folder: Path, facts: Path | None = None) -> Export:
    """Return how a wrapped network compares with its file, from its ``wrap.json``.

    Args:
        facts: As `read_training`.
    """
    file = read_result(WrapFile, folder, facts)
    error = max((check.error for check in file.checks), default=None)
    return Export(
        file.opset, "the file itself, with what is around it done by hand,", file.tolerance, error, len(file.checks)
    )


def read_predictions(folder: Path, facts: Path | None = None) -> Predictions:
    """Return what a network answered, from its ``predictions.json``; every picture that it names is there.

    Args:
        facts: As `read_training`.
    """
    file = read_result(PredictionsFile, folder, facts)
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
                seconds=item.seconds,
                low=item.min,
                high=item.max,
                peak_bytes=item.peak_bytes,
                plan=_tile_plan(item.plan),
            )
            for item in file.items
        ),
        runtime=dict(file.runtime),
        warnings=file.warnings,
        failed={left_out.name: left_out.reason for left_out in file.failed or ()},
        copies=dict(file.copies or {}),
    )


def _tile_plan(plan: TilePlanFacts | None) -> TilePlan | None:
    if plan is None:
        return None
    return TilePlan(plan.segments, plan.tiles, plan.expected_s, plan.expected_bytes, plan.filed_bytes)


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


def read_measure(folder: Path) -> dict[str, Score | NotMeasured]:
    """Return the value of every picture by its id, from a plug-in metric's ``measure.json``.

    Earlier versions took numbers of any size; such one is not measured.
    """
    return {item.id: _bounded(_score(item.value)) for item in read_result(MeasureFile, folder).items}


def _bounded(value: Score | NotMeasured) -> Score | NotMeasured:
    wrong = "" if isinstance(value, NotMeasured) else wrong_value(value, (None, None), infinite=True)
    return NotMeasured(f"its value is {wrong}") if wrong else value


def read_overlap(folder: Path, datasets: Sequence[Dataset] = (), *, reason: str = "") -> Overlap:
    """Return what a comparison of training and test pictures found, from its ``overlap.json``.

    Args:
        datasets: By which pictures are called as people call them; of others their ids stand.
        reason: Why the experiment accepts what was found.
    """
    file = read_result(OverlapFile, folder)
    names = {(one.name, picture): name for one in datasets for picture, name in picture_names(one).items()}

    def shown(dataset: str, scene: str) -> str:
        return f"{dataset} {names.get((dataset, scene), scene)}"

    return Overlap(
        action=file.action,
        reason=reason,
        trained=sum(dataset.pictures for dataset in file.train.values()),
        tested=sum(dataset.pictures for dataset in file.test),
        pairs=tuple(
            OverlapPair(
                shown(found.train_dataset, found.train_scene),
                shown(found.test_dataset, found.test_scene),
                found.kind if found.kind == "same pixels" else f"{found.kind}, correlation {found.correlation:.2f}",
                ", ".join(found.layers),
            )
            for found in file.overlaps
        ),
    )


def _optional(folder: Path, name: str | None) -> Path | None:
    return None if name is None else _beside(folder, name)


def _beside(folder: Path, name: str) -> Path:
    """Return a file of a result, which was looked at when the result was read."""
    return (folder / name).absolute()


def _score(value: NumberOrReason) -> Score | NotMeasured:
    return NotMeasured(value.not_measured) if isinstance(value, Unmeasured) else value
