"""Gathers what a report tells from a run's document and its artifacts, and from nothing else."""

import platform
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from orchestrator import __version__
from orchestrator.errors import Cancelled, NotStarted
from orchestrator.execute.entrant_scores import entrant_scores
from orchestrator.execute.plugins import tables_of_run
from orchestrator.execute.rankings import with_rankings
from orchestrator.execute.run_results import RunResults
from orchestrator.execute.sbom import own_list
from orchestrator.execute.stage_records import environment_record, stage_record
from orchestrator.plan.overlap import OVERLAP
from orchestrator.plan.plan import snapshot_label
from orchestrator.report import artifacts as read
from orchestrator.report.content import (
    Dataset,
    DatasetRole,
    Export,
    Model,
    NotMeasured,
    Override,
    Paper,
    PluginUse,
    Predictions,
    ReportContent,
    Result,
    Validation,
    ValidationPoint,
)
from orchestrator.report.overlap_content import Overlap
from orchestrator.report.stage_content import EnvironmentRecord, FeatureFile, SoftwareList
from orchestrator.report.training_content import Authors, Elsewhere, FeatureWeights, Origin, Untrained
from orchestrator.spec.explained import explained_tables
from orchestrator.spec.protocol import Protocol, ProtocolMetric
from orchestrator.spec.stage_names import stage_name
from orchestrator.spec.weights import FEATURES_VARIABLE
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import (
    AUTHORS,
    MODEL,
    ONNX,
    PREDICTIONS,
    PROGRAM,
    EntrantEntry,
    FailureEntry,
    MetricEntry,
    ProtocolEntry,
)
from stagekit.measures import CONTROLS, Scale, metrics

_STOPS = frozenset({Cancelled.code, NotStarted.code})


class _Gathering:
    """One run with what came of its stages."""

    def __init__(self, results: RunResults) -> None:
        self.document = results.document
        self.artifacts = results.artifacts
        self.outdated = results.outdated
        self.named = {stage.name for stage in results.document.stages}
        self.failures = results.document.failures
        self.waiting = {stage.name for stage in results.document.stages if OVERLAP in stage.after}

    def output(self, stage: str) -> Path | NotMeasured:
        """Return a stage's output folder, or why it left none.

        What waits for the comparison of training and test pictures counts only where that ended well, also where an
        earlier run left it.
        """
        overlap = self.failures.get(OVERLAP)
        if overlap is not None and stage in self.waiting:
            return NotMeasured(_reason(OVERLAP, overlap) if overlap.code in _STOPS else overlap.message)
        if stage in self.artifacts:
            return self.artifacts[stage].output
        if stage not in self.named:
            return NotMeasured("the experiment gives nothing for this dataset")
        if stage in self.outdated:
            return NotMeasured(f"{stage} was made of another result of {self.outdated[stage]}, and has not run since")
        failure = self.failures.get(stage)
        if failure is None:
            return NotMeasured(f"{stage} has not run")
        return NotMeasured(_reason(stage, failure))

    def facts(self, stage: str) -> Path:
        """Return the folder of what a stage's artifact holds besides its results."""
        return self.artifacts[stage].facts


def _reason(stage: str, failure: FailureEntry) -> str:
    """Return why a stage left nothing, with its name or that of the stage at the root of it."""
    if failure.code in {"skipped", NotStarted.code}:
        return failure.message
    return f"{stage} was stopped" if failure.code == Cancelled.code else f"{stage} failed: {failure.message}"


def report_content(results: RunResults) -> ReportContent:
    """Return everything that the report shows; what is missing is there as NotMeasured with its reason.

    Raises:
        OutputInvalid: Where an artifact's files are not what their format says.
    """
    return with_rankings(measured_content(results))


