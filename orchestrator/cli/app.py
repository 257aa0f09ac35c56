"""The commands of `sirr-orch`, and how a failure of any of them is shown."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from orchestrator import __version__
from orchestrator.cli import (
    build,
    data,
    doctor,
    infer,
    models,
    new,
    plan,
    plugin,
    programs,
    remove,
    report,
    run,
    runs,
    sbom,
    schema,
    store,
    track,
    weights,
)
from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.errors import SirrError
from orchestrator.spec.plain_words import plain_words


class _PlainGroup(HelpedGroup):
    """All commands; a wrong value on the command line is told in plain words, whatever library reads it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = plain_words(error.message)
            raise


app = typer.Typer(
    name="sirr-orch",
    cls=_PlainGroup,
    help="Reproduce and compare networks that take reflections out of photographs.",
    epilog="Examples:\n"
    "sirr-orch new my-pictures\n"
    "sirr-orch run examples/quickstart.yaml --build\n"
    "sirr-orch remove photo.jpg --out results --build",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"sirr-orch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Reproduce and compare networks that take reflections out of photographs."""


_COMPARE, _PICTURES = "Compare networks", "Pictures of one's own"
_SOURCES, _MACHINE = "Networks and datasets", "This machine and its store"

_COMMANDS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    _COMPARE: {
        "new": new.new,
        "plan": plan.plan,
        "run": run.run,
        "report": report.report,
        "runs": runs.app,
        "track": track.track,
    },
    _PICTURES: {"remove": remove.remove, "infer": infer.infer},
    _SOURCES: {
        "data": data.app,
        "weights": weights.app,
        "adopt": models.adopt,
        "export": models.export,
        "release": models.release,
        "plugin": plugin.app,
    },
    _MACHINE: {
        "build": build.build,
        "doctor": doctor.doctor,
        "ps": programs.ps,
        "stop": programs.stop,
        "store": store.app,
        "sbom": sbom.sbom,
        "schema": schema.schema,
    },
}
"""Every command by its name, in the groups in which --help shows them."""

for _panel, _named in _COMMANDS.items():
    for _name, _command in _named.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, cls=HelpedCommand, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run the command line; a known failure is shown without a stack trace and sets its own exit code."""
    try:
        app()
    except SirrError as error:
        from orchestrator.cli.console import show_error  # noqa: PLC0415 - keeps --help quick

        show_error(error)
        sys.exit(int(error.exit_code))
    except OSError as error:
        from orchestrator.cli.console import show_error  # noqa: PLC0415 - keeps --help quick
        from orchestrator.store.disk import stray_disk_error  # noqa: PLC0415

        known = stray_disk_error(error)
        if known is None:
            raise
        show_error(known)
        sys.exit(int(known.exit_code))
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        sys.exit(130)
