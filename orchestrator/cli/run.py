"""sirr-orch run: one comparison, from spec to report."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import (
    DEFAULT_STORE,
    BuildOption,
    DataOption,
    EngineOption,
    PluginsOption,
    SimulateSiteOption,
    SiteOption,
    StoreOption,
    WallsOption,
)


def run(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", dir_okay=False)],
    build: BuildOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would run, and why; the same as sirr-orch plan.")
    ] = False,
    simulate_site: SimulateSiteOption = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option("--photos", help="Folder of your own photographs, shown in the report beside the test sets."),
    ] = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    site: SiteOption = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Stages that run at the same time.")] = 1,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            min=1,
            help="Processor threads of one stage. Default: the spec's for trainings, whose results depend on it, and "
            "all for others.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=0, help="Processes that prepare a training's samples. Default: as fits."),
    ] = None,
    grace: Annotated[
        float, typer.Option("--grace", min=0, help="Seconds that a stopped stage has to save what it can resume.")
    ] = 60.0,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the stages' own output.")] = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Run a comparison and render its report. Stages whose results are in the store are not run again.

    Ctrl-C once stops and keeps what can be resumed, twice stops now.

    Examples:
        sirr-orch run examples/quickstart.yaml --build
        sirr-orch run my.yaml --photos ~/holiday
    """
    # Imported here: --help must not wait for the engine and the report.
    from orchestrator.cli.console import err, out, show_error  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.cli.table import print_plan, print_simulation  # noqa: PLC0415
    from orchestrator.execute.build import build_settings  # noqa: PLC0415
    from orchestrator.execute.command import (  # noqa: PLC0415
        RunRequest,
        outlook,
        planned,
        planned_estimate,
        planned_simulation,
        run_request,
    )
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.run_stages import RunOptions  # noqa: PLC0415
    from orchestrator.spec.simulated_site import simulated_site  # noqa: PLC0415

    settings, library = build_settings((), ()), known_library(plugins or ())
    request = RunRequest(spec, store, tuple(photos or ()), engine, build, settings, data, threads, library)
    if simulate_site is not None:
        comparison = planned(request, say=err.print)
        print_simulation(planned_simulation(comparison, request, simulated_site(simulate_site)), out)
        return
    if dry_run:
        comparison = planned(request, say=err.print)
        print_plan(comparison, planned_estimate(comparison, request), out)
        for words in outlook(comparison, request):
            err.print(words)
        return
    with live_listener(err, verbose=verbose) as listener:
        result = run_request(request, RunOptions(jobs, threads, workers, grace), listener, err.print)
    for error in result.faults:
        show_error(error)
    for stage, because in result.lacking.items():
        err.print(f"skipped: {stage}, because {because} failed", style="yellow")
    if result.stop_sentence:
        err.print(result.stop_sentence, style="yellow")
    if result.report is not None:
        out.print(f"report: {result.report}")
    if result.error is not None:
        raise typer.Exit(int(result.error.exit_code))
