"""Templates and view models name the same things, both ways; nothing in a template can open the page to others."""

import dataclasses
import typing
from collections.abc import Iterator

import pytest
from jinja2 import meta, nodes

from orchestrator.report.render import TEMPLATES, PageView, template_environment
from orchestrator.report.served import RunsView
from orchestrator.report.views.compared_runs import ComparedRunsView
from orchestrator.report.views.comparison import ComparisonView
from orchestrator.report.views.cost import CostView
from orchestrator.report.views.dataset import DatasetIntroView, DatasetView
from orchestrator.report.views.explained import ExplainedView
from orchestrator.report.views.failures import FailuresView
from orchestrator.report.views.gallery import GalleryView
from orchestrator.report.views.header import HeaderView
from orchestrator.report.views.making import MakingView
from orchestrator.report.views.networks import NetworksView
from orchestrator.report.views.overview import OverviewView
from orchestrator.report.views.plots import PlotsView
from orchestrator.report.views.provenance import ProvenanceView
from orchestrator.report.views.published import PublishedView
from orchestrator.report.views.resources import ResourcesView
from orchestrator.report.views.summary import SummaryView
from orchestrator.report.views.training import TrainingView
from orchestrator.report.views.verdict import VerdictView
from orchestrator.report.views.viewer import ViewerView

VIEWS = {
    "page.html.jinja": PageView,
    "runs.html.jinja": RunsView,
    "_header.html.jinja": HeaderView,
    "_overview.html.jinja": OverviewView,
    "_making.html.jinja": MakingView,
    "_failures.html.jinja": FailuresView,
    "_verdict.html.jinja": VerdictView,
    "_summary.html.jinja": SummaryView,
    "_networks.html.jinja": NetworksView,
    "_dataset_intro.html.jinja": DatasetIntroView,
    "_plots.html.jinja": PlotsView,
    "_gallery.html.jinja": GalleryView,
    "_dataset.html.jinja": DatasetView,
    "_viewer.html.jinja": ViewerView,
    "_cost.html.jinja": CostView,
    "_comparison.html.jinja": ComparisonView,
    "_published.html.jinja": PublishedView,
    "_explained.html.jinja": ExplainedView,
    "_training.html.jinja": TrainingView,
    "_compared_runs.html.jinja": ComparedRunsView,
    "_resources.html.jinja": ResourcesView,
    "_provenance.html.jinja": ProvenanceView,
}


def parsed(name: str) -> nodes.Template:
    return template_environment().parse((TEMPLATES / name).read_text(encoding="utf-8"))


def parts(hint: object) -> Iterator[type]:
    """Yield the dataclasses inside a type hint, and inside their fields."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
        for inner in typing.get_type_hints(hint).values():
            yield from parts(inner)
    for argument in typing.get_args(hint):
        yield from parts(argument)


def test_every_template_has_a_view_model() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == set(VIEWS)


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_template_uses_exactly_the_fields_of_its_view_model(name: str) -> None:
    used = meta.find_undeclared_variables(parsed(name))
    assert used == {field.name for field in dataclasses.fields(VIEWS[name])}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_template_uses_exactly_the_fields_of_the_parts(name: str) -> None:
    used = {node.attr for node in parsed(name).find_all(nodes.Getattr)}
    inner = {part for hint in typing.get_type_hints(VIEWS[name]).values() for part in parts(hint)}
    assert used == {field.name for part in inner for field in dataclasses.fields(part)}


@pytest.mark.parametrize("name", sorted(VIEWS))
def test_template_has_nothing_inline(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    assert "|safe" not in text.replace(" ", "")
    assert " style=" not in text
    assert "<style" not in text
    assert "javascript:" not in text
    assert " on" not in {part[:3] for part in text.split('"') if part.endswith("=")}


@pytest.mark.parametrize("part", sorted({part for view in VIEWS.values() for part in parts(view)}, key=str))
def test_view_models_are_frozen(part: type) -> None:
    assert part.__dataclass_params__.frozen  # type: ignore[attr-defined]
