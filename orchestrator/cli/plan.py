"""sirr-orch plan: what would run, and for each stage why."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, DataOption, JsonOption, PluginsOption, StoreOption


def plan(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", dir_okay=False)],
    photos: Annotated[
        list[Path] | None, typer.Option("--photos", help="Folder of your own photographs, as in sirr-orch run.")
    ] = None,
    json: JsonOption = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show the stages of a comparison: which are in the store, which would run, and why. Nothing is run.

    Examples:  sirr-orch plan my.yaml  |  sirr-orch plan my.yaml --json
    """
    # Imported here: --help must not wait for pydantic.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.table import plan_rows, print_plan  # noqa: PLC0415
    from orchestrator.execute.command import RunRequest, planned  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    library = known_library(plugins or ())
    comparison = planned(RunRequest(spec, store, tuple(photos or ()), data=data, library=library), say=err.print)
    if json:
        out.print_json(data=plan_rows(comparison))
    else:
        print_plan(comparison, out)
