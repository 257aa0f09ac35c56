"""sirr-orch plugin new and plugin check: a plug-in folder to start from, and whether one keeps the contract."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestrator.cli.complete import engines
from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.cli.options import (
    DEFAULT_STORE,
    ENGINE_METAVAR,
    JsonOption,
    StoreOption,
    WallsOption,
    known_engine,
)
from orchestrator.spec.names import EngineName

app = typer.Typer(
    cls=HelpedGroup, no_args_is_help=True, help="Methods and networks of your own, in a folder: begin one, check one."
)


@app.command("new", cls=HelpedCommand)
def new(
    name: Annotated[str, typer.Argument(help="What the method or network is called; experiments name it so.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder to write, which must not be there. Default: one called NAME, here."),
    ] = None,
    kind: Annotated[
        Literal["program", "network"],
        typer.Option("--kind", help="What to begin with: a program from pictures to pictures, or a PyTorch network."),
    ] = "program",
) -> None:
    """Write a plug-in folder that works as it is, with a placeholder for the method, and a README of what to change.

    Examples:
        sirr-orch plugin new my-method
        sirr-orch plugin new my-network --kind network --out plugins/mine
    """
    # Imported here, as below: --help must not wait for pydantic.
    from orchestrator.cli.console import out as console  # noqa: PLC0415
    from orchestrator.execute.plugin_new import new_plugin  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    folder = new_plugin(name, kind, Path(name) if out is None else out, known_library(()))
    console.print(
        f"{folder} is written; its README.md says what to change. Check it with: sirr-orch plugin check {folder}"
    )


@app.command("check", cls=HelpedCommand)
def check(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="The plug-in folder; or the name of a network or program of this project."
        ),
    ],
    engine: Annotated[
        EngineName,
        typer.Option(
            "--engine",
            metavar=ENGINE_METAVAR,
            callback=known_engine,
            autocompletion=engines,
            help="What builds its images and runs them. Default: Docker or Podman where one answers.",
        ),
    ] = "auto",
    static: Annotated[bool, typer.Option("--static", help="Look at the files alone: build and run nothing.")] = False,
    json: JsonOption = False,
    walls: WallsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Check that a plug-in keeps the contract: files, locks, build, and what it does with generated pictures.

    Programs answer them, again and after a kill. Networks train a few steps on them, are killed and go on, exported,
    compared with themselves in tiles, released and adopted. Ends with 0 where no check fails, else with 13. What is
    not checked is said, and counts as neither. Ctrl-C ends it and leaves nothing.

    Examples:
        sirr-orch plugin check my-method
        sirr-orch plugin check my-network --engine local
        sirr-orch plugin check ibcln2020
    """
    from dataclasses import asdict  # noqa: PLC0415

    from orchestrator.cli.check_table import check_sum, check_text  # noqa: PLC0415
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.conformance.check import plugin_checks  # noqa: PLC0415
    from orchestrator.conformance.check_line import CheckRequest  # noqa: PLC0415
    from orchestrator.errors import SomeFailed  # noqa: PLC0415
    from orchestrator.execute.build import build_settings  # noqa: PLC0415
    from orchestrator.spec.library import built_in  # noqa: PLC0415

    request = CheckRequest(store, engine, build_settings((), ()), err.print, static)
    found = []
    for one in plugin_checks(folder, built_in(), request):
        found.append(one)
        if not json:
            out.print(check_text(one))
    if json:
        out.print_json(data=[asdict(one) for one in found])
    else:
        out.print(check_sum(found))
    if any(one.outcome == "failed" for one in found):
        raise typer.Exit(SomeFailed.exit_code)
