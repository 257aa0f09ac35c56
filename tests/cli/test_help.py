import subprocess
import sys

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app

COMMANDS = ["build", "run", "plan", "remove", "report", "doctor", "schema"]
HEAVY = ["pydantic", "docker", "ruamel", "jinja2", "plotly", "numpy", "PIL", "psutil", "requests"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_shows_an_example(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"sirr-orch {command}" in result.output
    assert "Example" in result.output


def test_help_names_every_command():
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['sirr-orch', '--help']\n"
        "from orchestrator.cli.app import app\n"
        "app(standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_version_is_the_packages():
    from orchestrator import __version__

    assert CliRunner().invoke(app, ["--version"]).output.strip() == f"sirr-orch {__version__}"
