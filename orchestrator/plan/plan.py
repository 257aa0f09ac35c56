"""Experiment to stages: pure data; nothing is run, and only the digest of outside files is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.plan.answers import answers_stage, authors_stages, collect_stages, predict_stages
from orchestrator.plan.keys import canonical_json
from orchestrator.plan.overlap import guarded
from orchestrator.plan.scored import Scored, brought_metrics, composition, measure_stage
from orchestrator.plan.single import network_shape
from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.plan.wrapping import ONNX, wrap_stage
from orchestrator.spec.authors_choice import ResolvedAuthors
from orchestrator.spec.checkpoint import checkpoint_files
from orchestrator.spec.dataset import Dataset, PhotosDataset, ScenesDataset, dataset_role
from orchestrator.spec.experiment import Experiment, Inference
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.names import DEFAULT_THREADS, Device
from orchestrator.spec.onnx_network import ResolvedOnnx
from orchestrator.spec.predictions import ResolvedPredictions
from orchestrator.spec.protocol import ProtocolName
from orchestrator.spec.recipe import Recipe
from orchestrator.spec.resolve import Entrant, Resolved, ResolvedModel
from orchestrator.spec.scoring import chosen_metrics
from orchestrator.spec.stage_names import stage_name
from stagekit.measures import CONTROLS

_DESCRIPTION = {"folder", "title", "source"}
"""Fields of a dataset that do not decide its pictures: the folder's content is in the key instead."""


@dataclass(frozen=True)
class Plan:
    """The stages of an experiment, each after those it needs."""

    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        """Return the stage of this name.

        Raises:
            KeyError: Where the plan has none.
        """
        return self._by_name[name]

    def dependents(self, name: str) -> set[str]:
        """Return the names of all stages that need this one's result, directly or through others."""
        found: set[str] = set()
        for stage in self.stages:
            if any(needed == name or needed in found for needed in stage.inputs.values()):
                found.add(stage.name)
        return found

    @cached_property
    def _by_name(self) -> dict[str, Stage]:
        return {stage.name: stage for stage in self.stages}


def experiment_plan(resolved: Resolved, digest: Digest) -> Plan:
    """Return the stages of a resolved experiment.

    Args:
        digest: Content hash of a file or folder outside the store; each is asked for once.
    """
    known: dict[tuple[Path, str], str] = {}

    def once(path: Path, dataset: Mapping[str, Any] | None = None) -> str:
        asked = (path, canonical_json(dataset))
        if asked not in known:
            known[asked] = digest(path, dataset)
        return known[asked]

    experiment = resolved.experiment
    limits = _limits(experiment)
    stages = [wrap_stage(network, once, **limits) for network in resolved.onnx_files]
    stages += [
        prepare_stage(name, dataset, once, each_alone=isinstance(dataset, PhotosDataset), **limits)
        for name, dataset in resolved.datasets.items()
    ]
    first = len(stages)
    stages += [_weights_stage(model, resolved, once) for model in resolved.models]
    stages += [_export_stage(model, resolved, once) for model in resolved.models]
    networks: tuple[ResolvedModel | ResolvedOnnx, ...] = (*resolved.models, *resolved.onnx_files)
    stages += [_infer_stage(network, name, resolved) for network in networks for name in experiment.test]
    for program in resolved.programs:
        stages += predict_stages(program, experiment.test, arrays=_scores_floats(resolved), **limits)
    stages += [stage for given in resolved.predictions for stage in collect_stages(given, once, **limits)]
    for authors in resolved.authors:
        stages += authors_stages(authors, experiment.test, once, device=experiment.device, **limits)
    stages += _scoring_stages(resolved, once)
    stages += [stage for model in resolved.models for stage in _validation_stages(model, resolved, once)]
    stages = [*stages[:first], *guarded(stages[first:], resolved, limits)]
    return Plan(tuple(stages))


def _scoring_stages(resolved: Resolved, digest: Digest) -> Iterator[Stage]:
    """Yield the stages that score controls and entrants on every test dataset with truth."""
    experiment = resolved.experiment
    for name in experiment.test:
        if dataset_role(resolved.datasets[name]) != "pairs":
            continue
        scored = [Scored(control, control, None, name) for control in CONTROLS]
        scored += [
            Scored(entrant.label, _spec_name(entrant), answers_stage(entrant, name), name)
            for entrant in resolved.entrants
            if not isinstance(entrant, ResolvedPredictions) or name in entrant.places
        ]
        for protocol in experiment.protocols:
            yield from (stage for one in scored for stage in _evaluate_stages(one, protocol, resolved, digest))
        for metric in brought_metrics(experiment.protocols, resolved):
            yield from (measure_stage(one, metric, resolved.library, **_limits(experiment)) for one in scored)


def _spec_name(entrant: Entrant) -> str:
    """Return what stands in settings for an entrant: its spec's name, where it has one."""
    match entrant:
        case ResolvedPredictions() | ResolvedAuthors():
            return entrant.label
        case ResolvedOnnx():
            return ONNX
        case _:
            return entrant.spec.name


