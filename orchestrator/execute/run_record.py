"""From a planned experiment to the document of its run, and the listener that keeps the document current."""

import hashlib
import math
import os
import platform
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.errors import SirrError
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Event, Failed, StateChanged
from orchestrator.execute.plugins import recorded_images, recorded_plugins
from orchestrator.plan.keys import canonical_json, key_document
from orchestrator.plan.stage import Stage
from orchestrator.spec.authors_choice import ResolvedAuthors
from orchestrator.spec.dataset import dataset_role
from orchestrator.spec.library import Library
from orchestrator.spec.onnx_network import ResolvedOnnx
from orchestrator.spec.predictions import ResolvedPredictions
from orchestrator.spec.program_choice import ResolvedProgram
from orchestrator.spec.protocol import ProtocolMetric
from orchestrator.spec.resolve import Entrant, Resolved, ResolvedModel
from orchestrator.spec.scoring import chosen_protocol
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import (
    AUTHORS,
    ONNX,
    PREDICTIONS,
    PROGRAM,
    DatasetEntry,
    EntrantEntry,
    FailureEntry,
    FeaturesEntry,
    Host,
    MetricEntry,
    OverrideEntry,
    Overrides,
    PaperEntry,
    Program,
    ProtocolEntry,
    ScaleEntry,
    SourceEntry,
    SpecFile,
    StageEntry,
    ValidationEntry,
)
from orchestrator.store.runs import save_run
from orchestrator.store.store import Store

_PATHS = {"folder", "features_folder", "checkpoint", "predictions", "onnx", "plugins"}
"""Fields of an experiment that say where something lies."""


def planned_document(comparison: Comparison, overrides: Overrides) -> RunDocument:
    """Return the document of a run that is planned and not started."""
    resolved = comparison.resolved
    experiment = resolved.experiment
    now = datetime.now(UTC)
    stages = tuple(_stage(stage, comparison) for stage in comparison.plan.stages)
    entrants = tuple(_entrant(entrant, resolved.library) for entrant in resolved.entrants)
    judged_first = sorted(experiment.protocols, key=lambda name: name != experiment.primary_protocol)
    return RunDocument(
        name=experiment.name,
        identity=_identity(comparison, entrants),
        created=now,
        updated=now,
        program=Program(version=__version__, python=platform.python_version()),
        host=_host(),
        overrides=overrides,
        spec=_spec_file(resolved.path),
        experiment=_by_name(experiment.model_dump(mode="json")),
        note=experiment.note,
        seed=experiment.seed,
        device=experiment.device,
        memory_bytes=experiment.memory,
        features=FeaturesEntry(
            weights=experiment.features,
            files=tuple(resolved.features),
            folder_named=experiment.features_folder is not None,
        ),
        inference=experiment.inference.model_dump(mode="json"),
        protocols=tuple(_protocol(name, resolved) for name in judged_first),
        test=experiment.test,
        validation=_validation(resolved),
        accept_overlap=experiment.accept_overlap,
        datasets=tuple(_datasets(resolved)),
        entrants=entrants,
        stages=stages,
        images=recorded_images(comparison),
        plugins=recorded_plugins(comparison),
        published=tuple(table.model_dump(mode="json") for table in resolved.library.tables_of_plugins),
    )


def _identity(comparison: Comparison, entrants: tuple[EntrantEntry, ...]) -> str:
    """Return the hash of what decides the results, as far as it is known before anything has run."""
    stages = []
    for stage in comparison.plan.stages:
        document = key_document(stage, comparison.programs[stage.image], {})
        stages.append([stage.name, {**document, "inputs": dict(stage.inputs)}])
    shown = [[entrant.label, entrant.spec, entrant.group] for entrant in entrants]
    decided = {"stages": stages, "entrants": shown, "test": list(comparison.resolved.experiment.test)}
    return hashlib.sha256(canonical_json(decided).encode("ascii")).hexdigest()


def _host() -> Host:
    return Host(
        name=platform.node(),
        system=f"{platform.system()} {platform.release()}",
        processor=platform.processor() or platform.machine(),
        cores=os.cpu_count(),
    )


def _spec_file(path: Path) -> SpecFile:
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return SpecFile(name=_name(path), text=text)


