"""sirr-orch plan: what would run, and for each stage why."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.complete import engines
from orchestrator.cli.options import (
    DEFAULT_STORE,
    ENGINE_METAVAR,
    DataOption,
    JsonOption,
    PluginsOption,
    SimulateSiteOption,
    SiteOption,
    StoreOption,
    WallsOption,
    known_engine,
)
from orchestrator.spec.names import EngineName


def plan(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", dir_okay=False)],
    photos: Annotated[
        list[Path] | None, typer.Option("--photos", help="Folder of your own photographs, as in sirr-orch run.")
    ] = None,
    engine: Annotated[
        EngineName | None,
        typer.Option(
            "--engine",
            metavar=ENGINE_METAVAR,
            callback=known_engine,
            autocompletion=engines,
            help="Say too what this engine would need, as sirr-orch run would: images to build.",
        ),
    ] = None,
    walls: WallsOption = None,
    site: SiteOption = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="Processor threads of one stage, as in sirr-orch run.")
    ] = None,
    simulate_site: SimulateSiteOption = None,
    json: JsonOption = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show the stages of a comparison: which are in the store, which would run, why, and for how long. Nothing is run.

    Examples:
        sirr-orch plan my.yaml
        sirr-orch plan my.yaml --engine local
        sirr-orch plan my.yaml --json
        sirr-orch plan my.yaml --simulate-site slots=16,speed=100
    """
    # Imported here: --help must not wait for pydantic.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.table import plan_rows, print_plan, print_simulation  # noqa: PLC0415
    from orchestrator.execute.build import build_settings  # noqa: PLC0415
    from orchestrator.execute.command import RunRequest, outlook, planned, planned_estimate, planned_simulation  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.spec.simulated_site import simulated_site  # noqa: PLC0415

    settings, library = build_settings((), ()), known_library(plugins or ())
    request = RunRequest(spec, store, tuple(photos or ()), engine, False, settings, data, threads, library)
    comparison = planned(request, say=err.print)
    if simulate_site is not None:
        print_simulation(planned_simulation(comparison, request, simulated_site(simulate_site)), out, json=json)
        return
    found = planned_estimate(comparison, request)
    if json:
        out.print_json(data=plan_rows(comparison, found))
    else:
        print_plan(comparison, found, out)
    for words in outlook(comparison, request):
        err.print(words)
