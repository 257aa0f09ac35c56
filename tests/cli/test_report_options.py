"""sirr-orch report: an option that would change nothing is refused, and says what it needs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app

NEEDS = {
    "--metric psnr": "--metric needs --table",
    "--metric no-such-metric": "--metric needs --table",
    "--serve --metric psnr": "--metric needs --table",
    "--port 0": "--port needs --serve",
    "--bind 127.0.0.1": "--bind needs --serve",
    "--overwrite": "--overwrite needs --single-file",
    "--table csv --serve": "leave --serve or --table out",
    "--table csv --single-file report.html": "leave --single-file or --table out",
}


@pytest.mark.parametrize("options", NEEDS)
def test_an_option_without_what_it_needs_is_refused(here: Path, options: str) -> None:
    for names in ((), ("first",), ("first", "second")):
        done = CliRunner().invoke(app, ["report", *names, *options.split()], env={"COLUMNS": "200"})
        assert done.exit_code == 2
        assert NEEDS[options] in done.output
    assert list(here.iterdir()) == []
