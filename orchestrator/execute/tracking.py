"""A recorded run as trackers are told it, and the telling: by a command, or at the end of a run."""

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ValidationError

from orchestrator.errors import SirrError, SpecError
from orchestrator.execute.report_content import measured_content
from orchestrator.execute.report_stage import make_report, report_key
from orchestrator.execute.run_results import RunResults, recorded_results
from orchestrator.report.content import Model, NotMeasured, ReportContent, Scores
from orchestrator.report.lookup import entrants, scores, tested
from orchestrator.report.single_file import write_single_file
from orchestrator.report.training_content import CurveStep, Training
from orchestrator.spec.plain_words import plain_words
from orchestrator.spec.tracking import Tracking
from orchestrator.store.opened import opened_store
from orchestrator.store.reference import run_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import EntrantEntry
from orchestrator.store.store import Store
from orchestrator.tracking.mlflow_tracker import MlflowTracker
from orchestrator.tracking.record import Point, TrackedEntrant, TrackedRun, metric_name
from orchestrator.tracking.tracker import Told, Tracker
from orchestrator.tracking.wandb_tracker import WandbTracker

_BESIDE = ("report.json", "scores.csv")
"""Files of a report that go with it."""


def trackers(tracking: Tracking) -> tuple[Tracker, ...]:
    """Return the trackers that are named.

    Raises:
        SpecError: Where one's client is not installed.
    """
    found: list[Tracker] = []
    if tracking.mlflow is not None:
        found.append(MlflowTracker(tracking.mlflow))
    if tracking.wandb is not None:
        found.append(WandbTracker(tracking.wandb))
    return tuple(found)


def asked_trackers(mlflow: str | None, wandb: str | None) -> Tracking | None:
    """Return what a command line asks for; None where it names no tracker.

    Raises:
        SpecError: Where what it names can be none.
    """
    if mlflow is None and wandb is None:
        return None
    try:
        return Tracking(mlflow=mlflow, wandb=wandb)
    except ValidationError as error:
        first = error.errors()[0]
        option = f"--{first['loc'][0]}" if first["loc"] else "--mlflow"
        raise SpecError(f"{option}: {plain_words(first['msg'])}") from error


def track_run(run: str, store_root: Path, tracking: Tracking | None) -> Iterator[Told]:
    """Tell a recorded run to trackers; told again, what they have stays as it is, and what is new is added.

    Args:
        run: RUN, or RUN@2 for an earlier revision.
        tracking: None: what its experiment names.

    Raises:
        SpecError: Where the store knows no such run, it names no tracker, or a client is not installed.
        TrackingFailed: Where a tracker does not answer, or refuses.
        StoreError: Where the run's document cannot be read.
    """
    store = opened_store(store_root)
    results = recorded_results(run_reference(run), store)
    chosen = tracking or _named(results.document)
    yield from _told(results, store, trackers(chosen))


def track_finished(results: RunResults, store: Store, found: Iterable[Tracker], say: Callable[[str], None]) -> None:
    """Tell a run that has ended; a tracker that does not take it takes nothing from the run, and is said."""
    for tracker in found:
        try:
            for told in _told(results, store, (tracker,)):
                say(told.sentence)
        except (SirrError, OSError) as error:
            hint = getattr(error, "hint", None) or f"later: sirr-orch track {results.document.name}"
            say(f"warning: not tracked: {error}; {hint}")


def _named(document: RunDocument) -> Tracking:
    given = document.experiment.get("track")
    if given is None:
        raise SpecError(
            f"the experiment of {document.name!r} names no tracker", hint="name one: --mlflow ADDRESS, --wandb PROJECT"
        )
    return Tracking.model_validate(given)


def _told(results: RunResults, store: Store, found: Iterable[Tracker]) -> Iterator[Told]:
    report = make_report(results, store, lambda _event: None).parent
    run = tracked_run(results, report_key(results, store))
    with ExitStack() as stack:
        made: list[Path] = []

        def files() -> tuple[Path, ...]:
            if not made:
                made.extend(_files(report, Path(stack.enter_context(TemporaryDirectory(prefix="sirr-orch-")))))
            return tuple(made)

        for tracker in found:
            yield tracker.tell(run, files)


def _files(report: Path, folder: Path) -> Iterator[Path]:
    """Yield the report as one page, which trackers show, and its files for other programs."""
    page = folder / "report.html"
    write_single_file(report.resolve(), page)
    yield page
    for name in _BESIDE:
        if (report / name).is_file():
            yield Path(shutil.copyfile(report / name, folder / name))


def tracked_run(results: RunResults, shown: str) -> TrackedRun:
    """Return a recorded run as trackers are told it.

    Args:
        shown: Names what its report shows.
    """
    document, content = results.document, measured_content(results)
    models = {model.label: model for model in content.models}
    told = tuple(_entrant(entry, models[entry.label], content, results) for entry in document.entrants)
    controls = (entrant.label for entrant in entrants(content) if entrant.control)
    title = document.name if document.revision == 1 else f"{document.name}@{document.revision}"
    started = document.created.timestamp()
    whole = TrackedEntrant(
        id=_identifier(document, ""),
        name=title,
        parameters=_run_parameters(document),
        scores={name: point for label in controls for name, point in _scores(label, content, started, label).items()},
        facts=_facts(results, {stage.name for stage in document.stages}, {"note": document.note}),
        started_s=started,
        ended_s=max([one.ended_s for one in told if one.ended_s is not None], default=document.updated.timestamp()),
        complete=results.complete,
    )
    return TrackedRun(document.name, whole, told, shown)


