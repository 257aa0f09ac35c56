"""sirr-orch ps and stop: the programs of stages that run now."""

from typing import Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, JsonOption, StoreOption


def ps(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show the programs of the store's stages that run now, also those whose run was killed.

    Examples:  sirr-orch ps  |  sirr-orch ps --json
    """
    # Imported here, as below: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.program_table import print_programs, program_rows  # noqa: PLC0415
    from orchestrator.execute.programs import stage_programs  # noqa: PLC0415

    found = stage_programs(store)
    if json:
        out.print_json(data=program_rows(found))
    else:
        print_programs(found, out)


def stop(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A run or a stage, as ps shows them. Default: all that run."),
    ] = None,
    grace: Annotated[
        float, typer.Option("--grace", min=0, help="Seconds that a program has to save what it can resume; 0 kills.")
    ] = 60.0,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before all are stopped.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Stop programs of the store's stages; what they saved is kept, and the next run goes on from it.

    A run that still goes on and follows one of them is stopped as a whole, as by Ctrl-C.

    Examples:  sirr-orch stop quickstart  |  sirr-orch stop train/errnet2019 --grace 300
    """
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.program_table import print_programs  # noqa: PLC0415
    from orchestrator.execute.programs import chosen_programs, stage_programs, stop_programs  # noqa: PLC0415

    chosen = chosen_programs(stage_programs(store), name)
    if name is None and chosen and not yes:
        print_programs(chosen, err)
        typer.confirm("stop all of these?", abort=True, err=True)
    if not chosen:
        print_programs(chosen, out)
    stop_programs(chosen, grace, lambda words: out.print(words, markup=False))
