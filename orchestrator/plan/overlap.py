"""The stage that compares what is trained on with what is tested on, and what has to wait for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.plan.stage import Stage
from orchestrator.spec.resolve import Resolved
from orchestrator.spec.stage_names import stage_name

OVERLAP = "overlap"
"""The stage's name."""


def guarded(stages: Sequence[Stage], resolved: Resolved, limits: Mapping[str, Any]) -> list[Stage]:
    """Return the stages after the preparations, with the comparison before all that has to do with a training.

    Trainings wait for it without reading it, so that another test set does not train again; where pictures are dropped
    they read which.

    Args:
        limits: Of the comparison.
    """
    overlap = _overlap_stage(resolved, limits)
    if overlap is None:
        return list(stages)
    trained: set[str] = set()
    found = [overlap]
    for stage in stages:
        if stage.kind == "train":
            read = {"overlap": OVERLAP} if resolved.experiment.drop_overlap else {}
            found.append(replace(stage, inputs={**stage.inputs, **read}, after=(OVERLAP,)))
        elif trained.intersection(stage.inputs.values()):
            found.append(replace(stage, after=(OVERLAP,)))
        else:
            found.append(stage)
            continue
        trained.add(stage.name)
    return found


def _overlap_stage(resolved: Resolved, limits: Mapping[str, Any]) -> Stage | None:
    """Return the comparison; None where nothing is trained."""
    experiment, train = resolved.experiment, resolved.experiment.train
    if train is None or all(model.checkpoint is not None for model in resolved.models):
        return None
    roles = {"synthetic": train.synthetic, "real": train.real, "unaligned": train.unaligned}
    trained = {role: name for role, name in roles.items() if name is not None}
    validated = () if resolved.validation is None else (resolved.validation.dataset,)
    tested = tuple(dict.fromkeys((*experiment.test, *validated)))
    action = "drop" if experiment.drop_overlap else "stop" if experiment.accept_overlap is None else "accept"
    return Stage(
        name=OVERLAP,
        kind="overlap",
        image="metrics",
        settings={"train": sorted(trained), "test": list(tested), "action": action},
        inputs={
            **{f"train-{role}": stage_name("prepare", name) for role, name in trained.items()},
            **{f"test-{number}": stage_name("prepare", name) for number, name in enumerate(tested)},
        },
        **limits,
    )