def _entrant(entry: EntrantEntry, model: Model, content: ReportContent, results: RunResults) -> TrackedEntrant:
    own = {stage.name for stage in results.document.stages if entry.label in stage.name.split("/")[1:2]}
    timed = [(one.started, one.seconds or 0.0) for one in content.stages if one.name in own and one.started is not None]
    begun = min((start for start, _seconds in timed), default=None)
    ended = max((start + seconds for start, seconds in timed), default=None)
    return TrackedEntrant(
        id=_identifier(results.document, entry.label),
        name=entry.label,
        parameters=_entrant_parameters(entry),
        curves=_curves(model, begun or 0.0),
        scores=_scores(entry.label, content, ended or 0.0),
        facts=_facts(results, own, {"title": entry.title}),
        started_s=begun,
        ended_s=ended,
        complete=own <= set(results.artifacts),
    )


def _identifier(document: RunDocument, label: str) -> str:
    return hashlib.sha256(json.dumps([document.name, document.identity, label]).encode()).hexdigest()[:32]


def _run_parameters(document: RunDocument) -> dict[str, str]:
    return {
        "run": document.name,
        "test": ", ".join(document.test),
        "protocols": ", ".join(f"{one.name} {one.version}" for one in document.protocols),
        "features": document.features.weights,
        "device": document.device,
        "seed": str(document.seed),
        **_flat(document.inference, "inference"),
    }


def _entrant_parameters(entry: EntrantEntry) -> dict[str, str]:
    said = {"kind": entry.kind, "spec": entry.spec, "group": entry.group, "checkpoint": entry.checkpoint or ""}
    more = {"files": entry.files, "source": entry.source, "paper": entry.paper.title}
    given = {name: value for name, value in {**said, **more}.items() if value}
    return {**given, "seed": str(entry.seed), **_flat(entry.recipe, "recipe")}


def _flat(value: Any, name: str) -> dict[str, str]:
    """Return a value as parameters, with dotted names for what lies inside."""
    if isinstance(value, Mapping):
        return {deep: said for key, below in value.items() for deep, said in _flat(below, f"{name}.{key}").items()}
    return {metric_name(name): value if isinstance(value, str) else json.dumps(value)}


def _facts(results: RunResults, stages: set[str], said: Mapping[str, str]) -> dict[str, str]:
    document = results.document
    keys = {f"key.{metric_name(name)}": key for name, key in document.keys.items() if name in stages}
    failed = {
        f"failed.{metric_name(name)}": failure.message for name, failure in document.failures.items() if name in stages
    }
    return {
        "run": document.name,
        "revision": str(document.revision),
        "version": document.program.version,
        **{name: value for name, value in said.items() if value},
        **keys,
        **failed,
    }


def _curves(model: Model, begun: float) -> dict[str, tuple[Point, ...]]:
    if not isinstance(model.training, Training):
        return {}
    steps = model.training.curve
    curves: dict[str, list[Point]] = {}
    for step in steps:
        at = begun + (step.seconds or 0.0)
        for name, value in {**step.losses, "learning_rate": step.rate}.items():
            if value is not None and math.isfinite(value):
                curves.setdefault(metric_name("train", name), []).append(Point(value, step.step, at))
    for name, point in _validation(model, steps, begun):
        curves.setdefault(name, []).append(point)
    return {name: tuple(points) for name, points in curves.items()}


def _validation(model: Model, steps: tuple[CurveStep, ...], begun: float) -> Iterator[tuple[str, Point]]:
    """Yield the scores of the weights after some epochs, at the last step of each that the curve has."""
    if model.validation is None:
        return
    for one in model.validation.points:
        before = [step for step in steps if step.epoch < one.epoch]
        if isinstance(one.scores, Scores) and before:
            for metric, value in _means(one.scores).items():
                name = metric_name("validation", model.validation.dataset, one.scores.protocol, metric)
                yield name, Point(value, before[-1].step, begun + (before[-1].seconds or 0.0))


def _scores(label: str, content: ReportContent, at: float, *prefix: str) -> dict[str, Point]:
    """Return the means that the report has, of the pictures whose score is finite."""
    return {
        metric_name(*prefix, dataset.name, protocol.name, metric): Point(value, 0, at)
        for dataset in tested(content)
        for protocol in content.protocols
        if not isinstance(found := scores(content, label, dataset.name, protocol.name), NotMeasured)
        for metric, value in _means(found).items()
    }


def _means(found: Scores) -> dict[str, float]:
    """Return the mean of each metric over its finite scores; none where there are none, as of the truth's PSNR."""
    values = {metric: [item.values[metric] for item in found.items] for metric in found.metrics}
    finite = {
        metric: [value for value in some if not isinstance(value, NotMeasured) and math.isfinite(value)]
        for metric, some in values.items()
    }
    return {metric: fmean(some) for metric, some in finite.items() if some}
