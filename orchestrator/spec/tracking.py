"""Where runs are told to besides their report: servers of MLflow and Weights & Biases."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, model_validator

from orchestrator.spec.base import StrictModel


def _without_secrets(address: str) -> str:
    """Refuse an address that holds a password: a spec is recorded in the run and shown in its report."""
    try:
        password = urlsplit(address).password
    except ValueError as error:
        raise ValueError(f"{address!r} is no address: {error}") from None
    if password:
        raise ValueError(
            "the address holds a password, which the report would show: leave it out, and set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return address


Address = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(_without_secrets)]

Project = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$", max_length=200)]


class Tracking(StrictModel):
    """Where a run's parameters, curves, scores and report are told to as well; not part of any key."""

    mlflow: Address | None = None
    """Address of a tracking server of MLflow, such as http://127.0.0.1:5000. Needs sirr-orch[mlflow]."""
    wandb: Project | None = None
    """A project of Weights & Biases, as PROJECT or ENTITY/PROJECT. Needs sirr-orch[wandb]."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.mlflow is None and self.wandb is None:
            raise ValueError("nothing is named: write mlflow: ADDRESS, wandb: PROJECT, or leave 'track' out")
        return self
