"""A comparison before it runs: its plan, keys, what the store has of it, and why the rest must run."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from orchestrator.environments.plugin_image import check_image
from orchestrator.environments.program import image_program
from orchestrator.errors import SpecError
from orchestrator.execute.sources import source_digest
from orchestrator.plan.keys import (
    Identity,
    Program,
    ResultDigests,
    identities,
    key_document,
)
from orchestrator.plan.plan import Plan, experiment_plan
from orchestrator.plan.reasons import reasons, waiting_reason
from orchestrator.plan.stage import Stage
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.resolve import Resolved, resolve
from orchestrator.store.record import RunRecord
from orchestrator.store.store import Artifact, Store

Reading = Literal["nothing", "inputs", "all"]
"""Of which results every file is read: none, by sizes alone; those that a missing stage reads; all. Of others than none
those are read that were touched, and documents."""


@dataclass(frozen=True)
class Lookup:
    """What a store has of some stages.

    Attributes:
        identities: By stage, as far as they are known: those of which everything that they read is there.
        artifacts: What is there, by stage.
        damaged: What was said of results that were set aside, by stage.
    """

    identities: Mapping[str, Identity]
    artifacts: Mapping[str, Artifact]
    damaged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """One experiment, planned against a store."""

    resolved: Resolved
    plan: Plan
    identities: Mapping[str, Identity]
    """By stage, as far as they are known: that of a stage whose inputs are not there yet is not."""
    images: Mapping[str, ImageSpec]
    programs: Mapping[str, Program]
    """What runs the stages, by image."""
    variant: Variant
    artifacts: Mapping[str, Artifact]
    """What the store has already, by stage."""
    reasons: Mapping[str, tuple[str, ...]]
    """Why each of the others must run, or may, by stage."""
    damaged: Mapping[str, str] = field(default_factory=dict)
    """What was said of damaged results that were set aside, by stage."""

    @property
    def missing(self) -> dict[str, Stage]:
        """The stages that must run, or may, in order."""
        return {stage.name: stage for stage in self.plan.stages if stage.name not in self.artifacts}

    @property
    def images_needed(self) -> tuple[ImageSpec, ...]:
        """The images that the missing stages run in, each once, in order."""
        return tuple(self.images[name] for name in dict.fromkeys(stage.image for stage in self.missing.values()))


def plan_comparison(
    experiment: Experiment,
    path: Path,
    store: Store,
    home: Path | None = None,
    library: Library | None = None,
    *,
    reading: Reading = "nothing",
) -> Comparison:
    """Plan an experiment; nothing is run.

    Args:
        home: The data folder; None for the environment's, or the default.
        library: What can be named besides what the experiment's own plug-ins bring; None: what this project has.
        reading: As in `look_up`.

    Raises:
        SpecError: With every mistake that the experiment's names and values hold.
    """
    resolved = resolve(experiment, path, home, library)
    plan = experiment_plan(resolved, source_digest(store))
    variant: Variant = resolved.experiment.device
    images = stage_images(plan.stages, resolved.library)
    programs = stage_programs(images, variant)
    found = look_up(plan.stages, programs, store, reading=reading)
    record = store.run(resolved.experiment.name)
    return Comparison(
        resolved=resolved,
        plan=plan,
        identities=found.identities,
        images=images,
        programs=programs,
        variant=variant,
        artifacts=found.artifacts,
        reasons=_all_reasons(plan, found, programs, record, store),
        damaged=found.damaged,
    )


def stage_images(stages: Iterable[Stage], library: Library | None = None) -> dict[str, ImageSpec]:
    """Return the images that stages run in, by name.

    Args:
        library: Where they are looked for; None: among this project's own.

    Raises:
        SpecError: Where an image's program does not run a kind of stage that is planned for it, or where files of a
            plug-in's image are missing or lie outside it.
    """
    library = library or built_in()
    kinds: dict[str, set[str]] = {}
    for stage in stages:
        kinds.setdefault(stage.image, set()).add(stage.kind)
    images = {name: library.image(name) for name in sorted(kinds)}
    for name, image in images.items():
        check_image(image)
        lacking = sorted(kinds[name] - {*image.kinds, "command"})  # which all of them run
        if lacking:
            raise SpecError(
                f"the image {name!r} runs no stage of kind {', '.join(lacking)}; it runs {', '.join(image.kinds)}",
                hint=f"choose another image, or add the kind to its program and to images/{name}/image.yaml",
            )
    return images


def stage_programs(images: Mapping[str, ImageSpec], variant: Variant) -> dict[str, Program]:
    """Return what runs stages, by image."""
    return {name: image_program(image, variant) for name, image in images.items()}


def look_up(
    stages: Iterable[Stage], programs: Mapping[str, Program], store: Store, *, reading: Reading = "nothing"
) -> Lookup:
    """Return what the store has of stages, each after those it reads.

    Args:
        reading: Which files of results are compared with what was committed; what is damaged is set aside and counts as
            missing.
    """
    ordered = tuple(stages)
    read: set[str] = {one.name for one in ordered} if reading == "all" else set()
    damaged: dict[str, str] = {}
    while True:
        found = _looked_up(ordered, programs, store, damaged, None if reading == "nothing" else read)
        computed_from = {name for one in ordered if one.name not in found.artifacts for name in one.inputs.values()}
        if reading == "nothing" or read >= computed_from & set(found.artifacts):
            return found
        read |= computed_from


def _looked_up(
    stages: Iterable[Stage],
    programs: Mapping[str, Program],
    store: Store,
    damaged: dict[str, str],
    read: Collection[str] | None,
) -> Lookup:
    """Look once; what was set aside is added to `damaged`.

    Args:
        read: Stages of whose results every file is read, of the others those that were touched; None: none are.
    """
    artifacts: dict[str, Artifact] = {}

    def result(identity: Identity) -> ResultDigests | None:
        name = identity.stage
        if read is None:
            artifact = store.artifact(identity.key)
        else:
            artifact = store.sound_artifact(identity.key, lambda said: damaged.update({name: said}), read=name in read)
        if artifact is None:
            return None
        artifacts[name] = artifact
        return artifact.digests

    return Lookup(identities(stages, programs, result), artifacts, damaged)


def _all_reasons(
    plan: Plan, found: Lookup, programs: Mapping[str, Program], record: RunRecord, store: Store
) -> dict[str, tuple[str, ...]]:
    keys = record.begun()
    results = {name: artifact.digests for name, artifact in found.artifacts.items()}
    reasons_by_stage = {}
    for stage in plan.stages:
        if stage.name not in found.artifacts:
            document = key_document(stage, programs[stage.image], results)
            identity = found.identities.get(stage.name)
            changed = _reasons(stage, document, identity, keys.get(stage.name), store)
            waits = waiting_reason(stage, document)
            reasons_by_stage[stage.name] = (*changed, *((waits,) if waits else ()))
    return reasons_by_stage


def _reasons(
    stage: Stage, document: Mapping[str, object], identity: Identity | None, previous_key: str | None, store: Store
) -> tuple[str, ...]:
    if identity is not None and store.has_staging(identity.key):
        return ("an earlier run of it did not finish; it is taken up again where it can be",)
    if previous_key is None:
        return ("it has not run yet",)
    if identity is not None and previous_key == identity.key:
        return ("it did not finish",)
    previous = store.artifact(previous_key)
    if previous is None:
        return ("its earlier result is no longer in the store",)
    return reasons(stage, document, previous.manifest.document)
