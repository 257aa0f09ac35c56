"""Plots of a dataset's scores: how they are distributed, and one network against another, picture by picture."""

from dataclasses import dataclass

from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.views.gallery import Choice
from orchestrator.report.views.measures import measures, scored_entrants
from stagekit.measures import TRUTH


@dataclass(frozen=True)
class PlotsView:
    """What can be chosen; the values are the page's.

    Attributes:
        across: The networks drawn against each other at first.
        up: The networks drawn against each other at first.
        drawing: Address of the script that draws, fetched when a plot comes into sight.
    """

    metrics: tuple[Choice, ...]
    entrants: tuple[Choice, ...]
    across: str
    up: str
    drawing: str


def plots_view(content: ReportContent, dataset: Dataset, drawing: str) -> PlotsView | None:
    """Return the plots of a test dataset's page; None where nothing was scored."""
    scored = [entrant for entrant in scored_entrants(content, dataset) if entrant.label != TRUTH]
    if not scored:
        return None
    return PlotsView(
        metrics=tuple(Choice(measure.key, measure.title) for measure in measures(content, dataset)),
        entrants=tuple(Choice(entrant.label, entrant.title) for entrant in scored),
        across=scored[0].label,
        up=scored[min(1, len(scored) - 1)].label,
        drawing=drawing,
    )
