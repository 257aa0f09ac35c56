"""Reports that tests look at, rendered once and never changed."""

from pathlib import Path

import pytest

from orchestrator.report.content import ReportContent
from orchestrator.report.render import render_report
from tests.report.hostile_sample import hostile
from tests.report.report_sample import comparison


@pytest.fixture(scope="session")
def plausible(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return comparison(tmp_path_factory.mktemp("plausible"))


@pytest.fixture(scope="session")
def hostile_content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return hostile(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def plausible_report(plausible: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(plausible, tmp_path_factory.mktemp("report") / "my report #1")


@pytest.fixture(scope="session")
def hostile_report(hostile_content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_report(hostile_content, tmp_path_factory.mktemp("report") / "hostile")
