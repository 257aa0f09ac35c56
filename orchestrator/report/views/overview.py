"""The first screen of a report: one sentence, a strip of pictures, and the matrix of networks by datasets."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.report.address import PROVENANCE, href
from orchestrator.report.content import ReportContent
from orchestrator.report.views.headline import headline
from orchestrator.report.views.layers import ShownPictures
from orchestrator.report.views.matrix import MatrixTable, matrix_tables
from orchestrator.report.views.scenes import Scenes, scenes


@dataclass(frozen=True)
class OverviewView:
    """The first screen.

    Attributes:
        scenes: None where the report shows no picture.
        tables: One for each metric, the first of which is shown at once.
        provenance_href: Where a number leads without scripts.
    """

    headline: str
    scenes: Scenes | None
    tables: tuple[MatrixTable, ...]
    provenance_href: str


def overview_view(content: ReportContent, shown: Mapping[str, ShownPictures]) -> OverviewView:
    """Return the first screen of a comparison.

    Args:
        shown: What the report shows of every test dataset.
    """
    tables = matrix_tables(content)
    order = [row.label for row in tables[0].rows] if tables else []
    return OverviewView(headline(content), scenes(content, shown, order), tables, href(PROVENANCE))
