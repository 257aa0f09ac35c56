"""What the commands ask for: plan, run and report of one experiment file."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.engine.select import Selection
from orchestrator.environments.builder import BuildSettings
from orchestrator.errors import SpecError
from orchestrator.execute.build import build_images, built_environments, chosen_engine
from orchestrator.execute.comparison import Comparison, as_recorded, plan_comparison
from orchestrator.execute.events import Listener, recorded_failures, together
from orchestrator.execute.report_content import report_content
from orchestrator.execute.report_stage import make_report
from orchestrator.execute.run import RunOptions, RunResult, run_comparison
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.execute.stopper import Stopper
from orchestrator.report.content import ReportContent
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.environment import Environment
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.load import load_experiment
from orchestrator.spec.names import EngineName
from orchestrator.store.run_document import Overrides
from orchestrator.store.runs import run_in_progress, start_run
from orchestrator.store.store import Store

_ORIGIN = "origin.json"
_KEPT = "experiment.yaml"


@dataclass(frozen=True)
class RunRequest:
    """One experiment file, and what the command line adds to it."""

    spec: Path
    store: Path
    photos: tuple[Path, ...] = ()
    """Folders of photographs that are shown beside the test sets."""
    engine: EngineName | None = None
    """Overrides the experiment's engine."""
    build: bool = False
    """Build missing images first."""
    settings: BuildSettings = field(default_factory=BuildSettings)
    kept: Path | None = None
    """Copy of the file as it was when the run was last started; read in its place."""


def planned(request: RunRequest) -> Comparison:
    """Plan the request against its store; nothing is run.

    Raises: SpecError with every mistake in the file.
    """
    experiment = with_photos(load_experiment(request.kept or request.spec), request.photos)
    comparison = plan_comparison(experiment, request.spec, Store(request.store))
    return replace(comparison, photos=request.photos)


def with_photos(experiment: Experiment, folders: tuple[Path, ...]) -> Experiment:
    """Return the experiment with folders of photographs added to its test sets, as photos, photos-2, …"""
    if not folders:
        return experiment
    names = ["photos" if number == 1 else f"photos-{number}" for number in range(1, len(folders) + 1)]
    added = {
        name: PhotosDataset(kind="photos", folder=folder.resolve(), title=folder.resolve().name)
        for name, folder in zip(names, folders, strict=True)
    }
    return experiment.model_copy(
        update={"datasets": {**experiment.datasets, **added}, "test": (*experiment.test, *names)}
    )


def run_request(request: RunRequest, options: RunOptions, listener: Listener, say: Callable[[str], None]) -> RunResult:
    """Run a comparison from its file to its report; `say` hears which engine is used and what is built.

    Raises: SpecError, BuildError, ImageNotBuilt, EngineUnavailable, DeviceUnavailable or NoSpace before a stage runs.
    """
    comparison = planned(request)
    experiment = comparison.resolved.experiment
    store = Store(request.store)
    with run_in_progress(store, experiment.name):
        keep_request(request, store, experiment.name)
        writer = DocumentWriter(store, start_run(store, planned_document(comparison, _overrides(request, options))))
        try:
            return _run(request, comparison, options, together(writer.listen, listener), say)
        finally:
            writer.save()


def _overrides(request: RunRequest, options: RunOptions) -> Overrides:
    """Return what the command line said, for the run's document."""
    return Overrides(
        engine=request.engine,
        threads=options.threads,
        jobs=options.jobs if options.jobs > 1 else None,
        workers=options.workers,
        photos=tuple(folder.resolve().name for folder in request.photos),
    )


def _run(
    request: RunRequest, comparison: Comparison, options: RunOptions, listener: Listener, say: Callable[[str], None]
) -> RunResult:
    engine, environments = None, {}
    experiment, store = comparison.resolved.experiment, Store(request.store)
    if comparison.images_needed:
        selection = chosen_engine(request.engine or experiment.engine, request.store)
        say(selection.sentence)
        engine = selection.engine
        environments = _environments(request, comparison, selection, say)
    stopper = Stopper()
    with stopper.listening():
        return run_comparison(comparison, store, engine, environments, listener, stopper, options)


def _environments(
    request: RunRequest, comparison: Comparison, selection: Selection, say: Callable[[str], None]
) -> dict[str, Environment]:
    """Return the environments that are needed and built; build the missing ones first where that is asked for."""
    images, variant = comparison.images_needed, comparison.variant
    if request.build:
        for built in build_images(images, variant, selection, request.store, request.settings, say):
            say(built.sentence)
    return dict(built_environments(images, variant, selection, request.store, request.settings))


def report_of_run(name: str, store_root: Path) -> Path:
    """Render a run's report again and return its index.html; stages that the store lacks read 'not measured'.

    The results are those that the run recorded, also where the program or the images have changed since. What the
    store has of the report is taken only where the code that renders it is the same.

    Raises: SpecError where the store knows no such run.
    """
    store = Store(store_root)
    comparison = recorded_comparison(name, store)
    failures = recorded_failures(store.run(name).events())
    return make_report(comparison, comparison.artifacts, failures, store, lambda _event: None)


def content_of_run(name: str, store_root: Path) -> ReportContent:
    """Return what a run's report tells, without rendering it.

    Raises: SpecError where the store knows no such run.
    """
    store = Store(store_root)
    comparison = recorded_comparison(name, store)
    return report_content(comparison, comparison.artifacts, recorded_failures(store.run(name).events()))


def recorded_comparison(name: str, store: Store) -> Comparison:
    """Return a run's comparison with the results that it recorded.

    Raises: SpecError where the store knows no such run.
    """
    request = kept_request(name, store)
    return as_recorded(planned(request), store.run(name).keys(), store, request.kept)


def kept_request(name: str, store: Store) -> RunRequest:
    """Return the request by which a run was last started.

    Raises: SpecError where the store knows no such run.
    """
    origin = store.run(name).folder / _ORIGIN if name in store.run_names() else None
    if origin is None or not origin.is_file():
        known = ", ".join(store.run_names()) or "none"
        raise SpecError(f"the store has no run {name!r}; it has: {known}", hint="run: sirr-orch run SPEC")
    noted = json.loads(origin.read_text(encoding="utf-8"))
    kept = origin.with_name(_KEPT)
    return RunRequest(
        Path(noted["spec"]),
        store.root,
        tuple(Path(folder) for folder in noted["photos"]),
        kept=kept if kept.is_file() else None,
    )


def keep_request(request: RunRequest, store: Store, name: str) -> None:
    """Note in a run's folder by which request it was last started, and keep its file as it was then."""
    folder = store.run(name).folder
    if request.spec.is_file():
        shutil.copyfile(request.spec, folder / _KEPT)
    kept = {"spec": str(request.spec.resolve()), "photos": [str(folder.resolve()) for folder in request.photos]}
    (folder / _ORIGIN).write_text(json.dumps(kept, indent=2), encoding="utf-8")