def prepare_stage(
    name: str,
    dataset: Dataset,
    digest: Digest,
    *,
    memory_bytes: int | None = None,
    timeout_s: float | None = None,
    threads: int = DEFAULT_THREADS,
    each_alone: bool = False,
) -> Stage:
    """Return the stage that turns a dataset, with an absolute folder, into prepared pictures.

    Photographs without truth keep their depth, and are read by rows, by what the image of inference has.

    Args:
        each_alone: Of photographs, leave out what is unusable. What that is depends on the memory, which is in the
            settings then.
    """
    sources = {}
    described = dataset.model_dump(mode="json", exclude=_DESCRIPTION)
    if not isinstance(dataset, ScenesDataset) and dataset.folder is not None:
        sources["source"] = Source(dataset.folder, digest(dataset.folder, described), described)
    return Stage(
        name=stage_name("prepare", name),
        kind="prepare",
        image="inference" if isinstance(dataset, PhotosDataset) else "metrics",
        settings={
            "name": name,
            "title": dataset.title or name,
            "dataset": described,
            **({"each_alone": True, "memory": memory_bytes} if each_alone else {}),
        },
        sources=sources,
        memory_bytes=memory_bytes,
        timeout_s=timeout_s,
        threads=threads,
    )


def infer_stage(
    label: str,
    dataset: str,
    inference: Inference,
    *,
    model: str | None = None,
    network: str | None = None,
    device: Device = "cpu",
    memory_bytes: int | None = None,
    timeout_s: float | None = None,
    threads: int = DEFAULT_THREADS,
    arrays: bool = False,
    as_photos: bool = False,
    each_alone: bool = False,
) -> Stage:
    """Return the stage that takes a dataset's pictures through an exported network.

    Args:
        model: Name of the model spec, where it differs from the label.
        network: The stage that leaves the network; None: the label's export.
        arrays: Keep what the network answers as floats too.
        as_photos: Write results as files of the photographs' kinds, with their transparency; else PNG, which reports
            show.
        each_alone: Go on where a picture fails, and say so.
    """
    used = {"mode", "tile", "overlap"} if inference.mode == "tiles" else {"mode"}
    used |= {"resize"} if inference.resize is not None else set()
    asked = (("arrays", arrays), ("as_photos", as_photos), ("each_alone", each_alone))
    kept = {name: True for name, wanted in asked if wanted}
    return Stage(
        name=stage_name("infer", label, dataset),
        kind="infer",
        image="inference",
        settings={"model": model or label, "inference": inference.model_dump(mode="json", include=used), **kept},
        inputs={"network": network or stage_name("export", label), "dataset": stage_name("prepare", dataset)},
        device=device,
        memory_bytes=memory_bytes,
        timeout_s=timeout_s,
        threads=threads,
    )


def _infer_stage(
    network: ResolvedModel | ResolvedOnnx, dataset: str, resolved: Resolved, label: str | None = None
) -> Stage:
    """Return the stage that takes a dataset through a network; floats are kept where a protocol scores them."""
    experiment = resolved.experiment
    scored = dataset_role(resolved.datasets[dataset]) == "pairs"
    return infer_stage(
        label or network.label,
        dataset,
        experiment.inference,
        model=_spec_name(network),
        network=stage_name("wrap", network.label) if isinstance(network, ResolvedOnnx) else None,
        device=experiment.device,
        arrays=scored and _scores_floats(resolved),
        **_limits(experiment),
    )


def _scores_floats(resolved: Resolved) -> bool:
    """Whether a protocol scores answers as they came."""
    return any(resolved.library.protocol(name).floats for name in resolved.experiment.protocols)


def evaluate_name(label: str, dataset: str, protocol: str) -> str:
    """Return the name of the stage that scores a model, a control or an epoch's weights in a protocol."""
    return stage_name("evaluate", label, dataset, protocol)


def adopt_stage(
    label: str,
    spec: ModelSpec,
    recipe: Recipe,
    checkpoint: Path,
    digest: Digest,
    *,
    entry: str | None = None,
    memory_bytes: int | None = None,
    timeout_s: float | None = None,
    threads: int = DEFAULT_THREADS,
) -> Stage:
    """Return the stage that takes over a checkpoint, a file or a folder; its content decides, not its path.

    Args:
        entry: Which weights to take where the checkpoint holds several sets.
    """
    return Stage(
        name=stage_name("adopt", label),
        kind="adopt",
        image=spec.image,
        settings={
            "model": spec.name,
            **network_shape(spec, recipe),
            **({} if entry is None else {"entry": entry}),
        },
        sources={name: Source(file, digest(file)) for name, file in checkpoint_files(checkpoint).items()},
        memory_bytes=memory_bytes,
        timeout_s=timeout_s,
        threads=threads,
    )


def _weights_stage(model: ResolvedModel, resolved: Resolved, digest: Digest) -> Stage:
    if model.checkpoint is None:
        return _train_stage(model, resolved, digest)
    limits = _limits(resolved.experiment)
    return adopt_stage(model.label, model.spec, model.recipe, model.checkpoint, digest, entry=model.entry, **limits)


