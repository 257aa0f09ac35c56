"""sirr-orch track: tell a recorded run to MLflow or Weights & Biases."""

from typing import Annotated

import typer

from orchestrator.cli.complete import run_names
from orchestrator.cli.options import DEFAULT_STORE, StoreOption


def track(
    name: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Name of a run, such as quickstart, or quickstart@2 for an earlier revision.",
            autocompletion=run_names,
        ),
    ],
    mlflow: Annotated[
        str | None,
        typer.Option(
            "--mlflow",
            metavar="ADDRESS",
            help="Tracking server of MLflow, such as http://127.0.0.1:5000. Default: what the run's spec says.",
        ),
    ] = None,
    wandb: Annotated[
        str | None,
        typer.Option(
            "--wandb",
            metavar="PROJECT",
            help="Project of Weights & Biases, or ENTITY/PROJECT; with WANDB_MODE=offline it stays on disk until "
            "wandb sync. Default: what the run's spec says.",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Tell MLflow or Weights & Biases a run's parameters, curves, scores and report. Told again, nothing stands twice.

    Examples:
        sirr-orch track quickstart --mlflow http://127.0.0.1:5000
        sirr-orch track quickstart --wandb my-project
    """
    # Imported here: --help must not wait for pydantic and the report.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.tracking import asked_trackers, track_run  # noqa: PLC0415

    for told in track_run(name, store, asked_trackers(mlflow, wandb)):
        out.print(told.sentence)