def measured_content(results: RunResults) -> ReportContent:
    """Return what the report shows without what its scores allow to say, which takes time to find out.

    Raises what `report_content` raises.
    """
    gathering = _Gathering(results)
    document = results.document
    protocols = tuple(_protocol(entry) for entry in document.protocols)
    stages = tuple(
        stage_record(stage, results.artifacts.get(stage.name), gathering.failures.get(stage.name))
        for stage in document.stages
    )
    datasets = tuple(_datasets(gathering))
    return ReportContent(
        name=document.name,
        note=document.note,
        protocols=protocols,
        features=cast(FeatureWeights, document.features.weights),
        seed=document.seed,
        device=document.device,
        engine=", ".join(sorted({stage.engine for stage in stages if stage.engine})) or "none",
        models=tuple(_model(entrant, gathering) for entrant in document.entrants),
        datasets=datasets,
        test=document.test,
        results=tuple(_results(gathering)),
        stages=stages,
        environments=tuple(_environments(gathering)),
        spec=document.spec.text,
        spec_name=document.spec.name,
        commands=(_command(document),),
        overlap=_overlap(gathering, datasets),
        program=_program(document),
        warnings=tuple(_warnings(document)),
        published=tables_of_run(document),
        feature_files=tuple(_feature_files(document)),
        sbom=SoftwareList("sirr-orch", own_list()),
        plugins=tuple(PluginUse(plugin.name, plugin.origin, plugin.brings) for plugin in document.plugins),
        explained=tuple(table for table in explained_tables() if table.protocol in {one.name for one in protocols}),
    )


def _protocol(entry: ProtocolEntry) -> Protocol:
    """Return a protocol as the run recorded it, whatever it has become since."""
    measured = tuple(_metric(metric) for metric in entry.metrics)
    return Protocol(entry.name, entry.version, entry.title, entry.scored, measured, entry.source, entry.fault)


def _metric(entry: MetricEntry) -> ProtocolMetric:
    own = entry.scale
    scale = None if own is None else Scale(own.title, own.unit, own.decimals, own.better, float(own.identical))
    return ProtocolMetric(entry.name, entry.definition, scale, entry.image, entry.source, entry.plugin)


def _program(document: RunDocument) -> str:
    """Return what ran the run, and what renders it where that is another version."""
    ran = f"sirr-orch {document.program.version} (Python {document.program.python})"
    now = f"sirr-orch {__version__} (Python {platform.python_version()})"
    return ran if ran == now else f"{ran}; report by {now}"


def _feature_files(document: RunDocument) -> Iterator[FeatureFile]:
    """Yield the files of pretrained feature weights that stages read, each once."""
    read_ones = {
        source.file: source.digest
        for stage in document.stages
        for name, source in stage.sources.items()
        if name.partition("-")[0] == "features"
    }
    for name, digest in sorted(read_ones.items()):
        yield FeatureFile(name, digest)


def _warnings(document: RunDocument) -> Iterator[str]:
    features = document.features
    measured = {metric.name for protocol in document.protocols for metric in protocol.metrics}
    folder = "features_folder" if features.folder_named else FEATURES_VARIABLE
    for metric in metrics():
        lacking = metric.name in measured and metric.features and metric.features not in features.files
        if lacking and features.weights == "pretrained":
            yield (
                f"{metric.scale.title} is not measured: weights missing, put {metric.features} into the folder that "
                f"{folder} names"
            )


def _command(document: RunDocument) -> str:
    """Return the line that makes the report again; folders by their names, for where they lie is nobody's business."""
    words = ["sirr-orch", "run", document.spec.name, "--build"]
    return shlex.join([*words, *(word for folder in document.overrides.photos for word in ("--photos", folder))])


def _model(entrant: EntrantEntry, gathering: _Gathering) -> Model:
    paper = entrant.paper
    return Model(
        label=entrant.label,
        title=entrant.title,
        paper=Paper(paper.title, paper.authors, paper.venue, paper.program),
        overrides=tuple(Override(one.field, str(one.paper), str(one.value)) for one in entrant.overrides),
        seed=entrant.seed,
        training=_weights(entrant, gathering),
        export=_export(entrant, gathering),
        validation=_validation(entrant, gathering),
        spec=entrant.spec,
        group=entrant.group,
        plugin=entrant.plugin,
        sees_features=bool(entrant.features) or (entrant.features is None and entrant.kind == MODEL),
    )


def _export(entrant: EntrantEntry, gathering: _Gathering) -> Export | NotMeasured | None:
    if entrant.kind in {AUTHORS, PREDICTIONS, PROGRAM}:
        return None
    export = gathering.output(entrant.network_stage)
    if isinstance(export, NotMeasured):
        return export
    read_parity = read.read_wrapped_export if entrant.kind == ONNX else read.read_export
    return read_parity(export, gathering.facts(entrant.network_stage))


def _validation(entrant: EntrantEntry, gathering: _Gathering) -> Validation | None:
    validation = gathering.document.validation
    if validation is None or entrant.label not in validation.epochs:
        return None
    *epochs, last = validation.epochs[entrant.label]
    labels = {**{epoch: snapshot_label(entrant.label, epoch) for epoch in epochs}, last: entrant.label}
    judged_by = gathering.document.protocols[0]
    points = [
        ValidationPoint(epoch, entrant_scores(gathering.output, label, validation.dataset, judged_by))
        for epoch, label in labels.items()
    ]
    return Validation(validation.dataset, tuple(points))