def _train_stage(model: ResolvedModel, resolved: Resolved, digest: Digest) -> Stage:
    experiment = resolved.experiment
    train = experiment.train
    assert train is not None  # resolving refuses a model that is neither trained nor adopted
    inputs = {"synthetic": stage_name("prepare", train.synthetic)}
    if train.real is not None:
        inputs["real"] = stage_name("prepare", train.real)
    if train.unaligned is not None and model.recipe.uses_unaligned:
        inputs["unaligned"] = stage_name("prepare", train.unaligned)
    snapshots = resolved.snapshots(model)
    return Stage(
        name=stage_name("train", model.label),
        kind="train",
        image=model.spec.image,
        settings={
            "model": model.spec.name,
            "recipe": dict(model.recipe.values),
            "features": experiment.features,
            **({"snapshots": list(snapshots)} if snapshots else {}),
        },
        inputs=inputs,
        sources=_feature_sources(model.spec.features, resolved, digest),
        device=experiment.device,
        seed=model.seed,
        device_memory_bytes=experiment.device_memory,
        checkpoint_s=experiment.checkpoint_minutes * 60,
        **_limits(experiment),
    )


def snapshot_label(label: str, epoch: int) -> str:
    """Return what the stages of a model's weights after an epoch are called; no model's name holds an '@'."""
    return f"{label}@{epoch}"


def _validation_stages(model: ResolvedModel, resolved: Resolved, digest: Digest) -> Iterator[Stage]:
    """Yield the stages that score a training's weights after some epochs, as all weights are scored.

    The final weights are scored on the validation dataset too, where it is no test dataset.
    """
    experiment, validation = resolved.experiment, resolved.validation
    if validation is None or model.checkpoint is not None:
        return
    name = validation.dataset
    labels = [snapshot_label(model.label, epoch) for epoch in resolved.snapshots(model)]
    for epoch in resolved.snapshots(model):
        yield _export_stage(model, resolved, digest, epoch)
    for label in labels if name in experiment.test else [*labels, model.label]:
        yield _infer_stage(model, name, resolved, label)
        scored = Scored(label, model.spec.name, stage_name("infer", label, name), name)
        yield from _evaluate_stages(scored, experiment.primary_protocol, resolved, digest)
        for metric in brought_metrics((experiment.primary_protocol,), resolved):
            yield measure_stage(scored, metric, resolved.library, **_limits(experiment))


def _export_stage(model: ResolvedModel, resolved: Resolved, digest: Digest, epoch: int | None = None) -> Stage:
    """Return the stage that exports a model's weights.

    Args:
        epoch: The final ones where None.
    """
    settings: dict[str, Any] = {
        "model": model.spec.name,
        "tolerance": model.spec.export_tolerance,
        "features": resolved.experiment.features,
        **network_shape(model.spec, model.recipe),
        **({} if epoch is None else {"snapshot": epoch}),
    }
    label = model.label if epoch is None else snapshot_label(model.label, epoch)
    return Stage(
        name=stage_name("export", label),
        kind="export",
        image=model.spec.image,
        settings=settings,
        inputs={"weights": model.weights_stage},
        sources=_feature_sources(model.spec.features if model.spec.sees_features else (), resolved, digest),
        **_limits(resolved.experiment),
    )


def _evaluate_stages(scored: Scored, protocol: ProtocolName, resolved: Resolved, digest: Digest) -> Iterator[Stage]:
    """Yield the stage that scores answers by a protocol; none where all its metrics are of plug-ins."""
    experiment = resolved.experiment
    entry = resolved.library.protocol(protocol)
    metrics = [metric for metric in chosen_metrics(protocol, experiment.metrics, resolved.library) if not metric.image]
    if not metrics:
        return
    features = tuple(dict.fromkeys(metric.features for metric in metrics if metric.features))
    yield Stage(
        name=evaluate_name(scored.label, scored.dataset, protocol),
        kind="evaluate",
        image="metrics",
        settings={
            "model": scored.model,
            "control": scored.answers is None,
            "protocol": protocol,
            "version": entry.version,
            "metrics": [metric.name for metric in metrics],
            **({"features": experiment.features} if features else {}),
            **composition(entry),
        },
        inputs=scored.inputs,
        sources=_feature_sources(features, resolved, digest),
        **_limits(experiment),
    )


def _feature_sources(names: Sequence[str], resolved: Resolved, digest: Digest) -> Mapping[str, Source]:
    """Return the files of pretrained weights that a stage reads, in their order; none where features are random."""
    paths = [resolved.features[name] for name in names if name in resolved.features]
    inputs = ["features", *(f"features-{number}" for number in range(2, len(paths) + 1))]
    return {name: Source(path, digest(path)) for name, path in zip(inputs, paths, strict=False)}


def _limits(experiment: Experiment) -> dict[str, Any]:
    """Return what bounds every stage of an experiment, and how many threads those have whose bits depend on them."""
    hours = experiment.timeout_hours
    timeout_s = hours * 3600 if hours is not None else None
    return {"memory_bytes": experiment.memory, "timeout_s": timeout_s, "threads": experiment.threads}