def _name(path: Path) -> str:
    """Return the last part of a path, as text that every file can hold."""
    return path.name.encode("utf-8", "replace").decode("utf-8")


def _by_name(value: Any, field: str = "") -> Any:
    """Return an experiment's values with folders and files by their names."""
    if isinstance(value, dict):
        return {name: _by_name(below, name) for name, below in value.items()}
    if isinstance(value, list):
        return [_by_name(below, field if field in _PATHS else "") for below in value]
    return _name(Path(value)) if field in _PATHS and isinstance(value, str) else value


def _stage(stage: Stage, comparison: Comparison) -> StageEntry:
    identity = comparison.identities.get(stage.name)
    return StageEntry(
        name=stage.name,
        kind=stage.kind,
        image=stage.image,
        settings=dict(stage.settings),
        inputs=dict(stage.inputs),
        sources={
            name: SourceEntry(digest=source.digest, file=_name(source.path)) for name, source in stage.sources.items()
        },
        after=stage.after,
        device=stage.device,
        seed=stage.seed,
        threads=stage.threads if stage.kind in comparison.programs[stage.image].pinned_threads else None,
        memory_bytes=stage.memory_bytes,
        timeout_s=stage.timeout_s,
        key=None if identity is None else identity.key,
        state="stored" if stage.name in comparison.artifacts else "waiting",
    )


def _entrant(entrant: Entrant, library: Library) -> EntrantEntry:
    match entrant:
        case ResolvedPredictions():
            return _given(entrant)
        case ResolvedProgram():
            return _program(entrant, library.plugin_name("program", entrant.spec.name))
        case ResolvedOnnx():
            return _onnx(entrant)
        case ResolvedAuthors():
            return _authors(entrant)
        case ResolvedModel():
            return _model(entrant, library.plugin_name("model", entrant.spec.name))


def _model(model: ResolvedModel, plugin: str) -> EntrantEntry:
    paper = model.spec.paper
    return EntrantEntry(
        label=model.label,
        title=model.spec.title,
        spec=model.spec.name,
        image=model.spec.image,
        group=model.group,
        seed=model.seed,
        paper=PaperEntry(title=paper.title, authors=paper.authors, venue=paper.venue, program=paper.program),
        overrides=tuple(
            OverrideEntry(field=name, paper=was, value=now) for name, (was, now) in model.overrides.items()
        ),
        recipe=dict(model.recipe.values),
        checkpoint=None if model.checkpoint is None else _name(model.checkpoint),
        plugin=plugin,
        features=model.spec.features if model.spec.sees_features or model.checkpoint is None else (),
    )


def _program(program: ResolvedProgram, plugin: str) -> EntrantEntry:
    paper = program.spec.paper
    return EntrantEntry(
        kind=PROGRAM,
        label=program.label,
        title=program.spec.title,
        spec=program.spec.name,
        image=program.spec.image,
        seed=0,
        paper=PaperEntry(title=paper.title, authors=paper.authors, venue=paper.venue, program=paper.program),
        overrides=tuple(
            OverrideEntry(field=name, paper=was, value=now) for name, (was, now) in program.overrides.items()
        ),
        recipe=dict(program.parameters),
        plugin=plugin,
    )


def _onnx(network: ResolvedOnnx) -> EntrantEntry:
    return EntrantEntry(
        kind=ONNX,
        label=network.label,
        title=network.title,
        spec="",
        image="inference",
        seed=0,
        paper=PaperEntry(title=network.choice.source, authors="", venue="", program=""),
        files=_name(network.path),
        source=network.choice.source,
    )


def _given(given: ResolvedPredictions) -> EntrantEntry:
    return EntrantEntry(
        kind=PREDICTIONS,
        label=given.label,
        title=given.title,
        spec="",
        image="metrics",
        seed=0,
        paper=PaperEntry(title=given.choice.source, authors="", venue="", program=""),
        files=_name(given.choice.predictions),
        source=given.choice.source,
    )


def _authors(given: ResolvedAuthors) -> EntrantEntry:
    return EntrantEntry(
        kind=AUTHORS,
        label=given.label,
        title=given.title,
        spec="",
        image=given.choice.program.image,
        seed=0,
        paper=PaperEntry(title=given.choice.origin, authors="", venue="", program=""),
        files=_name(given.source),
        source=given.choice.origin,
        command=given.choice.program.command,
    )


