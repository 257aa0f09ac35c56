"""The commands of `sirr-orch`, and how a failure of any of them is shown."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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
    weights,
)
from orchestrator.errors import SirrError
from orchestrator.spec.plain_words import plain_words


class _PlainGroup(TyperGroup):
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
    epilog="Examples:  sirr-orch build  |  sirr-orch run examples/quickstart.yaml --build  |  "
    "sirr-orch remove photo.jpg --model quickstart/errnet2019 --out results",
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


app.command("build")(build.build)
app.command("sbom")(sbom.sbom)
app.command("new")(new.new)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("remove")(remove.remove)
app.command("adopt")(models.adopt)
app.command("export")(models.export)
app.command("release")(models.release)
app.command("infer")(infer.infer)
app.add_typer(data.app, name="data")
app.add_typer(weights.app, name="weights")
app.add_typer(plugin.app, name="plugin")
app.add_typer(store.app, name="store")
app.command("report")(report.report)
app.add_typer(runs.app, name="runs")
app.command("ps")(programs.ps)
app.command("stop")(programs.stop)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)


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
