"""An experiment as a graph of stages."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.dataset import Dataset, LayersDataset, PairsDataset, PhotosDataset, dataset_role
from orchestrator.spec.experiment import Experiment, Inference
from orchestrator.spec.resolve import Resolved, ResolvedModel

CONTROLS = ("input", "truth")
"""Built-in 'networks' of every comparison: the unchanged picture, and the truth itself."""

Digest = Callable[[Path], str]


@dataclass(frozen=True)
class Plan:
    """Stages in an order in which each comes after its inputs."""

    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """Return the stage of that name; KeyError where there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    def dependents(self, name: str) -> set[str]:
        """Return every stage that needs this one's result, directly or not."""
        found: set[str] = set()
        for stage in self.stages:
            if found.union({name}).intersection(stage.inputs.values()):
                found.add(stage.name)
        return found


def experiment_plan(resolved: Resolved, digest: Digest) -> Plan:
    """Return the stages of an experiment; `digest` names files from outside by their content."""
    experiment = resolved.experiment
    stages = [prepare_stage(name, dataset, digest) for name, dataset in resolved.datasets.items()]
    for model in resolved.models:
        stages.append(_train_stage(model, resolved, digest))
        stages.append(_export_stage(model, resolved, digest))
    labels = [model.label for model in resolved.models]
    for name in experiment.test:
        stages.extend(infer_stage(label, name, experiment.inference, device=experiment.device) for label in labels)
        if dataset_role(resolved.datasets[name]) == "pairs":
            stages.extend(_evaluate_stage(label, name, resolved, digest) for label in (*CONTROLS, *labels))
    bounded = [_bounded(stage, experiment) for stage in stages]
    return Plan((*bounded, _report_stage(resolved, bounded)))


def prepare_stage(name: str, dataset: Dataset, digest: Digest) -> Stage:
    """Return the stage that brings a dataset into its uniform form."""
    described = dataset.model_dump(mode="json", exclude={"folder", "title", "source"})
    settings = {"name": name, "title": dataset.title or name, "dataset": described}
    sources = {}
    if isinstance(dataset, PairsDataset | LayersDataset | PhotosDataset):
        sources["source"] = Source(dataset.folder, digest(dataset.folder))
    return Stage(f"prepare/{name}", "prepare", "metrics", settings, sources=sources)


def infer_stage(label: str, dataset: str, inference: Inference, *, device: Any = "cpu") -> Stage:
    """Return the stage that runs a network on a dataset."""
    how = inference.model_dump(mode="json")
    if inference.mode == "whole":
        how = {"mode": "whole"}
    return Stage(
        f"infer/{label}/{dataset}",
        "infer",
        "inference",
        {"model": label, "inference": how},
        {"network": f"export/{label}", "dataset": f"prepare/{dataset}"},
        device=device,
    )


def _features(resolved: Resolved, names: tuple[str, ...], digest: Digest) -> dict[str, Source]:
    """Return the pretrained files that a stage needs, as sources; at most one for each of our stages."""
    return {
        "features": Source(resolved.features[name], digest(resolved.features[name]))
        for name in names
        if name in resolved.features
    }


def _train_stage(model: ResolvedModel, resolved: Resolved, digest: Digest) -> Stage:
    experiment = resolved.experiment
    inputs = {"synthetic": f"prepare/{experiment.train.synthetic}"}
    if experiment.train.real is not None:
        inputs["real"] = f"prepare/{experiment.train.real}"
    settings = {
        "model": model.spec.name,
        "recipe": model.recipe.model_dump(mode="json"),
        "features": experiment.features,
    }
    return Stage(
        f"train/{model.label}",
        "train",
        model.spec.image,
        settings,
        inputs,
        _features(resolved, model.spec.features, digest),
        device=experiment.device,
        seed=model.seed,
    )


def _export_stage(model: ResolvedModel, resolved: Resolved, digest: Digest) -> Stage:
    settings = {
        "model": model.spec.name,
        "features": resolved.experiment.features,
        "tolerance": model.spec.export_tolerance,
        "recipe": model.recipe.model_dump(mode="json", include={"family", "cascade", "dropout"}),
    }
    return Stage(
        f"export/{model.label}",
        "export",
        model.spec.image,
        settings,
        {"weights": f"train/{model.label}"},
        _features(resolved, model.spec.features, digest),
    )


def _evaluate_stage(label: str, dataset: str, resolved: Resolved, digest: Digest) -> Stage:
    experiment = resolved.experiment
    control = label in CONTROLS
    inputs = {"dataset": f"prepare/{dataset}"}
    if not control:
        inputs["predictions"] = f"infer/{label}/{dataset}"
    settings = {
        "model": label,
        "control": control,
        "protocol": "standard",
        "metrics": list(experiment.metrics),
        "features": experiment.features,
    }
    alexnet = ("alexnet-owt-7be5be79.pth",) if "lpips" in experiment.metrics else ()
    return Stage(
        f"evaluate/{label}/{dataset}", "evaluate", "metrics", settings, inputs, _features(resolved, alexnet, digest)
    )


def _bounded(stage: Stage, experiment: Experiment) -> Stage:
    """Return the stage with the experiment's limits, and its seed where it has none of its own."""
    timeout = None if experiment.timeout_hours is None else experiment.timeout_hours * 3600
    seed = stage.seed if stage.kind == "train" else experiment.seed
    return replace(stage, memory_bytes=experiment.memory, timeout_s=timeout, seed=seed)


def _report_stage(resolved: Resolved, stages: list[Stage]) -> Stage:
    experiment = resolved.experiment
    settings = {
        "name": experiment.name,
        "note": experiment.note,
        "spec": resolved.path.read_text(encoding="utf-8") if resolved.path.is_file() else "",
        "titles": {model.label: model.spec.title for model in resolved.models},
    }
    return Stage("report", "report", None, settings, {stage.name: stage.name for stage in stages})
