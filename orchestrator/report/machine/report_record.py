"""Makes report.json of what the report tells."""

import math
from dataclasses import replace
from typing import TypeVar

from orchestrator.report.content import Dataset, Export, Model, NotMeasured, Predictions, ReportContent, Result, Scores
from orchestrator.report.machine import record, record_entry, record_ranking, record_run
from orchestrator.report.overlap_content import Overlap
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.training_content import Adoption, Authors, Elsewhere, Training, Untrained, Wrapped
from orchestrator.report.views.aggregate import Evaluation, Mean, evaluations, mean, mean_of
from orchestrator.report.views.header import alerts
from stagekit.measures import CONTROLS, PROTOCOLS
from stagekit.paired_test import PairedTest

_E = TypeVar("_E", bound=record_entry.Entry)


def report_record(content: ReportContent) -> record.ReportFile:
    """Return everything that the report tells, for programs."""
    scored: dict[tuple[str, str], list[Evaluation]] = {}
    for evaluation in evaluations(content):
        scored.setdefault((evaluation.entrant.label, evaluation.dataset), []).append(evaluation)
    return record.ReportFile(
        program=content.program,
        name=content.name,
        note=content.note,
        spec=record_run.SpecEntry(name=content.spec_name, text=content.spec, sha256=record.text_digest(content.spec)),
        commands=content.commands,
        features=content.features,
        feature_files=tuple(_same(record_run.FeatureFileEntry, file) for file in content.feature_files),
        seed=content.seed,
        device=content.device,
        engine=content.engine,
        warnings=tuple(alert.text for alert in alerts(content)),
        overlap=_overlap(content.overlap),
        models=tuple(_model(model) for model in content.models),
        datasets=tuple(_dataset(dataset, content) for dataset in content.datasets),
        results=tuple(
            _result(content, result, scored.get((result.label, result.dataset), [])) for result in content.results
        ),
        rankings=tuple(_ranking(ranking) for ranking in content.rankings),
        stages=tuple(_same(record_run.StageEntry, stage) for stage in content.stages),
        environments=tuple(_same(record_run.EnvironmentEntry, environment) for environment in content.environments),
        sbom=None if content.sbom is None else _same(record_run.SbomEntry, content.sbom),
        plugins=tuple(_same(record_run.PluginEntry, plugin) for plugin in content.plugins),
    )


def _same(entry: type[_E], value: object) -> _E:
    """Return an entry whose fields are those of the value."""
    return entry.model_validate(value, from_attributes=True)


def _overlap(found: Overlap | NotMeasured | None) -> record_run.OverlapEntry | record_entry.Missing | None:
    if found is None:
        return None
    return _missing(found) if isinstance(found, NotMeasured) else _same(record_run.OverlapEntry, found)


def _missing(value: NotMeasured) -> record_entry.Missing:
    return record_entry.Missing(not_measured=value.why)


def _model(model: Model) -> record.ModelEntry:
    weights: (
        record.TrainingEntry
        | record.AdoptionEntry
        | record.WrappedEntry
        | record.ElsewhereEntry
        | record.AuthorsEntry
        | record.UntrainedEntry
        | record_entry.Missing
    )
    if isinstance(model.training, Training):
        weights = _same(record.TrainingEntry, model.training)
    elif isinstance(model.training, Adoption):
        weights = _same(record.AdoptionEntry, model.training)
    elif isinstance(model.training, Wrapped):
        weights = _same(record.WrappedEntry, model.training)
    elif isinstance(model.training, Elsewhere):
        weights = _same(record.ElsewhereEntry, model.training)
    elif isinstance(model.training, Authors):
        weights = _same(record.AuthorsEntry, model.training)
    elif isinstance(model.training, Untrained):
        weights = _same(record.UntrainedEntry, model.training)
    else:
        weights = _missing(model.training)
    return record.ModelEntry(
        label=model.label,
        title=model.title,
        spec=model.spec,
        group=model.group,
        paper=_same(record.PaperEntry, model.paper),
        seed=model.seed,
        overrides=tuple(_same(record.OverrideEntry, row) for row in model.overrides),
        weights=weights,
        export=_export(model.export),
        validation=tuple(_validation(model)),
        plugin=model.plugin,
    )


