"""A comparison before it runs: its plan, keys, what the store has of it, and why the rest must run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.environments.recipe import code_hash, recipe_hash
from orchestrator.plan.keys import Identity, document_key, identities
from orchestrator.plan.plan import Plan, experiment_plan
from orchestrator.plan.reasons import reasons
from orchestrator.plan.stage import Stage
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.image import ImageSpec, Variant
from orchestrator.spec.load import load_image
from orchestrator.spec.resolve import Resolved, resolve
from orchestrator.store.record import RunRecord
from orchestrator.store.store import Artifact, Store

REPORT_ROOMS = ("orchestrator.report", "orchestrator.execute", "orchestrator.metrics", "orchestrator.spec")
"""The code that decides what a report looks like and what it says of scores."""


@dataclass(frozen=True)
class Comparison:
    """One experiment, planned against a store."""

    resolved: Resolved
    plan: Plan
    identities: Mapping[str, Identity]
    images: Mapping[str, ImageSpec]
    variant: Variant
    artifacts: Mapping[str, Artifact]
    """What the store has already, by stage."""
    reasons: Mapping[str, tuple[str, ...]]
    """Why each of the others must run, by stage."""
    photos: tuple[Path, ...] = ()
    """Folders of photographs that the command line added."""
    spec_file: Path | None = None
    """The experiment's file as it was when the run was started; None where it is the file itself."""

    @property
    def missing(self) -> dict[str, Stage]:
        """The stages that must run, in order."""
        return {stage.name: stage for stage in self.plan.stages if stage.name not in self.artifacts}

    @property
    def images_needed(self) -> tuple[str, ...]:
        """The images that the missing stages run in, each once, in order."""
        return tuple(dict.fromkeys(stage.image for stage in self.missing.values() if stage.image is not None))


def plan_comparison(experiment: Experiment, path: Path, store: Store) -> Comparison:
    """Plan an experiment; nothing is run.

    Raises: SpecError with every mistake that the experiment's names and values hold.
    """
    resolved = resolve(experiment, path)
    plan = experiment_plan(resolved, store.digest)
    return _against_store(resolved, plan, store)


def as_recorded(comparison: Comparison, keys: Mapping[str, str], store: Store, spec_file: Path | None) -> Comparison:
    """Return the comparison with the results that a run recorded, also where programs or images have changed since.

    keys: of the recorded results, by stage; spec_file: the experiment's file as it was then
    The report's own key is made of theirs and of the code that renders now: a report of other code is not taken for it.
    """
    known = {
        name: replace(identity, key=keys[name]) if name in keys else identity
        for name, identity in comparison.identities.items()
    }
    for stage in comparison.plan.stages:
        if stage.kind == "report":
            document = dict(comparison.identities[stage.name].document)
            document["inputs"] = {name: known[of].key for name, of in stage.inputs.items()}
            if spec_file is not None:
                document["sources"] = {**document["sources"], "spec": store.digest(spec_file)}
            known[stage.name] = replace(known[stage.name], key=document_key(document), document=document)
    found = {name: store.artifact(identity.key) for name, identity in known.items()}
    return replace(
        comparison,
        identities=known,
        artifacts={name: artifact for name, artifact in found.items() if artifact is not None},
        reasons={},
        spec_file=spec_file,
    )


def _against_store(resolved: Resolved, plan: Plan, store: Store) -> Comparison:
    variant: Variant = resolved.experiment.device
    names = sorted({stage.image for stage in plan.stages if stage.image is not None})
    images = {name: load_image(name) for name in names}
    recipes = {name: recipe_hash(image, variant) for name, image in images.items()}
    recipes["orchestrator"] = code_hash(REPORT_ROOMS)
    known = identities(plan, recipes)
    found = {name: store.artifact(identity.key) for name, identity in known.items()}
    artifacts = {name: artifact for name, artifact in found.items() if artifact is not None}
    record = store.run(resolved.experiment.name)
    return Comparison(
        resolved=resolved,
        plan=plan,
        identities=known,
        images=images,
        variant=variant,
        artifacts=artifacts,
        reasons={name: _reasons(identity, record, store) for name, identity in known.items() if name not in artifacts},
    )


def _reasons(identity: Identity, record: RunRecord, store: Store) -> tuple[str, ...]:
    previous_key = record.keys().get(identity.stage)
    if store.has_staging(identity.key):
        return ("an earlier run of it did not finish; it is taken up again where it can be",)
    if previous_key is None:
        return ("it has not run yet",)
    if previous_key == identity.key:
        return ("it did not finish",)
    previous = store.artifact(previous_key)
    if previous is None:
        return ("it changed, and its earlier result is no longer in the store",)
    return reasons(identity, previous.manifest.document)
