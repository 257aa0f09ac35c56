import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from orchestrator.cli.app import app


def commands(group, *above):
    """Yield the words of every command of the program, those of groups of commands included."""
    for name, command in group.commands.items():
        yield from commands(command, *above, name) if hasattr(command, "commands") else [(*above, name)]


COMMANDS = sorted(commands(get_command(app)))
HEAVY = ["pydantic", "docker", "ruamel", "jinja2", "plotly", "numpy", "PIL", "psutil", "requests"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_of_each_command_shows_an_example(words):
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    usage, _, examples = result.output.partition("Example")
    assert "Usage: " in usage
    assert f"sirr-orch {' '.join(words)}" in " ".join(examples.split())


@pytest.mark.parametrize("words", [(), *COMMANDS], ids=" ".join)
def test_help_has_a_line_for_each_example_and_no_type_behind_flags(words, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, [*words, "--help"]).output
    assert "bool" not in shown
    _, _, rest = shown.partition("Example")
    lines = [line.strip() for line in rest.partition("╭")[0].splitlines()[1:] if line.strip()]
    assert lines
    assert all("sirr-orch " in line and "|" not in line.replace("$(", "") for line in lines)


def test_help_shows_commands_in_groups(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    shown = CliRunner().invoke(app, ["--help"]).output
    heads = [line.strip("╭─╮ ") for line in shown.splitlines() if line.startswith("╭")]
    assert heads[0] == "Options"
    assert len(heads) >= 4
    assert "Commands" not in heads


def test_help_names_every_command():
    assert ("run",) in COMMANDS
    for above in {words[:-1] for words in COMMANDS}:
        result = CliRunner().invoke(app, [*above, "--help"])
        assert result.exit_code == 0
        listed = {line.split()[1] for line in result.output.splitlines() if line.startswith("│ ") and line[2] != " "}
        assert {words[len(above)] for words in COMMANDS if words[: len(above)] == above} <= listed


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
