"""From a number to its making: what it is, what it leaves out, the stages behind it, and how to make it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.report import numbers
from orchestrator.report.address import PROVENANCE, href
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import metric_format, metric_ranking, networks
from orchestrator.report.stage_content import StageRecord
from orchestrator.report.views.citation import Link, bibtex, links
from orchestrator.report.views.machines import machine_words
from orchestrator.report.views.mean_cell import making_key, mean_remarks, runs_text
from orchestrator.spec.protocol import Protocol
from orchestrator.spec.stage_names import stage_name
from stagekit.measures import CONTROLS

BUSY = 0.5
"""A machine was busy where, before a stage began, this share of its processors or more had work to do."""

_SCORING = ("evaluate", "measure")


@dataclass(frozen=True)
class MakingView:
    """What a page's numbers were made of, for the script that shows it.

    Attributes:
        provenance_href: Where the same stands for those without scripts.
    """

    provenance_href: str
    island: dict[str, Any]


def making_view(content: ReportContent, datasets: Sequence[Dataset]) -> MakingView:
    """Return what the means of some datasets were made of."""
    made = _Making(content)
    cells = {key: cell for dataset in datasets for key, cell in made.cells(dataset)}
    return MakingView(
        href(PROVENANCE),
        {
            "cells": cells,
            "metrics": made.metrics,
            "stages": [_stage(stage) for stage in made.stages],
            "networks": {network.name: _network(content, network.labels[0]) for network in networks(content)},
            "commands": list(content.commands),
            "program": content.program,
        },
    )


def is_busy(stage: StageRecord) -> bool:
    """Return whether others had much to do on the machine when a stage began."""
    processors = stage.machine.processors if stage.machine is not None else None
    return stage.load is not None and bool(processors) and stage.load >= BUSY * (processors or 1)


class _Making:
    """Numbers with the stages behind them; every stage and metric is told once."""

    def __init__(self, content: ReportContent) -> None:
        self._content = content
        self._known = {stage.name: stage for stage in content.stages}
        self.stages: list[StageRecord] = []
        self.metrics: list[dict[str, str]] = []
        self._places: dict[str, int] = {}

    def cells(self, dataset: Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
        content = self._content
        rows = {network.name: (network.title, network.labels) for network in networks(content)}
        rows |= {name: (control.title, (name,)) for name, control in CONTROLS.items()}
        for protocol in content.protocols if dataset.role == "pairs" else ():
            for metric in protocol.metrics:
                shown = metric_format(content, metric.name, ranked=protocol.ranked)
                ranking = metric_ranking(content, dataset.name, protocol.name, metric.name)
                place = self._metric(protocol, metric.name)
                for name, (title, labels) in rows.items():
                    mean = ranking.means.get(name)
                    if mean is None or (mean.value is None and not mean.infinite):
                        continue
                    yield (
                        making_key(name, dataset.name, protocol.name, metric.name),
                        {
                            "title": f"{title}, {dataset.title}",
                            "network": name,
                            "metric": place,
                            "value": numbers.mean(mean.value, len(mean.infinite), shown),
                            "exact": repr(mean.value) if mean.value is not None else "inf",
                            "interval": numbers.interval(mean.low, mean.high, shown),
                            "n": f"{mean.finite or len(mean.infinite)} of {mean.total}",
                            "runs": runs_text(mean, shown),
                            "left": list(mean_remarks(mean)),
                            "stages": [
                                self._place(stage) for stage in self._chain(labels, dataset, protocol, metric.name)
                            ],
                        },
                    )

    def _metric(self, protocol: Protocol, name: str) -> int:
        metric = next(one for one in protocol.metrics if one.name == name)
        shown = metric_format(self._content, name, ranked=protocol.ranked)
        self.metrics.append(
            {
                "title": shown.title,
                "unit": shown.unit,
                "protocol": protocol.label,
                "formula": metric.definition,
                "source": metric.source or protocol.source,
                "fault": protocol.fault,
            }
        )
        return len(self.metrics) - 1

    def _chain(self, labels: Sequence[str], dataset: Dataset, protocol: Protocol, metric: str) -> Iterator[StageRecord]:
        """Yield the stages behind a number, the last one first, each once."""
        first = [
            stage_name(kind, label, dataset.name, about)
            for label in labels
            for kind, about in zip(_SCORING, (protocol.name, metric), strict=True)
        ]
        found: dict[str, StageRecord] = {}
        waiting = [name for name in first if name in self._known]
        while waiting:
            name = waiting.pop(0)
            if name in found:
                continue
            found[name] = self._known[name]
            waiting += [source for source in found[name].inputs.values() if source in self._known]
        yield from found.values()

    def _place(self, stage: StageRecord) -> int:
        if stage.name not in self._places:
            self._places[stage.name] = len(self.stages)
            self.stages.append(stage)
        return self._places[stage.name]


def _stage(stage: StageRecord) -> dict[str, Any]:
    """Return one stage as it is shown: what is not known is left out."""
    machine = stage.machine
    facts: Mapping[str, str | None] = {
        "started": None if stage.started is None else numbers.moment(stage.started),
        "took": None if stage.seconds is None else numbers.duration(stage.seconds),
        "ran in": None if stage.image is None or stage.engine is None else f"{stage.image}, {stage.engine}",
        "machine": None if machine is None else machine_words(machine),
        "load": _load(stage),
        "log": stage.log or None,
    }
    return {
        "name": stage.name,
        "key": stage.key,
        "facts": [[name, text] for name, text in facts.items() if text],
        "busy": is_busy(stage),
    }


def _load(stage: StageRecord) -> str | None:
    if stage.load is None:
        return None
    count = stage.machine.processors if stage.machine is not None else None
    processors = f" of {count} processors" if count else ""
    return f"{stage.load:.1f}{processors} had work before it began" + (
        "; the machine was busy" if is_busy(stage) else ""
    )


def _network(content: ReportContent, label: str) -> dict[str, Any]:
    model = next(one for one in content.models if one.label == label)
    return {
        "title": model.title,
        "paper": model.paper.title,
        "venue": model.paper.venue,
        "links": [_plain(link) for link in links(model.paper)],
        "bibtex": bibtex(model),
    }


def _plain(link: Link) -> list[str]:
    return [link.text, link.href]
