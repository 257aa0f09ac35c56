"""sirr-orch doctor: is this machine ready, and what would help."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, JsonOption, PluginsOption, StoreOption, ask_for_site


def doctor(
    json: JsonOption = False,
    site: Annotated[
        Path | None,
        typer.Option(
            "--site",
            callback=ask_for_site,
            dir_okay=False,
            help="Examine this site alone: submit a job of a few seconds to its cluster, and say what its node sees.",
        ),
    ] = None,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Check engine, disk, interpreters, devices, feature weights and plug-ins; every finding comes with a remedy.

    Ends with 0 where a comparison can run on this machine, else with 4.

    Example:
        sirr-orch doctor
        sirr-orch doctor --site site.yaml
    """
    # Imported here: --help must not wait for the engine.
    from dataclasses import asdict  # noqa: PLC0415

    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.table import print_findings  # noqa: PLC0415
    from orchestrator.execute.doctor import examine  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.site_doctor import examine_site  # noqa: PLC0415

    findings = examine(store, known_library(plugins or ())) if site is None else list(examine_site(store))
    if json:
        out.print_json(data=[asdict(finding) for finding in findings])
    else:
        print_findings(findings, out)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(4)
