"""The training page: loss by step, learning rate and speed, as figures for the script that draws them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from orchestrator.report import numbers
from orchestrator.report.content import Model, NotMeasured, ReportContent
from orchestrator.report.training_content import (
    Adoption,
    Authors,
    CurveStep,
    Elsewhere,
    Memory,
    Training,
    Untrained,
    Wrapped,
)
from orchestrator.report.views.validation import validation_curves
from orchestrator.report.views.wrapping import file_digests, wrapping_steps

Figure = dict[str, Any]
"""What the drawing script takes, as plain JSON: data (traces with x, y, name, series), xTitle, yTitle, legend;
sparse where points are few and far from 0: they are marked, and the axis does not begin at 0."""


@dataclass(frozen=True)
class Chart:
    """One chart; caption says in words what it shows, for those who cannot see it.

    Attributes:
        key: Names its figure.
    """

    key: str
    title: str
    caption: str


@dataclass(frozen=True)
class TrainingModel:
    """One model's training.

    Attributes:
        missing: Why there is none, else empty, as for adopted weights.
    """

    title: str
    label: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]
    charts: tuple[Chart, ...]
    missing: str


@dataclass(frozen=True)
class TrainingView:
    """The training page."""

    models: tuple[TrainingModel, ...]
    shared: tuple[Chart, ...]
    figures: dict[str, Figure]


def training_view(content: ReportContent) -> TrainingView:
    """Return the curves of all trainings."""
    figures: dict[str, Figure] = {}
    models = tuple(_model(content, index, model, figures) for index, model in enumerate(content.models))
    trained = [
        (index, model.title, model.training)
        for index, model in enumerate(content.models)
        if isinstance(model.training, Training) and model.training.curve
    ]
    shared = []
    for key, title, unit, values in (
        ("rate", "Learning rate", "", _rates),
        ("speed", "Pictures per second", "pictures/s", _speeds),
    ):
        if trained:
            figures[key] = _shared_figure(trained, values, title)
            shared.append(Chart(key, title, _shared_caption(trained, values, unit)))
    return TrainingView(models, tuple(shared), figures)


def _model(content: ReportContent, index: int, model: Model, figures: dict[str, Figure]) -> TrainingModel:
    training = model.training
    if isinstance(training, NotMeasured):
        return TrainingModel(model.title, model.label, (), (), (), f"no training: {training.why}")
    if isinstance(training, Authors | Elsewhere):
        what = f"computed elsewhere: pictures of {training.files}"
        if isinstance(training, Authors):
            what = f"the authors' program {training.files}, as it is: {training.command}"
        return TrainingModel(model.title, model.label, (what, *filter(None, (training.source,))), (), (), "")
    if isinstance(training, Wrapped):
        facts = (f"an ONNX file, not trained here: {training.file}", *file_digests(training))
        said = (*wrapping_steps(training), *filter(None, (training.source,)))
        return TrainingModel(model.title, model.label, facts, said, (), "")
    if isinstance(training, Untrained):
        facts = ("nothing is learnt", *(f"{name} {value:g}" for name, value in training.parameters.items()))
        return TrainingModel(model.title, model.label, facts, (), (), "")
    if isinstance(training, Adoption):
        form = "in the authors' format" if training.format == "released" else "of this program"
        facts = (
            f"adopted, not trained: the checkpoint {training.checkpoint} {form}",
            numbers.count(training.parameters, "parameter"),
            f"SHA-256 {training.digest}",
        )
        return TrainingModel(model.title, model.label, facts, training.notes, (), "")
    charts = []
    for number, name in enumerate(_loss_names(training.curve)):
        points = [(step.step, step.losses.get(name)) for step in training.curve if name in step.losses]
        key = f"loss-{index}-{number}"
        figures[key] = {
            "data": [_trace(points, name, index)],
            "xTitle": "step",
            "yTitle": name,
            "legend": False,
        }
        charts.append(Chart(key, name, _caption(points)))
    for curve in validation_curves(content, model):
        key = f"validation-{index}-{curve.metric}"
        figures[key] = {
            "data": [_trace(curve.points, curve.title, index)],
            "xTitle": "epoch",
            "yTitle": curve.title,
            "legend": False,
            "sparse": True,
        }
        charts.append(Chart(key, curve.title, curve.caption))
    missing = "" if training.curve else "no curve: the training recorded no step"
    return TrainingModel(model.title, model.label, _facts(training), training.notes, tuple(charts), missing)


def _facts(training: Training) -> tuple[str, ...]:
    said = (
        numbers.count(training.steps, "step"),
        numbers.count(training.epochs, "epoch"),
        numbers.count(training.samples, "sample"),
        numbers.duration(training.seconds),
        numbers.count(training.parameters, "parameter"),
        f"{training.features} feature weights",
    )
    waited = f"{training.waiting_s / training.seconds:.0%} of the time waiting for samples" if training.seconds else ""
    return (*said, *filter(None, (waited,)), *(() if training.memory is None else (memory_sentence(training.memory),)))


def memory_sentence(memory: Memory) -> str:
    """Return what a training needed, in words."""
    budget = "" if memory.budget_bytes is None else f" of {memory.budget_bytes / 2**30:.1f} GiB"
    where = "device memory" if memory.device == "cuda" else "memory"
    savings = f" with {' and '.join(memory.savings)}" if memory.savings else ""
    batch = f" in batches of {memory.batch}" if memory.batch > 1 else ""
    shape = f"for {numbers.size(memory.height, memory.width)} pixels{batch}"
    return f"at most {memory.peak_bytes / 2**30:.1f} GiB{budget} {where} {shape}{savings}"


def _loss_names(curve: Sequence[CurveStep]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for step in curve for name in step.losses))


def _trace(points: Sequence[tuple[int, float | None]], name: str, series: int) -> Figure:
    return {"x": [step for step, _ in points], "y": [value for _, value in points], "name": name, "series": series}


def _caption(points: Sequence[tuple[int, float | None]], unit: str = "") -> str:
    known = [(step, value) for step, value in points if value is not None]
    if not known:
        return "no finite value"
    (first, start), (last, end) = known[0], known[-1]
    said = f" {unit}" if unit else ""
    if first == last:
        text = f"{numbers.significant(start)}{said} at step {first}"
    else:
        text = (
            f"{numbers.significant(start)}{said} at step {first:,}, {numbers.significant(end)}{said} at step {last:,}"
        )
    lost = len(points) - len(known)
    return f"{text}; {numbers.count(lost, 'value')} not finite" if lost else text


Points = list[tuple[int, float | None]]


def _rates(training: Training) -> Points:
    return [(step.step, step.rate) for step in training.curve]


def _speeds(training: Training) -> Points:
    """Return the training's speed between recorded steps, in pictures per second."""
    if not training.steps:
        return []
    pictures_per_step = training.samples / training.steps
    timed = [(point.step, point.seconds) for point in training.curve if point.seconds is not None]
    return [
        (step, (step - before) * pictures_per_step / (seconds - began))
        for (before, began), (step, seconds) in pairwise(timed)
        if seconds > began
    ]


def _shared_figure(
    trained: Sequence[tuple[int, str, Training]], values: Callable[[Training], Points], title: str
) -> Figure:
    traces = [_trace(values(training), name, index) for index, name, training in trained]
    return {"data": traces, "xTitle": "step", "yTitle": title, "legend": True}


def _shared_caption(
    trained: Sequence[tuple[int, str, Training]], values: Callable[[Training], Points], unit: str
) -> str:
    said = [(name, values(training)) for _index, name, training in trained]
    return "; ".join(f"{name}: {_caption(points, unit)}" if points else f"{name}: no value" for name, points in said)
