"""sirr-orch report: render a run's report again, and show it."""

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.complete import metrics, run_names
from orchestrator.cli.options import DEFAULT_STORE, OverwriteOption, StoreOption

if TYPE_CHECKING:
    from orchestrator.report.served import AllReports, OneReport

TableFormat = Literal["markdown", "latex", "csv"]


def report(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            help="Name of a run, such as quickstart. Several are set side by side, each against the first. "
            "None, with --serve: every report that the store has.",
            autocompletion=run_names,
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it to browsers until Ctrl-C, at an address that is printed.")
    ] = False,
    single_file: Annotated[
        Path | None,
        typer.Option(
            "--single-file",
            metavar="FILE.html",
            dir_okay=False,
            help="Also write it as one file to mail to somebody: pictures scaled down, everything inside.",
        ),
    ] = None,
    table: Annotated[
        TableFormat | None,
        typer.Option("--table", help="Print the scores for a paper instead: markdown, latex (booktabs) or csv."),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", help="A metric for --table, such as psnr; once for each. Default: all.", autocompletion=metrics
        ),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of --serve; 0 takes a free one. Default: 8000.")
    ] = 8000,
    bind: Annotated[
        str,
        typer.Option("--bind", help="Address of --serve. Default: 127.0.0.1, which only this machine can reach."),
    ] = "127.0.0.1",
    overwrite: OverwriteOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Render the report of a run from what the store has of it, and print where it is; of several, a comparison.

    Examples:
        sirr-orch report quickstart
        sirr-orch report quickstart --serve --port 0
        sirr-orch report quickstart --single-file report.html
        sirr-orch report quickstart --table latex --metric psnr
        sirr-orch report before after
        sirr-orch report --serve
    """
    # Imported here: --help must not wait for the templates.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.command import report_of_run  # noqa: PLC0415
    from orchestrator.execute.compare_runs import compare_runs  # noqa: PLC0415

    _refuse_idle(context, serve=serve, single=single_file is not None, table=table is not None)
    if not names:
        _serve_all(store, bind, port, alone=serve and table is None and single_file is None)
        return
    if table is not None:
        _print_table(names, store, table, metric or [])
        return
    index = report_of_run(names[0], store) if len(names) == 1 else compare_runs(names, store)
    out.print(f"report: {index}")
    if single_file is not None:
        _write_single_file(index.parent, single_file, overwrite=overwrite)
    if serve:
        from orchestrator.report.served import OneReport  # noqa: PLC0415 - as above

        _serve(OneReport(index.parent), bind, port)


def _refuse_idle(context: typer.Context, *, serve: bool, single: bool, table: bool) -> None:
    """Refuse options that would change nothing beside the others, or without another.

    Raises:
        BadParameter: For the first of them.
    """
    without = [
        ("metric", table, "--metric needs --table, such as --table markdown"),
        ("port", serve, "--port needs --serve"),
        ("bind", serve, "--bind needs --serve"),
        ("overwrite", single, "--overwrite needs --single-file: it replaces that file"),
        ("serve", not table, "--table prints the scores and ends: leave --serve or --table out"),
        ("single_file", not table, "--table prints the scores and ends: leave --single-file or --table out"),
    ]
    for name, of_use, words in without:
        source = context.get_parameter_source(name)
        if not of_use and source is not None and not source.name.startswith("DEFAULT"):
            raise typer.BadParameter(words, param_hint=f"--{name.replace('_', '-')}")


def _print_table(names: list[str], store: Path, form: TableFormat, metrics: list[str]) -> None:
    from orchestrator.execute.command import content_of_run  # noqa: PLC0415 - as above
    from orchestrator.report.machine.table_text import write_table  # noqa: PLC0415

    if len(names) > 1:
        raise typer.BadParameter("a table is of one run", param_hint="--table")
    typer.echo(write_table(content_of_run(names[0], store), form, metrics), nl=False)


def _write_single_file(folder: Path, target: Path, *, overwrite: bool) -> None:
    from orchestrator.cli.console import out  # noqa: PLC0415 - as above
    from orchestrator.report.single_file import write_single_file  # noqa: PLC0415

    out.print(f"single file: {write_single_file(folder.resolve(), target, overwrite=overwrite).sentence}")


def _serve_all(store: Path, bind: str, port: int, *, alone: bool) -> None:
    """Show every report that a store has; nothing is rendered and nothing written.

    Raises:
        BadParameter: Where something else was asked for, which needs a run.
        SpecError: Where the store's folder is not there.
    """
    from orchestrator.report.served import AllReports  # noqa: PLC0415 - as above
    from orchestrator.store.opened import no_store  # noqa: PLC0415

    if not alone:
        raise typer.BadParameter("name a run; all reports of the store are shown by --serve alone", param_hint="RUN...")
    if not store.is_dir():  # one that is still empty is shown as such
        raise no_store(store)
    _serve(AllReports(store.absolute()), bind, port)


def _serve(site: "OneReport | AllReports", bind: str, port: int) -> None:
    from orchestrator.cli.console import err, out  # noqa: PLC0415 - as above
    from orchestrator.report.serve import ReportServer  # noqa: PLC0415

    with ReportServer(site, bind, port) as server:
        out.print(f"address: {server.address}")
        if not server.only_here:
            err.print(f"whoever reaches {bind} can see the report and its pictures", style="yellow")
        err.print("Ctrl-C ends it", style="dim")
        # A container is stopped by SIGTERM: that is a clean end too.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
