"""What the commands ask for: plan, run and report of one experiment file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.environments.builder import BuildSettings
from orchestrator.errors import SirrError, SpecError
from orchestrator.execute.build import engine_outlook, prepared_engine
from orchestrator.execute.comparison import Comparison, Reading, plan_comparison
from orchestrator.execute.estimate_words import estimate_lines, long_run_lines
from orchestrator.execute.estimates import RunEstimate, run_estimate
from orchestrator.execute.events import Listener
from orchestrator.execute.experiment_run import run_experiment
from orchestrator.execute.picture_kinds import kinds_of_pictures, photographs_left_out
from orchestrator.execute.programs import unfollowed_programs
from orchestrator.execute.report_content import report_content
from orchestrator.execute.report_stage import make_report
from orchestrator.execute.run import RunResult
from orchestrator.execute.run_results import recorded_results
from orchestrator.execute.run_stages import RunOptions
from orchestrator.execute.simulation import SiteSimulation, simulated_run, start_order
from orchestrator.execute.sources import ReadingWords
from orchestrator.execute.stopper import Stopper
from orchestrator.execute.tracking import track_finished, trackers
from orchestrator.report.content import ReportContent
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.idle_fields import idle_warnings
from orchestrator.spec.library import Library
from orchestrator.spec.load import load_experiment
from orchestrator.spec.names import EngineName
from orchestrator.spec.simulated_site import SimulatedSite
from orchestrator.store.opened import opened_store
from orchestrator.store.reference import run_reference
from orchestrator.store.run_entries import Overrides
from orchestrator.store.store import Store
from orchestrator.tracking.tracker import Tracker


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
    data: Path | None = None
    """The data folder; None for the environment's, or the default."""
    threads: int | None = None
    """Overrides the experiment's threads."""
    library: Library | None = None
    """What can be named besides what the experiment's own plug-ins bring; None: what this project has."""


def planned(
    request: RunRequest,
    *,
    reading: Reading = "nothing",
    say: Callable[[str], None] = lambda _words: None,
    make: bool = False,
) -> Comparison:
    """Plan the request against its store; nothing is run.

    Args:
        reading: As in `look_up`.
        say: Hears how far the reading of large inputs is, whose content decides what runs, which photographs are of
            kinds that are not read, and which fields of the file change nothing.
        make: Make the store where it is not there.

    Raises:
        SpecError: With every mistake in the file, and where datasets hold pictures of kinds that are not read.
    """
    experiment = with_photos(load_experiment(request.spec, request.data, request.library), request.photos)
    if request.threads is not None:
        experiment = experiment.model_copy(update={"threads": request.threads})
    store = Store(request.store, ReadingWords(say), make=make)
    comparison = plan_comparison(experiment, request.spec, store, request.data, request.library, reading=reading)
    for words in (*kinds_of_pictures(comparison.resolved.datasets), *idle_warnings(comparison.resolved)):
        say(words)
    return comparison


def planned_estimate(comparison: Comparison, request: RunRequest) -> RunEstimate:
    """Return what a planned request will take."""
    return run_estimate(comparison, Store(request.store, make=False))


def planned_simulation(comparison: Comparison, request: RunRequest, site: SimulatedSite) -> SiteSimulation:
    """Return how long a planned request would take at a site."""
    return simulated_run(comparison, Store(request.store, make=False), site)


def outlook(comparison: Comparison, request: RunRequest) -> Iterator[str]:
    """Yield what a run would say of the engine that the request names before it starts; nothing where it names none.

    Raises:
        EngineUnavailable: Where no engine answers.
    """
    if request.engine is not None:
        needed, settings = comparison.images_needed, request.settings
        yield from engine_outlook(needed, comparison.variant, request.engine, request.store, settings)