def _export(export: Export | NotMeasured | None) -> record.ExportEntry | record_entry.Missing | None:
    if export is None:
        return None
    return _missing(export) if isinstance(export, NotMeasured) else _same(record.ExportEntry, export)


def _validation(model: Model) -> list[record.ValidationEntry]:
    if model.validation is None:
        return []
    return [
        record.ValidationEntry(
            dataset=model.validation.dataset,
            epoch=point.epoch,
            scores=record.MissingScores(protocol="", not_measured=point.scores.why)
            if isinstance(point.scores, NotMeasured)
            else _scores(point.scores, len(point.scores.items)),
        )
        for point in model.validation.points
    ]


def _dataset(dataset: Dataset, content: ReportContent) -> record.DatasetEntry:
    return record.DatasetEntry(
        name=dataset.name,
        title=dataset.title,
        role=dataset.role,
        tested=dataset.name in content.test,
        source=dataset.source,
        digest=dataset.digest,
        warnings=dataset.warnings,
        pictures=tuple(_same(record.PictureEntry, item) for item in dataset.items),
        plugin=dataset.plugin,
    )


def _result(content: ReportContent, result: Result, scored: list[Evaluation]) -> record.ResultEntry:
    return record.ResultEntry(
        label=result.label,
        control=result.label in CONTROLS,
        dataset=result.dataset,
        inference=_inference(result.predictions),
        scores=tuple(_evaluation(content, evaluation) for evaluation in scored),
    )


def _inference(found: Predictions | NotMeasured | None) -> record.InferenceEntry | record_entry.Missing | None:
    if found is None:
        return None
    if isinstance(found, NotMeasured):
        return _missing(found)
    return record.InferenceEntry(
        mode=found.mode,
        label=found.label,
        runtime=dict(found.runtime),
        warnings=found.warnings,
        pictures=tuple(_same(record.AnswerEntry, item) for item in found.items),
    )


def _evaluation(content: ReportContent, evaluation: Evaluation) -> record.ScoresEntry | record.MissingScores:
    if isinstance(evaluation.found, NotMeasured):
        return record.MissingScores(protocol=evaluation.protocol, not_measured=evaluation.found.why)
    entry = _scores(evaluation.found, 0)
    means = {metric: _mean(mean_of(content, evaluation, metric)) for metric in evaluation.found.metrics}
    return entry.model_copy(update={"means": means})


def _scores(found: Scores, total: int) -> record.ScoresEntry:
    """Return scores with their means over `total` pictures."""
    return record.ScoresEntry(
        protocol=found.protocol,
        version=found.version,
        fault=PROTOCOLS[found.protocol].fault if found.protocol in PROTOCOLS else "",
        metrics=found.metrics,
        means={name: _mean(mean([item.values.get(name) for item in found.items], total)) for name in found.metrics},
        pictures=tuple(
            record.PictureScoresEntry(
                id=item.id,
                values={
                    name: _missing(value) if isinstance(value, NotMeasured) else _number(value)
                    for name, value in item.values.items()
                },
            )
            for item in found.items
        ),
        notes=found.notes,
    )


def _mean(mean: Mean) -> record.MeanEntry:
    return record.MeanEntry(
        value=None if mean.value is None else _number(mean.value),
        finite=mean.finite,
        infinite=mean.infinite,
        missing=mean.missing,
        low=mean.low,
        high=mean.high,
    )


def _ranking(ranking: MetricRanking) -> record_ranking.RankingEntry:
    return record_ranking.RankingEntry(
        dataset=ranking.dataset,
        protocol=ranking.protocol,
        metric=ranking.metric,
        pairs=tuple(_pair(pair) for pair in ranking.pairs),
        beside_input=tuple(_pair(pair) for pair in ranking.beside.values()),
        best=tuple(sorted(ranking.best)),
        chances=dict(ranking.chances),
    )


def _pair(test: PairedTest) -> record_ranking.PairEntry:
    ends = {name: _bound(getattr(test, name)) for name in ("typical", "low", "high")}
    return _same(record_ranking.PairEntry, replace(test, typical=None, low=None, high=None)).model_copy(update=ends)


def _bound(value: float | None) -> record_entry.Bound | None:
    if value is None or math.isfinite(value):
        return value
    return "inf" if value > 0 else "-inf"


def _number(value: float) -> "float | record_entry.Infinite":
    return "inf" if math.isinf(value) else value
