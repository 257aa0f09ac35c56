"""What a run will take before it starts: steps, time and disk of each stage that the store lacks, and in all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.execute.comparison import Comparison
from orchestrator.execute.dataset_sizes import described_size
from orchestrator.execute.measurements import MeasuredMachine, brought_rates, dataset_size, store_measurements
from orchestrator.plan.estimates import Estimate, estimate
from orchestrator.plan.stage import Stage
from orchestrator.plan.tasks import network_of, task_of
from orchestrator.plan.work import (
    DatasetSize,
    Work,
    stage_work,
    training_work,
)
from orchestrator.spec.model import EpochRule
from orchestrator.spec.names import Device
from orchestrator.store.store import Store


@dataclass(frozen=True)
class RunEstimate:
    """What a run will take.

    Attributes:
        stages: Of those that the store lacks, in the order of the plan.
        stored: How many it has: they take nothing.
        machine: What the project's own measurements were made on.
    """

    stages: tuple[Estimate, ...]
    stored: int
    machine: MeasuredMachine

    @property
    def seconds(self) -> float:
        """Of the stages whose time can be told, one after the other."""
        return sum(stage.seconds for stage in self.stages if stage.seconds is not None)

    @property
    def size_bytes(self) -> int:
        """Of the results whose size can be told."""
        return sum(stage.size_bytes for stage in self.stages if stage.size_bytes is not None)

    @property
    def steps(self) -> int:
        """Of the trainings whose steps can be told."""
        return sum(stage.steps for stage in self.stages if stage.steps is not None)

    @property
    def by_stage(self) -> Mapping[str, Estimate]:
        """The estimates by the names of their stages."""
        return {stage.stage: stage for stage in self.stages}


def run_estimate(comparison: Comparison, store: Store, device: Device | None = None) -> RunEstimate:
    """Return what the stages that a store lacks will take; nothing is run, and nothing of it is in any key.

    Stages that may turn out to be there once it is known what they read count as those that must run.

    Args:
        device: What they would take there; None: on their own.
    """
    planned = _Planned.of(comparison)
    there = {name: replace(stage, device=device or stage.device) for name, stage in comparison.missing.items()}
    tasks = {stage.name: planned.task(stage) for stage in there.values()}
    rates = brought_rates()
    own = store_measurements(store, planned.shapes, set(tasks.values())) if tasks else ()
    return RunEstimate(
        stages=tuple(
            estimate(stage.name, stage.kind, tasks[stage.name], planned.work(stage), own, rates.measurements)
            for stage in comparison.missing.values()
        ),
        stored=len(comparison.artifacts),
        machine=rates.machine,
    )


@dataclass(frozen=True)
class _Planned:
    """What is known of a plan's stages before they run.

    Attributes:
        stages: By name.
        sizes: What each preparation leaves; None where that is not known yet.
        shapes: Fields of recipes that shape a network, by model.
        rules: What epochs go through, by model.
    """

    stages: Mapping[str, Stage]
    sizes: Mapping[str, DatasetSize | None]
    shapes: Mapping[str, Sequence[str]]
    rules: Mapping[str, EpochRule | None]

    @classmethod
    def of(cls, comparison: Comparison) -> "_Planned":
        """Return what is known of a comparison."""
        specs = [model.spec for model in comparison.resolved.models]
        return cls(
            stages={stage.name: stage for stage in comparison.plan.stages},
            sizes={stage.name: _size(stage, comparison) for stage in comparison.plan.stages if stage.kind == "prepare"},
            shapes={spec.name: spec.shaped_by for spec in specs},
            rules={spec.name: spec.epoch for spec in specs},
        )

    def task(self, stage: Stage) -> str:
        """Return the name of a stage's task."""
        network = self.stages.get(stage.inputs.get("network", "")) if stage.kind == "infer" else None
        of_network = None if network is None else network_of(_document(network))
        return task_of(_document(stage), of_network, self.shapes)

    def work(self, stage: Stage) -> Work | None:
        """Return how much a stage has to do; None where that is not known yet."""
        if stage.kind == "train":
            datasets = {role: self.sizes.get(name) for role, name in stage.inputs.items() if role != "overlap"}
            return training_work(stage.settings["recipe"], self.rules.get(stage.settings["model"]), datasets)
        read = (stage.name,) if stage.kind == "prepare" else stage.inputs.values()
        return stage_work(stage.kind, (self.sizes[name] for name in read if name in self.sizes))


def _document(stage: Stage) -> dict[str, object]:
    """Return as much of what a stage's key is made of as says what kind of work it is."""
    return {
        "kind": stage.kind,
        "image": stage.image,
        "settings": stage.settings,
        "device": stage.device,
        "sources": {name: source.digest for name, source in stage.sources.items()},
    }


def _size(stage: Stage, comparison: Comparison) -> DatasetSize | None:
    """Return what a preparation leaves: as its result tells, else as far as its description does."""
    artifact = comparison.artifacts.get(stage.name)
    if artifact is not None:
        return dataset_size(artifact)
    return described_size(comparison.resolved.datasets[stage.name.partition("/")[2]])
