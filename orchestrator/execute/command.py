"""What the commands ask for: plan, run and report of one experiment file."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.engine.select import Selection
from orchestrator.environments.builder import BuildSettings
from orchestrator.errors import SpecError
from orchestrator.execute.build import build_images, built_environments, chosen_engine
from orchestrator.execute.comparison import Comparison, plan_comparison
from orchestrator.execute.events import Listener, recorded_failures
from orchestrator.execute.report_stage import make_report
from orchestrator.execute.run import RunOptions, RunResult, run_comparison
from orchestrator.execute.stopper import Stopper
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.environment import Environment
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.load import load_experiment
from orchestrator.spec.names import EngineName
from orchestrator.store.store import Store

_ORIGIN = "origin.json"


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


def planned(request: RunRequest) -> Comparison:
    """Plan the request against its store; nothing is run.

    Raises: SpecError with every mistake in the file.
    """
    experiment = with_photos(load_experiment(request.spec), request.photos)
    return plan_comparison(experiment, request.spec, Store(request.store))


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
    keep_request(request, store, experiment.name)
    engine, environments = None, {}
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

    The results are those that the run recorded, also where the program or the images have changed since.

    Raises: SpecError where the store knows no such run.
    """
    store = Store(store_root)
    request = kept_request(name, store)
    comparison = planned(request)
    record = store.run(name)
    keys = record.keys()
    found = {stage: store.artifact(key) for stage, key in keys.items()}
    artifacts = {stage: artifact for stage, artifact in found.items() if artifact is not None}
    failures = recorded_failures(record.events())
    return make_report(comparison, artifacts, failures, store, lambda _event: None)


def kept_request(name: str, store: Store) -> RunRequest:
    """Return the request by which a run was last started.

    Raises: SpecError where the store knows no such run.
    """
    origin = store.run(name).folder / _ORIGIN if name in store.run_names() else None
    if origin is None or not origin.is_file():
        known = ", ".join(store.run_names()) or "none"
        raise SpecError(f"the store has no run {name!r}; it has: {known}", hint="run: sirr-orch run SPEC")
    kept = json.loads(origin.read_text(encoding="utf-8"))
    return RunRequest(Path(kept["spec"]), store.root, tuple(Path(folder) for folder in kept["photos"]))


def keep_request(request: RunRequest, store: Store, name: str) -> None:
    """Note in a run's folder by which request it was last started."""
    folder = store.run(name).folder
    kept = {"spec": str(request.spec.resolve()), "photos": [str(folder.resolve()) for folder in request.photos]}
    (folder / _ORIGIN).write_text(json.dumps(kept, indent=2), encoding="utf-8")
