"""sirr-orch report: render a run's report again."""

from typing import Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, StoreOption


def report(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Name of a run, such as quickstart.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Render the report of a run from what the store has of it, and print where it is.

    Example:  sirr-orch report quickstart
    """
    # Imported here: --help must not wait for the templates.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.command import report_of_run  # noqa: PLC0415

    out.print(f"report: {report_of_run(name, store)}")
