"""Realises a handful of stages outside a comparison, with what a comparison would use."""

from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.environments.builder import BuildSettings
from orchestrator.execute.build import build_images, built_environments, chosen_engine, not_built
from orchestrator.execute.comparison import look_up, stage_images, stage_programs
from orchestrator.execute.events import Listener, Planned, Warned, together
from orchestrator.execute.realise import World
from orchestrator.execute.run import realise_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import Device, EngineName
from orchestrator.store.store import Artifact, Store


def realise_few(
    stages: Mapping[str, Stage],
    store: Store,
    *,
    run: str,
    logs: Path,
    engine: EngineName,
    variant: Device,
    listener: Listener,
    say: Callable[[str], None],
    build: bool = False,
) -> dict[str, Artifact]:
    """Return the artifacts of some stages, by their names; what is in the store is not run again.

    run: a label of their jobs; logs: folder for their output; variant: of the images; build: build missing images first

    Raises: ImageNotBuilt, and what the stages raise: the first failure.
    """
    images = stage_images(stages.values())
    programs = stage_programs(images, variant)
    found = look_up(stages.values(), programs, store, sound=True)
    listener(Planned(tuple(stages), {name: identity.key for name, identity in found.identities.items()}))
    for name, said in found.damaged.items():
        listener(Warned(name, f"{said}; it is made again"))
    stored = dict(found.artifacts)
    missing = {name: stage for name, stage in stages.items() if name not in stored}
    if not missing:
        return stored
    needed = {stage.image: images[stage.image] for stage in missing.values()}
    selection = chosen_engine(engine, store.root)
    say(selection.sentence)
    settings = BuildSettings.from_environment()
    if build:
        for built in build_images(list(needed), variant, selection, store.root, settings, say):
            say(built.sentence)
    environments = built_environments(needed, variant, selection, store.root, settings)
    unbuilt = [name for name in needed if name not in environments]
    if unbuilt:
        raise not_built(unbuilt, selection.engine.name, variant)
    stopper = Stopper()
    world = World(
        store=store,
        engine=selection.engine,
        environments=environments,
        modules={name: image.module for name, image in images.items()},
        programs=programs,
        listener=together(listener),
        stopper=stopper,
        run=run,
        logs=logs,
    )
    with stopper.listening():
        walked = realise_stages(missing, stored, world)
    for error in walked.failures.values():
        raise error
    return {**stored, **walked.results}
