"""The one way to run stages, for every command: what the store lacks, in the order of the graph."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from orchestrator.engine.protocol import Engine, Environment
from orchestrator.environments.builder import BuildSettings
from orchestrator.errors import Cancelled, NoSpace, NotStarted, SirrError, StoreError
from orchestrator.execute.build import not_built, prepared_engine
from orchestrator.execute.cluster import site_cluster
from orchestrator.execute.comparison import Lookup, look_up, stage_images, stage_programs
from orchestrator.execute.events import Failed, Listener, Planned, State, StateChanged, Warned, fan_out
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.leftovers import discard_leftovers
from orchestrator.execute.near_inputs import near_inputs
from orchestrator.execute.sbom import SoftwareLists
from orchestrator.execute.schedule import GraphResult, walk
from orchestrator.execute.stage_execution import execute_stage
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Identity, Program, stage_identity
from orchestrator.plan.stage import Stage
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.names import Device, EngineName
from orchestrator.store.disk import space_explained
from orchestrator.store.store import Artifact, Store

_FREE_BYTES = 2**30
"""Below this much free space no stage is started: checkpoints and pictures would be cut short."""


@dataclass(frozen=True)
class RunOptions:
    """How to run, apart from what an experiment says.

    Attributes:
        jobs: Stages at the same time.
        threads: Processor threads of a stage; None: what the experiment says where bits depend on it, else all there
            are.
        workers: Processes that prepare a training's samples; None: as fits.
        grace_s: Seconds that a stopped stage has to save what it can resume.
        longest: Seconds from a stage's start to the end of the longest path behind it: of several that can start, the
            one with the most starts first.
        submit: Let the site, where there is one, submit stages to its cluster.
    """

    jobs: int = 1
    threads: int | None = None
    workers: int | None = None
    grace_s: float = 60.0
    longest: Mapping[str, float] = field(default_factory=dict)
    submit: bool = True


@dataclass(frozen=True)
class PlannedStages:
    """Some stages, each after those it reads, with what the store has of them.

    Attributes:
        run: A label of their jobs.
        logs: Folder for what their programs print.
        images: Of the stages, by name of the image.
        programs: Of the stages, by name of the image.
        variant: Of the images.
    """

    run: str
    logs: Path
    stages: tuple[Stage, ...]
    images: Mapping[str, ImageSpec]
    programs: Mapping[str, Program]
    variant: Device
    found: Lookup

    @property
    def images_needed(self) -> tuple[ImageSpec, ...]:
        """The images of the stages that must run, or may, each once, in order."""
        missing = (stage.image for stage in self.stages if stage.name not in self.found.artifacts)
        return tuple(self.images[name] for name in dict.fromkeys(missing))


@dataclass
class StagesResult(GraphResult[Artifact]):
    """What came of stages; `results` are all that are there now.

    Attributes:
        identities: Those that were found while they ran.
        stored: Names of those whose result was there.
    """

    identities: dict[str, Identity] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class ExecutionRequest:
    """How a command wants its stages run.

    Attributes:
        store: The store's folder.
        say: Called with which engine is used and what is built.
        build: Build missing images first.
        library: What can be named.
    """

    store: Path
    engine: EngineName
    listener: Listener
    say: Callable[[str], None]
    build: bool = False
    options: RunOptions = RunOptions()
    library: Library = field(default_factory=built_in)


def planned_stages(
    stages: Iterable[Stage], store: Store, run: str, logs: Path, variant: Device, library: Library | None = None
) -> PlannedStages:
    """Return stages with what the store has of them, every byte of it read; what is damaged is set aside.

    Args:
        library: Where their images are looked for; None: among this project's own.
    """
    ordered = tuple(stages)
    images = stage_images(ordered, library)
    programs = stage_programs(images, variant)
    return PlannedStages(
        run, logs, ordered, images, programs, variant, look_up(ordered, programs, store, reading="all")
    )


def executed_stages(planned: PlannedStages, store: Store, request: ExecutionRequest) -> dict[str, Artifact]:
    """Return the artifacts of some stages by their names; what is in the store is not run again.

    Raises what `attempted_stages` raises, and the first failure of the stages as it is.
    """
    result = attempted_stages(planned, store, request)
    for error in result.failures.values():
        raise error
    return result.results


def attempted_stages(planned: PlannedStages, store: Store, request: ExecutionRequest) -> StagesResult:
    """Return what came of some stages; what is in the store is not run again, and those that failed are named.

    Raises:
        ImageNotBuilt: Where an image is not built.
        EngineUnavailable: Where no engine answers.
        NoSpace: Before a stage runs.
    """
    settings = BuildSettings.from_environment()
    needed = planned.images_needed
    engine, environments = prepared_engine(
        needed, planned.variant, request.engine, store.root, settings, request.say, build=request.build
    )
    stopper = Stopper()
    with stopper.listening():
        return run_stages(planned, store, engine, environments, request.listener, stopper, request.options)


def run_stages(
    planned: PlannedStages,
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
    listener: Listener,
    stopper: Stopper,
    options: RunOptions,
) -> StagesResult:
    """Run what the store lacks, and tell the listener of every change of state.

    Args:
        engine: Needed only where something is missing.
        environments: Needed only where something is missing.

    Raises:
        ImageNotBuilt: Where an image is not built.
        NoSpace: Before anything is started; failed stages do not raise.
    """
    notify = fan_out(listener)
    discard_leftovers(store)
    identities = planned.found.identities
    notify(Planned(tuple(stage.name for stage in planned.stages), {name: one.key for name, one in identities.items()}))
    stored = planned.found.artifacts
    for name, said in planned.found.damaged.items():
        notify(Warned(name, f"{said}; it is made again"))
    for name in stored:
        notify(StateChanged(name, "stored", {"key": identities[name].key}))
    missing = {stage.name: stage for stage in planned.stages if stage.name not in stored}
    if not missing:
        return StagesResult(dict(stored), stored=set(stored))
    checked = _checked_engine(missing, planned, store, engine, environments)
    context = ExecutionContext(
        store=store,
        engine=checked,
        environments=environments,
        modules={name: image.module for name, image in planned.images.items()},
        programs=planned.programs,
        listener=notify,
        stopper=stopper,
        run=planned.run,
        logs=planned.logs,
        threads=options.threads,
        workers=options.workers,
        grace_s=options.grace_s,
        software=SoftwareLists(store, planned.variant, planned.images),
        near=near_inputs(store, checked),
        cluster=site_cluster(store.layout.stagings) if options.submit else None,
    )
    result = walk_stages(missing, stored, context, options.jobs, options.longest)
    for one in (context.engine, *(() if context.cluster is None else (context.cluster.engine,))):
        one.sweep(store.claimed)
    return result


def _checked_engine(
    missing: Mapping[str, Stage],
    planned: PlannedStages,
    store: Store,
    engine: Engine | None,
    environments: Mapping[str, Environment],
) -> Engine:
    """Return the engine, after a look at what stages need before they start."""
    images = dict.fromkeys(stage.image for stage in missing.values())
    unbuilt = [image for image in images if image not in environments]
    if unbuilt or engine is None:
        error = not_built(
            [planned.images[name] for name in unbuilt or images],
            "auto" if engine is None else engine.name,
            planned.variant,
        )
        error.hint = f"{error.hint}   (or run the command with --build, where it has that option)"
        raise error
    if store.free_bytes < _FREE_BYTES:
        raise NoSpace(
            f"the store's disk has {store.free_bytes / 2**20:.0f} MiB left, a run needs at least 1024 MiB",
            where=str(store.root),
            hint="free some space, or put the store elsewhere with --store",
        )
    return engine


def walk_stages(
    stages: Mapping[str, Stage],
    stored: Mapping[str, Artifact],
    context: ExecutionContext,
    jobs: int = 1,
    longest: Mapping[str, float] | None = None,
) -> StagesResult:
    """Run stages whose other inputs are stored; return their results and the stored ones.

    Each stage's key becomes known when its inputs are there. Where the store has a result of it, it does not run: so
    a stage that was made again and came out as it was makes nothing behind it run.
    """
    found = StagesResult(stored=set(stored))

    def one(stage: Stage, made: Mapping[str, Artifact]) -> Artifact:
        read = {needed: made.get(name) or stored[needed] for name, needed in stage.inputs.items()}
        results = {needed: artifact.digests for needed, artifact in read.items()}
        identity = stage_identity(stage, context.programs[stage.image], results)
        found.identities[stage.name] = identity
        with _failures_told(stage, identity, context):
            there = context.store.sound_artifact(identity.key, partial(_tell_damaged, stage, context), read=True)
            if there is None:
                _check_inputs(read, context)
                return _executed(stage, identity, read, context)
        found.stored.add(stage.name)
        context.listener(StateChanged(stage.name, "stored", {"key": identity.key}))
        return there

    result = walk(stages, one, context.stopper, jobs=jobs, longest=longest)
    for name, blocker in result.skipped.items():
        context.listener(StateChanged(name, "skipped", {"because": blocker, "end": _end(result.failures[blocker])}))
    results = {**stored, **result.results}
    return replace(found, results=results, failures=result.failures, skipped=result.skipped)


def _end(error: SirrError) -> str:
    """Return in words what became of a stage, as its name goes on."""
    if isinstance(error, NotStarted):
        return "was not started"
    return "was stopped" if isinstance(error, Cancelled) else "failed"


def _tell_damaged(stage: Stage, context: ExecutionContext, said: str) -> None:
    context.listener(Warned(stage.name, f"{said}; it is made again"))


def _check_inputs(read: Mapping[str, Artifact], context: ExecutionContext) -> None:
    """Refuse what was damaged since the run began: its stage has had its turn, and is made again by the next run.

    What is read from a copy on this machine is compared there, byte by byte.
    """
    for name, artifact in read.items():
        if context.near is not None and context.near.takes(artifact.output):
            continue
        damaged: list[str] = []
        if context.store.sound_artifact(artifact.key, damaged.append, read=True) is None:
            said = damaged[0] if damaged else f"the result {artifact.key[:12]} of {name} is not in the store any more"
            raise StoreError(said, hint="run the same command again: it is made again")


@contextlib.contextmanager
def _failures_told(stage: Stage, identity: Identity, context: ExecutionContext) -> Iterator[None]:
    try:
        with space_explained(context.store.root, f"running {stage.name}"):
            yield
    except SirrError as error:
        state: State = "cancelled" if isinstance(error, Cancelled) else "failed"
        context.listener(Failed(stage.name, error))
        context.listener(StateChanged(stage.name, state, {"key": identity.key}))
        raise


def _executed(stage: Stage, identity: Identity, read: Mapping[str, Artifact], context: ExecutionContext) -> Artifact:
    started = time.monotonic()
    inputs = {name: read[needed].output for name, needed in stage.inputs.items()}
    inputs |= {name: source.path for name, source in stage.sources.items()}
    artifact = execute_stage(stage, identity, inputs, context)
    seconds = time.monotonic() - started - artifact.manifest.facts.get("queued_s", 0.0)
    context.listener(StateChanged(stage.name, "done", {"key": identity.key, "seconds": round(max(0.0, seconds), 3)}))
    return artifact
