"""sirr-orch ps and stop: the programs of stages that run now."""

from typing import Annotated

import typer

from orchestrator.cli.complete import run_names
from orchestrator.cli.options import DEFAULT_STORE, JsonOption, StoreOption


def ps(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show the programs of the store's stages that run now, also those whose run was killed, and runs that wait.

    Examples:
        sirr-orch ps
        sirr-orch ps --json
    """
    # Imported here, as below: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.program_table import print_activity, program_rows  # noqa: PLC0415
    from orchestrator.execute.programs import activity  # noqa: PLC0415

    found = activity(store)
    if json:
        out.print_json(data=program_rows(found.programs))
    else:
        print_activity(found, store, out)


def stop(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A run or a stage, as ps shows them. Default: all that run.",
            autocompletion=run_names,
        ),
    ] = None,
    grace: Annotated[
        float, typer.Option("--grace", min=0, help="Seconds that a program has to save what it can resume; 0 kills.")
    ] = 60.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before all are stopped.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Stop programs of the store's stages; what they saved is kept, and the next run goes on from it.

    A run that still goes on and follows one of them is stopped as a whole, as by Ctrl-C.

    Examples:
        sirr-orch stop quickstart
        sirr-orch stop train/errnet2019 --grace 300
    """
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.program_table import print_activity  # noqa: PLC0415
    from orchestrator.execute.programs import Activity, activity, chosen, stop_activity  # noqa: PLC0415

    found = chosen(activity(store), name, store)
    if found == Activity():
        print_activity(found, store, out)
    elif name is None and not yes:
        print_activity(found, store, err)
        typer.confirm("stop all of these?", abort=True, err=True)
    stop_activity(found, grace, lambda words: out.print(words, markup=False))
