"""Where runs are told to besides their report: servers of MLflow and Weights & Biases."""

import re
from typing import Annotated, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, StringConstraints, model_validator

from orchestrator.spec.base import StrictModel

_SECRET = re.compile("pass|pwd|token|secret|key|auth|sig|cred", re.IGNORECASE)


def _without_secrets(address: str) -> str:
    """Refuse an address that holds a password: a spec is recorded in the run and shown in its report.

    What stands alone before the @ of a web address counts as one, for tokens are written there; for databases it is
    a user's name. No message repeats what it refuses.
    """
    try:
        parts = urlsplit(address)
        user, password = parts.username, parts.password
    except ValueError as error:
        raise ValueError(f"it is no address: {error}") from None
    named = [name for name, _value in parse_qsl(parts.query) if _SECRET.search(name)]
    if password or named or (user and parts.scheme in {"http", "https"}):
        raise ValueError(
            "the address holds a password or token, which the report would show: leave it out, and set "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
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