def _protocol(name: str, resolved: Resolved) -> ProtocolEntry:
    protocol = chosen_protocol(name, resolved.experiment.metrics, resolved.library)
    return ProtocolEntry(
        name=protocol.name,
        version=protocol.version,
        title=protocol.title,
        scored=protocol.scored,
        source=protocol.source,
        fault=protocol.fault,
        metrics=tuple(_metric(metric) for metric in protocol.metrics),
        plugin=resolved.library.plugin_name("protocol", name),
    )


def _metric(metric: ProtocolMetric) -> MetricEntry:
    scale = metric.scale
    return MetricEntry(
        name=metric.name,
        definition=metric.definition,
        scale=None
        if scale is None
        else ScaleEntry(
            title=scale.title,
            unit=scale.unit,
            decimals=scale.decimals,
            better=scale.better,
            identical=scale.identical if math.isfinite(scale.identical) else "inf",
        ),
        image=metric.image,
        source=metric.source,
        plugin=metric.plugin,
    )


def _datasets(resolved: Resolved) -> Iterator[DatasetEntry]:
    experiment, train = resolved.experiment, resolved.experiment.train
    used: dict[str, list[str]] = {name: [] for name in resolved.datasets}
    named = {} if train is None else {role: getattr(train, role) for role in ("synthetic", "real", "unaligned")}
    validated = {} if resolved.validation is None else {"validation": resolved.validation.dataset}
    pairs = [*named.items(), *validated.items(), *(("test", name) for name in experiment.test)]
    for use, name in pairs:
        if name in used:
            used[name].append(use)
    test = experiment.test
    for name in (*test, *(other for other in resolved.datasets if other not in test)):
        dataset = resolved.datasets[name]
        yield DatasetEntry(
            name=name,
            title=dataset.title or name,
            source=dataset.source,
            role=dataset_role(dataset),
            uses=tuple(used[name]),
            plugin="" if name in experiment.datasets else resolved.library.plugin_name("dataset", name),
        )


def _validation(resolved: Resolved) -> ValidationEntry | None:
    if resolved.validation is None:
        return None
    epochs = {
        model.label: (*resolved.snapshots(model), model.recipe.epochs)
        for model in resolved.models
        if model.checkpoint is None
    }
    return ValidationEntry(dataset=resolved.validation.dataset, epochs=epochs)


class DocumentWriter:
    """Keeps a run's document current: it hears the run's events, and writes after each stage that ends.

    `document` is current at any time; on disk it is at the latest after `save`.
    """

    def __init__(self, store: Store, document: RunDocument) -> None:
        self._store = store
        self._document = document
        self._lock = threading.Lock()
        self._written = document

    @property
    def document(self) -> RunDocument:
        """The document as it stands."""
        with self._lock:
            return self._document

    def listen(self, event: Event) -> None:
        """Take in one event; what is no stage's state is passed over.

        Raises:
            NoSpace: Where the disk is full.
            StoreError: Where the document on disk cannot be read any more.
        """
        with self._lock:
            match event:
                case StateChanged(stage, state, facts):
                    self._change(stage, _state_fields(state, facts))
                    if state in {"running", "adopted", "done", "failed", "cancelled"}:
                        self._save()
                case Failed(stage, error):
                    self._change(stage, {"failure": failure_entry(error)})

    def save(self) -> None:
        """Write the document where it has changed since it was written."""
        with self._lock:
            if self._document is not self._written:
                self._save()

    def _change(self, stage: str, fields: Mapping[str, Any]) -> None:
        self._document = self._document.with_stages({stage: fields})

    def _save(self) -> None:
        save_run(self._store, self._document)
        self._written = self._document


def _state_fields(state: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {"state": state}
    if "key" in facts:
        fields["key"] = facts["key"]
    if state == "skipped":
        blocker = facts.get("because", "something it needs")
        fields["failure"] = FailureEntry(code="skipped", message=f"{blocker} {facts.get('end', 'failed')}")
    elif state in {"stored", "running", "adopted", "done"}:
        fields["failure"] = None
    return fields


def failure_entry(error: SirrError) -> FailureEntry:
    """Return an error as a run's document tells it."""
    return FailureEntry(code=error.code, message=error.message, hint=error.hint, took=dict(error.took))
