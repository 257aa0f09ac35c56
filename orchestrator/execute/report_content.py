"""Gathers what a report tells from a comparison's artifacts."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from orchestrator import __version__
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Failure
from orchestrator.execute.rankings import with_rankings
from orchestrator.execute.stage_records import environment_record, stage_record
from orchestrator.plan.overlap import OVERLAP
from orchestrator.plan.plan import evaluate_name, snapshot_label
from orchestrator.plan.stage import Stage
from orchestrator.report import artifacts as read
from orchestrator.report.content import (
    Adoption,
    Dataset,
    Model,
    NotMeasured,
    Overlap,
    Override,
    Paper,
    ReportContent,
    Result,
    Training,
    Validation,
    ValidationPoint,
)
from orchestrator.report.stage_content import EnvironmentRecord
from orchestrator.report.views.overlap import read_overlap
from orchestrator.spec.dataset import dataset_role
from orchestrator.spec.explained import explained_tables
from orchestrator.spec.protocol import ProtocolName, chosen_protocol
from orchestrator.spec.published_numbers import published_tables
from orchestrator.spec.resolve import ALEXNET, Resolved, ResolvedModel
from orchestrator.spec.weights import FEATURES_VARIABLE
from orchestrator.store.store import Artifact

CONTROLS = ("input", "truth")


class _Gathering:
    """One comparison with what came of its stages."""

    def __init__(
        self, comparison: Comparison, artifacts: Mapping[str, Artifact], failures: Mapping[str, Failure]
    ) -> None:
        self.comparison = comparison
        self.artifacts = artifacts
        self.failures = failures
        self.waiting = {stage.name for stage in comparison.plan.stages if OVERLAP in stage.after}

    def output(self, stage: str) -> Path | NotMeasured:
        """Return a stage's output folder, or why it left none.

        What waits for the comparison of training and test pictures counts only where that ended well, also where an
        earlier run left it.
        """
        overlap = self.failures.get(OVERLAP)
        if overlap is not None and stage in self.waiting:
            return NotMeasured(overlap.message)
        if stage in self.artifacts:
            return self.artifacts[stage].output
        failure = self.failures.get(stage)
        if failure is None:
            return NotMeasured(f"{stage} has not run")
        return NotMeasured(failure.message if failure.code == "skipped" else f"{stage} failed: {failure.message}")


def report_content(
    comparison: Comparison, artifacts: Mapping[str, Artifact], failures: Mapping[str, Failure]
) -> ReportContent:
    """Return everything that the report shows; what is missing is there as NotMeasured with its reason.

    Raises: OutputInvalid where an artifact's files are not what their format says.
    """
    gathering = _Gathering(comparison, artifacts, failures)
    experiment = comparison.resolved.experiment
    spec = comparison.spec_file or comparison.resolved.path
    stages = tuple(
        stage_record(stage, _key(stage, comparison, artifacts), artifacts.get(stage.name), failures.get(stage.name))
        for stage in comparison.plan.stages
    )
    content = ReportContent(
        name=experiment.name,
        note=experiment.note,
        protocols=tuple(chosen_protocol(name, experiment.metrics) for name in _protocols(gathering)),
        features=experiment.features,
        seed=experiment.seed,
        device=experiment.device,
        engine=", ".join(sorted({stage.engine for stage in stages if stage.engine})) or "none",
        models=tuple(_model(model, gathering) for model in comparison.resolved.models),
        datasets=tuple(_datasets(gathering)),
        test=tuple(experiment.test),
        results=tuple(_results(gathering)),
        stages=stages,
        environments=tuple(_environments(gathering)),
        spec=spec.read_text(encoding="utf-8") if spec.is_file() else "",
        spec_name=comparison.resolved.path.name,
        commands=(_command(comparison),),
        overlap=_overlap(gathering),
        program=f"sirr-orch {__version__} (Python {platform.python_version()})",
        warnings=tuple(_warnings(comparison.resolved)),
        published=published_tables(),
        explained=tuple(table for table in explained_tables() if table.protocol in experiment.protocols),
    )
    return with_rankings(content)


def _protocols(gathering: _Gathering) -> list[ProtocolName]:
    """Return the protocols, the one to judge by first."""
    experiment = gathering.comparison.resolved.experiment
    return sorted(experiment.protocols, key=lambda name: name != experiment.headline)


def _warnings(resolved: Resolved) -> Iterator[str]:
    experiment = resolved.experiment
    if "lpips" in experiment.metrics and experiment.features == "pretrained" and ALEXNET not in resolved.features:
        folder = "features_folder" if experiment.features_folder else FEATURES_VARIABLE
        yield f"LPIPS is not measured: AlexNet weights missing, put {ALEXNET} into the folder that {folder} names"


def _key(stage: Stage, comparison: Comparison, artifacts: Mapping[str, Artifact]) -> str:
    """Return a stage's key; empty where what it reads is not there, for then it is not known."""
    if stage.name in artifacts:
        return artifacts[stage.name].key
    identity = comparison.identities.get(stage.name)
    return "" if identity is None else identity.key