def _weights(entrant: EntrantEntry, gathering: _Gathering) -> Origin | NotMeasured:
    if entrant.kind == PROGRAM:
        return Untrained({name: float(value) for name, value in entrant.recipe.items()})
    if entrant.kind == PREDICTIONS:
        return Elsewhere(entrant.files, entrant.source)
    if entrant.kind in {AUTHORS, ONNX}:
        return (_authors if entrant.kind == AUTHORS else _wrapped)(entrant, gathering)
    output = gathering.output(entrant.weights_stage)
    if isinstance(output, NotMeasured):
        return output
    if entrant.checkpoint is None:
        return read.read_training(output, gathering.facts(entrant.weights_stage))
    source = gathering.document.stage(entrant.weights_stage).sources["checkpoint"]
    return read.read_adoption(output, checkpoint=entrant.checkpoint, digest=source.digest)


def _authors(entrant: EntrantEntry, gathering: _Gathering) -> Authors:
    run = gathering.document.stage(stage_name("command", entrant.label, gathering.document.test[0]))
    digests = {source.file: source.digest for source in run.sources.values()}
    return Authors(entrant.files, entrant.image, entrant.command, digests, entrant.source)


def _wrapped(entrant: EntrantEntry, gathering: _Gathering) -> Origin | NotMeasured:
    output = gathering.output(entrant.network_stage)
    if isinstance(output, NotMeasured):
        return output
    stage = gathering.document.stage(entrant.network_stage)
    names = {entrant.files: "network", **stage.settings["data"]}
    digests = {name: stage.sources[source].digest for name, source in names.items()}
    return read.read_wrapping(output, file=entrant.files, digests=digests, source=entrant.source)


def _datasets(gathering: _Gathering) -> Iterator[Dataset]:
    for entry in gathering.document.datasets:
        stage = stage_name("prepare", entry.name)
        output = gathering.output(stage)
        if isinstance(output, NotMeasured):
            role = cast(DatasetRole, entry.role)
            yield Dataset(entry.name, entry.title, role, (), entry.source, (output.why,), plugin=entry.plugin)
        else:
            digest = gathering.artifacts[stage].content
            yield replace(read.read_dataset(output, source=entry.source), digest=digest, plugin=entry.plugin)


def _overlap(gathering: _Gathering, datasets: Sequence[Dataset]) -> Overlap | NotMeasured | None:
    if not gathering.waiting:
        return None
    output = gathering.output(OVERLAP)
    reason = gathering.document.accept_overlap or ""
    return output if isinstance(output, NotMeasured) else read.read_overlap(output, datasets, reason=reason)


def _results(gathering: _Gathering) -> Iterator[Result]:
    document = gathering.document
    entrants = {entrant.label: entrant for entrant in document.entrants}
    for dataset in document.test:
        scored = document.dataset(dataset).role == "pairs"
        for label in (*CONTROLS, *entrants) if scored else entrants:
            protocols = document.protocols if scored else ()
            stage = "" if label in CONTROLS else entrants[label].answers_stage(dataset)
            answered = None if label in CONTROLS else gathering.output(stage)
            yield Result(
                label,
                dataset,
                _answers(entrants[label], answered, gathering.facts(stage)) if isinstance(answered, Path) else answered,
                {one.name: entrant_scores(gathering.output, label, dataset, one) for one in protocols},
            )


def _answers(entrant: EntrantEntry, folder: Path, facts: Path) -> Predictions:
    """Return an entrant's answers; those of an authors' program were taken over, and computed here nevertheless."""
    found = read.read_predictions(folder, facts)
    return replace(found, mode="command", label="as its program wrote them") if entrant.kind == AUTHORS else found


def _environments(gathering: _Gathering) -> Iterator[EnvironmentRecord]:
    """Yield each environment that a result came from, once."""
    seen = set()
    for stage in gathering.document.stages:
        artifact = gathering.artifacts.get(stage.name)
        if artifact is None:
            continue
        facts = artifact.manifest.facts
        identity = (stage.image, facts["engine"], facts["recipe"])
        if identity not in seen:
            seen.add(identity)
            yield environment_record(artifact, stage.image, gathering.document.device)
