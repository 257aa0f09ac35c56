"""A comparison before it runs: its plan, keys, what the store has of it, and why the rest must run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.environments.program import image_program
from orchestrator.environments.recipe import code_hash
from orchestrator.plan.keys import (
    ORCHESTRATOR,
    Identity,
    Program,
    ResultDigests,
    identities,
    key_document,
    stage_identity,
)
from orchestrator.plan.plan import REPORT, Plan, experiment_plan
from orchestrator.plan.reasons import reasons, waiting_reason
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.load import load_image
from orchestrator.spec.resolve import Resolved, resolve
from orchestrator.store.record import RunRecord
from orchestrator.store.store import Artifact, Store

REPORT_ROOMS = ("orchestrator.report", "orchestrator.execute", "orchestrator.metrics", "orchestrator.spec")
"""The code that decides what a report looks like and what it says of scores."""


@dataclass(frozen=True)
class Lookup:
    """What a store has of some stages.

    identities: by stage, as far as they are known: those of which everything that they read is there
    artifacts: what is there, by stage
    """

    identities: Mapping[str, Identity]
    artifacts: Mapping[str, Artifact]


@dataclass(frozen=True)
class Comparison:
    """One experiment, planned against a store."""

    resolved: Resolved
    plan: Plan
    identities: Mapping[str, Identity]
    """By stage, as far as they are known: that of a stage whose inputs are not there yet is not."""
    images: Mapping[str, ImageSpec]
    programs: Mapping[str, Program]
    """What runs the stages, by image, and "orchestrator"."""
    variant: Variant
    artifacts: Mapping[str, Artifact]
    """What the store has already, by stage."""
    reasons: Mapping[str, tuple[str, ...]]
    """Why each of the others must run, or may, by stage."""
    photos: tuple[Path, ...] = ()
    """Folders of photographs that the command line added."""
    spec_file: Path | None = None
    """The experiment's file as it was when the run was started; None where it is the file itself."""

    @property
    def missing(self) -> dict[str, Stage]:
        """The stages that must run, or may, in order."""
        return {stage.name: stage for stage in self.plan.stages if stage.name not in self.artifacts}

    @property
    def images_needed(self) -> tuple[str, ...]:
        """The images that the missing stages run in, each once, in order."""
        return tuple(dict.fromkeys(stage.image for stage in self.missing.values() if stage.image is not None))

    def report_identity(self, artifacts: Mapping[str, Artifact]) -> Identity:
        """Return the identity of the report of a complete set of artifacts.

        Raises: KeyError where one is missing.
        """
        stage = self.plan.stage(REPORT)
        results = {name: artifact.digests for name, artifact in artifacts.items()}
        return stage_identity(stage, self.programs[ORCHESTRATOR], results)


def plan_comparison(experiment: Experiment, path: Path, store: Store) -> Comparison:
    """Plan an experiment; nothing is run.

    Raises: SpecError with every mistake that the experiment's names and values hold.
    """
    resolved = resolve(experiment, path)
    plan = experiment_plan(resolved, store.digest)
    variant: Variant = resolved.experiment.device
    images = stage_images(plan.stages)
    programs = stage_programs(images, variant)
    found = look_up(plan.stages, programs, store)
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
    )


def stage_images(stages: Iterable[Stage]) -> dict[str, ImageSpec]:
    """Return the images that stages run in, by name."""
    names = sorted({stage.image for stage in stages if stage.image is not None})
    return {name: load_image(name) for name in names}


def stage_programs(images: Mapping[str, ImageSpec], variant: Variant) -> dict[str, Program]:
    """Return what runs stages, by image, and the report's as "orchestrator"."""
    programs = {name: image_program(image, variant) for name, image in images.items()}
    return {**programs, ORCHESTRATOR: Program(code_hash(REPORT_ROOMS))}


def look_up(stages: Iterable[Stage], programs: Mapping[str, Program], store: Store) -> Lookup:
    """Return what the store has of stages, each after those it reads."""
    artifacts: dict[str, Artifact] = {}

    def result(identity: Identity) -> ResultDigests | None:
        artifact = store.artifact(identity.key)
        if artifact is None:
            return None
        artifacts[identity.stage] = artifact
        return artifact.digests

    return Lookup(identities(stages, programs, result), artifacts)


def as_recorded(comparison: Comparison, keys: Mapping[str, str], store: Store, spec_file: Path | None) -> Comparison:
    """Return the comparison with the results that a run recorded, also where programs or images have changed since.

    keys: of the recorded results, by stage; spec_file: the experiment's file as it was then
    The report's own key is made of theirs and of the code that renders now: a report of other code is not taken for it.
    """
    stages = [_with_spec(stage, spec_file, store) for stage in comparison.plan.stages]
    known: dict[str, Identity] = {}
    artifacts: dict[str, Artifact] = {}
    for stage in stages:
        if stage.kind == "report":
            continue
        planned = comparison.identities.get(stage.name)
        key = keys.get(stage.name) or (planned.key if planned else None)
        artifact = store.artifact(key) if key else None
        if artifact is not None:
            artifacts[stage.name] = artifact
        if key is not None:
            document = artifact.manifest.document if artifact is not None else {}
            known[stage.name] = Identity(stage.name, key, document, dict(stage.inputs))
    recorded = replace(
        comparison,
        plan=Plan(tuple(stages)),
        identities=known,
        artifacts=artifacts,
        reasons={},
        spec_file=spec_file,
    )
    return with_stored_report(recorded, store)


def with_stored_report(comparison: Comparison, store: Store) -> Comparison:
    """Return the comparison with the report of its artifacts, where all are there, and what the store has of it."""
    report = comparison.plan.stage(REPORT)
    if any(needed not in comparison.artifacts for needed in report.inputs.values()):
        return comparison
    identity = comparison.report_identity(comparison.artifacts)
    stored = store.artifact(identity.key)
    artifacts = comparison.artifacts if stored is None else {**comparison.artifacts, report.name: stored}
    return replace(comparison, identities={**comparison.identities, report.name: identity}, artifacts=artifacts)


def _with_spec(stage: Stage, spec_file: Path | None, store: Store) -> Stage:
    if stage.kind != "report" or spec_file is None:
        return stage
    return replace(stage, sources={**stage.sources, "spec": Source(spec_file, store.digest(spec_file))})


def _all_reasons(
    plan: Plan, found: Lookup, programs: Mapping[str, Program], record: RunRecord, store: Store
) -> dict[str, tuple[str, ...]]:
    keys = record.keys()
    results = {name: artifact.digests for name, artifact in found.artifacts.items()}
    told = {}
    for stage in plan.stages:
        if stage.name not in found.artifacts:
            document = key_document(stage, programs[stage.image or ORCHESTRATOR], results)
            identity = found.identities.get(stage.name)
            changed = _reasons(stage, document, identity, keys.get(stage.name), store)
            waits = waiting_reason(stage, document)
            told[stage.name] = (*changed, *((waits,) if waits else ()))
    return told


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