def _command(comparison: Comparison) -> str:
    """Return the line that makes the report again; folders by their names, for where they lie is nobody's business."""
    words = ["sirr-orch", "run", comparison.resolved.path.name, "--build"]
    return shlex.join([*words, *(word for folder in comparison.photos for word in ("--photos", folder.name))])


def _model(model: ResolvedModel, gathering: _Gathering) -> Model:
    export = gathering.output(f"export/{model.label}")
    paper = model.spec.paper
    return Model(
        label=model.label,
        title=model.spec.title,
        paper=Paper(paper.title, paper.authors, paper.venue, paper.program),
        overrides=tuple(Override(name, str(was), str(now)) for name, (was, now) in model.overrides.items()),
        seed=model.seed,
        training=_weights(model, gathering),
        export=export if isinstance(export, NotMeasured) else read.read_export(export),
        validation=_validation(model, gathering),
        spec=model.spec.name,
        group=model.group,
    )


def _validation(model: ResolvedModel, gathering: _Gathering) -> Validation | None:
    resolved = gathering.comparison.resolved
    if resolved.validation is None or model.checkpoint is not None:
        return None
    name = resolved.validation.dataset
    labels = {epoch: snapshot_label(model.label, epoch) for epoch in resolved.snapshots(model)}
    labels[model.recipe.epochs] = model.label
    points = []
    for epoch, label in labels.items():
        scores = gathering.output(evaluate_name(label, name, resolved.experiment.headline))
        points.append(ValidationPoint(epoch, read.read_scores(scores) if isinstance(scores, Path) else scores))
    return Validation(name, tuple(points))


def _weights(model: ResolvedModel, gathering: _Gathering) -> Training | Adoption | NotMeasured:
    output = gathering.output(model.weights_stage)
    if isinstance(output, NotMeasured):
        return output
    if model.checkpoint is None:
        return read.read_training(output)
    document = gathering.artifacts[model.weights_stage].manifest.document
    return read.read_adoption(output, checkpoint=model.checkpoint.name, digest=document["sources"]["checkpoint"])


def _datasets(gathering: _Gathering) -> Iterator[Dataset]:
    resolved = gathering.comparison.resolved
    test = resolved.experiment.test
    for name in (*test, *(other for other in resolved.datasets if other not in test)):
        described = resolved.datasets[name]
        output = gathering.output(f"prepare/{name}")
        if isinstance(output, NotMeasured):
            yield Dataset(
                name, described.title or name, dataset_role(described), (), described.source, warnings=(output.why,)
            )
        else:
            digest = gathering.artifacts[f"prepare/{name}"].content
            yield replace(read.read_dataset(output, source=described.source), digest=digest)


def _overlap(gathering: _Gathering) -> Overlap | NotMeasured | None:
    if not gathering.waiting:
        return None
    output = gathering.output(OVERLAP)
    reason = gathering.comparison.resolved.experiment.accept_overlap or ""
    return output if isinstance(output, NotMeasured) else read_overlap(output, reason=reason)


def _results(gathering: _Gathering) -> Iterator[Result]:
    resolved = gathering.comparison.resolved
    labels = [model.label for model in resolved.models]
    for dataset in resolved.experiment.test:
        scored = dataset_role(resolved.datasets[dataset]) == "pairs"
        for label in (*CONTROLS, *labels) if scored else labels:
            protocols = resolved.experiment.protocols if scored else ()
            scores = {name: gathering.output(evaluate_name(label, dataset, name)) for name in protocols}
            predictions = None if label in CONTROLS else gathering.output(f"infer/{label}/{dataset}")
            yield Result(
                label,
                dataset,
                read.read_predictions(predictions) if isinstance(predictions, Path) else predictions,
                {name: read.read_scores(of) if isinstance(of, Path) else of for name, of in scores.items()},
            )


def _environments(gathering: _Gathering) -> Iterator[EnvironmentRecord]:
    """Yield each environment that a result came from, once."""
    seen = set()
    for stage in gathering.comparison.plan.stages:
        artifact = gathering.artifacts.get(stage.name)
        if artifact is None or stage.image is None:
            continue
        facts = artifact.manifest.facts
        identity = (stage.image, facts["engine"], facts["recipe"])
        if identity not in seen:
            seen.add(identity)
            yield environment_record(artifact, stage.image, gathering.comparison.variant)
