"""sirr-orch runs: what the store records of runs, listed, shown, renamed and removed."""

from typing import Annotated

import typer

from orchestrator.cli.complete import run_names
from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.cli.options import DEFAULT_STORE, JsonOption, StoreOption

app = typer.Typer(cls=HelpedGroup, help="List, show, rename and remove the records of runs.", no_args_is_help=True)

RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Name of a run, such as quickstart, or quickstart@1.", autocompletion=run_names),
]


@app.command("list", cls=HelpedCommand)
def list_runs(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show every run of the store: revision, time, state, networks and test sets.

    Examples:
        sirr-orch runs list
        sirr-orch runs list --json
    """
    # Imported here, as below: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.run_table import print_runs, run_rows  # noqa: PLC0415
    from orchestrator.execute.run_list import listed_runs  # noqa: PLC0415
    from orchestrator.store.opened import opened_store  # noqa: PLC0415

    opened = opened_store(store)
    found = listed_runs(opened)
    if json:
        out.print_json(data=run_rows(found))
    else:
        print_runs(found, opened.root, out)


@app.command("show", cls=HelpedCommand)
def show(run: RunArgument, json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show what is recorded of a run: what was compared and how, and each stage with its state and key.

    With --json it is the run's document itself, as docs/reference/run-document.md describes it.

    Examples:
        sirr-orch runs show quickstart
        sirr-orch runs show quickstart@1 --json
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.run_table import print_run  # noqa: PLC0415
    from orchestrator.execute.run_list import described_run  # noqa: PLC0415
    from orchestrator.store.opened import opened_store  # noqa: PLC0415
    from orchestrator.store.reference import run_reference  # noqa: PLC0415

    found = described_run(run_reference(run), opened_store(store))
    if json:
        out.print_json(data=found.document.model_dump(mode="json"))
    else:
        print_run(found, out)


@app.command("rename", cls=HelpedCommand)
def rename(
    run: RunArgument,
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Give a run another name, in all its revisions. Its experiment's file keeps the name that it has.

    Example:
        sirr-orch runs rename quickstart first-try
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.store.opened import opened_store  # noqa: PLC0415
    from orchestrator.store.runs import rename_run  # noqa: PLC0415

    rename_run(opened_store(store), run, new_name)
    out.print(f"renamed: {run} -> {new_name}")


@app.command("remove", cls=HelpedCommand)
def remove(
    run: RunArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove the record of a run, or of one earlier revision, with its report. Results stay in the store.

    Examples:
        sirr-orch runs remove quickstart
        sirr-orch runs remove quickstart@1 --yes
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.programs import refuse_while_programs_run  # noqa: PLC0415
    from orchestrator.store.opened import opened_store  # noqa: PLC0415
    from orchestrator.store.reference import run_reference  # noqa: PLC0415
    from orchestrator.store.runs import remove_run  # noqa: PLC0415

    reference = run_reference(run)
    if reference.revision is None:
        refuse_while_programs_run(store, reference.run)
    if not yes:
        typer.confirm(f"remove the record of {reference}, its logs and its report?", abort=True, err=True)
    remove_run(opened_store(store), reference)
    out.print(f"removed: {reference}; results that no other run needs are removed by: sirr-orch store clean")
