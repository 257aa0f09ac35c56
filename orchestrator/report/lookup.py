"""What several sections ask of the content: results by place, the controls, and what is measured of them."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, Model, NotMeasured, Predictions, ReportContent, Result, Scores
from orchestrator.report.overall import OverallRanking
from orchestrator.report.rankings import MetricRanking
from orchestrator.report.stage_content import SoftwareList
from orchestrator.spec.protocol import Protocol
from stagekit.measures import CONTROLS, metric_named

NO_RESULT = NotMeasured("no result was recorded")


@dataclass(frozen=True)
class Entrant:
    """A row of the comparison: a model or a control."""

    label: str
    title: str
    control: bool


@dataclass(frozen=True)
class Network:
    """A network of the comparison: one run, or the runs of several seeds.

    Attributes:
        name: Its label, or that of the group.
        labels: Of its runs.
    """

    name: str
    title: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class FeaturesSeen:
    """What of a run depends on the weights of feature networks.

    Attributes:
        models: Titles of those whose training or network needs them.
        metrics: Titles of those that compare features.
    """

    models: tuple[str, ...]
    metrics: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything does."""
        return bool(self.models or self.metrics)


def features_seen(content: ReportContent) -> FeaturesSeen:
    """Return what of a run depends on the weights of feature networks."""
    metrics = [metric for protocol in content.protocols for metric in protocol.metrics if metric.scale is None]
    known = [metric_named(name) for name in dict.fromkeys(metric.name for metric in metrics)]
    return FeaturesSeen(
        tuple(dict.fromkeys(model.title for model in content.models if model.sees_features)),
        tuple(metric.scale.title for metric in known if metric.features),
    )


def picture_names(dataset: Dataset) -> Mapping[str, str]:
    """Return what people call each picture, by its id.

    That is the user's own name of the file where the id was made of it, and else the id, as of published scenes, which
    are numbered; of several files of one name, with their folders.
    """
    stems = {item.id: PurePosixPath(item.origin).stem for item in dataset.items}
    count = Counter(stems.values())
    names = {}
    for item in dataset.items:
        stem = stems[item.id]
        whole = stem if count[stem] == 1 else str(PurePosixPath(item.origin).with_suffix("")) if stem else ""
        names[item.id] = whole if _is_made_of(item.id, stem) else item.id
    return names


def _is_made_of(identifier: str, stem: str) -> bool:
    """Whether an id is a file's name, but for the characters that no id has, and a number where several are alike."""
    own = _letters(stem)
    alike = own in {_letters(identifier), _letters(re.sub(r"-\d+$", "", identifier))}
    return bool(stem) and ((bool(own) and alike) or (identifier.isascii() and not stem.isascii()))


def _letters(name: str) -> str:
    """Return what is left of a name without all that ids exchange."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name))


def with_distinct_titles(content: ReportContent) -> ReportContent:
    """Return the content with models of one title told apart: by their labels, runs of one network by their seeds."""
    groups: dict[str, set[str]] = {}
    for model in content.models:
        groups.setdefault(model.title, set()).add(model.group or model.label)

    def title(model: Model) -> str:
        own = model.title if len(groups[model.title]) == 1 else f"{model.title} ({model.group or model.label})"
        return f"{own}, seed {model.seed}" if model.group else own

    return replace(content, models=tuple(replace(model, title=title(model)) for model in content.models))


def networks(content: ReportContent) -> tuple[Network, ...]:
    """Return the networks in the order of the spec, with the runs of each; titles are those of distinct models."""
    found: dict[str, list[Model]] = {}
    for model in content.models:
        found.setdefault(model.group or model.label, []).append(model)
    return tuple(
        Network(
            name,
            models[0].title.removesuffix(f", seed {models[0].seed}") if models[0].group else models[0].title,
            tuple(model.label for model in models),
        )
        for name, models in found.items()
    )


def entrants(content: ReportContent) -> tuple[Entrant, ...]:
    """Return the models in the order of the spec, then the controls."""
    models = tuple(Entrant(model.label, model.title, control=False) for model in content.models)
    return (*models, *(Entrant(label, label, control=True) for label in CONTROLS))


def tested(content: ReportContent) -> tuple[Dataset, ...]:
    """Return the prepared test datasets in the order of the spec, each with a title."""
    known = {dataset.name: dataset for dataset in content.datasets}
    return tuple(replace(known[name], title=known[name].title or name) for name in content.test if name in known)


def result(content: ReportContent, label: str, dataset: str) -> Result:
    """Return what a model or control did on a dataset; a result that is not there says so."""
    for found in content.results:
        if (found.label, found.dataset) == (label, dataset):
            return found
    return Result(label, dataset, None if label in CONTROLS else NO_RESULT, {})


def scores(content: ReportContent, label: str, dataset: str, protocol: str) -> Scores | NotMeasured:
    """Return the scores of a model or control on a dataset of pairs."""
    return result(content, label, dataset).scores.get(protocol, NO_RESULT)


def predictions(content: ReportContent, label: str, dataset: str) -> Predictions | NotMeasured:
    """Return what a model answered on a dataset."""
    return result(content, label, dataset).predictions or NO_RESULT


def primary_protocol(content: ReportContent) -> Protocol:
    """Return the protocol by which the comparison is judged: the first that ranks."""
    return next(protocol for protocol in content.protocols if protocol.ranked)


def metric_format(content: ReportContent, name: str, *, ranked: bool = True) -> numbers.MetricFormat:
    """Return how a metric of this run is shown, one of a plug-in as the run recorded it.

    Args:
        ranked: Whether its protocol ranks.

    Raises:
        KeyError: For a metric of neither.
    """
    metrics = (metric for protocol in content.protocols for metric in protocol.metrics)
    own = next((metric.scale for metric in metrics if metric.name == name and metric.scale is not None), None)
    return numbers.metric_format(name, content.features, ranked=ranked, scale=own)


def metric_ranking(content: ReportContent, dataset: str, protocol: str, metric: str) -> MetricRanking:
    """Return what one metric says on a dataset; without any scores it says nothing."""
    for found in content.rankings:
        if (found.dataset, found.protocol, found.metric) == (dataset, protocol, metric):
            return found
    return MetricRanking(dataset, protocol, metric, {}, (), {}, frozenset(), {})


def overall_ranking(content: ReportContent, protocol: str, metric: str) -> OverallRanking | None:
    """Return what one metric says over all datasets together; None where it is not ranked, or nothing is scored."""
    return next((one for one in content.overall if (one.protocol, one.metric) == (protocol, metric)), None)


def sboms(content: ReportContent) -> list[SoftwareList]:
    """Return every list of software that the report holds, each once."""
    found = [content.sbom, *(environment.sbom for environment in content.environments)]
    return list({sbom.file: sbom for sbom in found if sbom is not None}.values())