def with_photos(experiment: Experiment, folders: tuple[Path, ...]) -> Experiment:
    """Return the experiment with folders of photographs added to its test sets, as photos, photos-2 and so on.

    Raises:
        SpecError: Where one is no folder.
    """
    if not folders:
        return experiment
    for folder in folders:
        if not folder.is_dir():
            what = "is a file" if folder.exists() else "is not there"
            hint = "name a folder that holds photographs; for a single one there is: sirr-orch remove"
            raise SpecError(f"the folder of photographs {str(folder)!r} {what}", hint=hint)
    names = ["photos" if number == 1 else f"photos-{number}" for number in range(1, len(folders) + 1)]
    added = {
        name: PhotosDataset(kind="photos", folder=folder.resolve(), title=folder.resolve().name)
        for name, folder in zip(names, folders, strict=True)
    }
    return experiment.model_copy(
        update={"datasets": {**experiment.datasets, **added}, "test": (*experiment.test, *names)}
    )


def run_request(request: RunRequest, options: RunOptions, listener: Listener, say: Callable[[str], None]) -> RunResult:
    """Run a comparison from its file to its report.

    Args:
        say: Hears what the run will take, which engine is used and what is built.

    Raises:
        SpecError: Before a stage runs.
        BuildError: Before a stage runs.
        ImageNotBuilt: Before a stage runs.
        EngineUnavailable: Before a stage runs.
        DeviceUnavailable: Before a stage runs.
        NoSpace: Before a stage runs.
    """
    comparison = planned(replace(request, threads=options.threads), reading="inputs", say=say, make=True)
    track = comparison.resolved.experiment.track
    told = () if track is None else trackers(track)
    if comparison.missing:
        found = planned_estimate(comparison, request)
        lines = (*estimate_lines(found, each=False), *long_run_lines(found, comparison.missing, request.spec.name))
        for words in lines:
            say(words)
        options = replace(options, longest=start_order(comparison.missing, found))
    engine, environments = prepared_engine(
        comparison.images_needed,
        comparison.variant,
        request.engine or comparison.resolved.experiment.engine,
        request.store,
        request.settings,
        say,
        build=request.build,
    )
    if engine is not None:
        _tell_unfollowed(Store(request.store), engine, say)
    overrides = recorded_overrides(request, options)
    stopper = Stopper()
    with stopper.listening():
        result = run_experiment(
            comparison, Store(request.store), engine, environments, listener, stopper, options, overrides
        )
    if result.report is not None:
        _tell_ended(comparison.resolved.experiment.name, request.store, told, say)
    return result


def _tell_ended(run: str, store_root: Path, told: Sequence[Tracker], say: Callable[[str], None]) -> None:
    """Say which photographs a run left out, and tell it to trackers; neither takes anything from it."""
    try:
        store = opened_store(store_root)
        results = recorded_results(run_reference(run), store)
        for words in photographs_left_out(results):
            say(words)
    except SirrError as error:
        say(f"warning: {error}")
        return
    track_finished(results, store, told, say)


def _tell_unfollowed(store: Store, engine: Engine, say: Callable[[str], None]) -> None:
    """Name programs that an earlier run left running: a spec that was changed may have no use for them."""
    for program in unfollowed_programs(store, engine):
        say(
            f"{program.title} of the run {program.job.run!r} goes on from a run that was killed: it is taken over "
            f"where this run needs it; otherwise stop it with: sirr-orch stop {program.title}"
        )


def recorded_overrides(request: RunRequest, options: RunOptions) -> Overrides:
    """Return what the command line said, for the run's document."""
    return Overrides(
        engine=request.engine,
        threads=options.threads,
        jobs=options.jobs if options.jobs > 1 else None,
        workers=options.workers,
        data=None if request.data is None else request.data.resolve().name,
        photos=tuple(folder.resolve().name for folder in request.photos),
    )


def report_of_run(run: str, store_root: Path) -> Path:
    """Return the index.html of a run's report; stages that the store lacks read 'not measured'.

    Args:
        run: RUN, or RUN@2 for an earlier revision. It tells what the run recorded, whatever the experiment's file, the
            datasets, images and programs have become since; it is rendered again where what it shows or how has
            changed.

    Raises:
        SpecError: Where the store knows no such run.
        StoreError: Where its document cannot be read.
    """
    store = opened_store(store_root)
    return make_report(recorded_results(run_reference(run), store), store, lambda _event: None)


def content_of_run(run: str, store_root: Path) -> ReportContent:
    """Return what a run's report tells, without rendering it.

    Raises what `report_of_run` raises.
    """
    return report_content(recorded_results(run_reference(run), opened_store(store_root)))
