"""Where a run is simulated: how many of its stages could run at once, and how fast."""

import re
from typing import Annotated

from pydantic import Field, ValidationError

from orchestrator.errors import SpecError
from orchestrator.spec.base import StrictModel
from orchestrator.spec.plain_words import plain_words

_HINT = "write how many at once, such as 16, or slots=16,beside=4,speed=100"
_FORM = re.compile(r"\s*(\w+)\s*=\s*([0-9.]+)\s*")


class SimulatedSite(StrictModel):
    """A site as far as a simulation knows it."""

    slots: Annotated[int, Field(ge=1, le=100_000)]
    """Trainings, inferences and methods that run at once: as a rule, GPUs."""
    beside: Annotated[int, Field(ge=1, le=100_000)] = 2
    """Other stages that run at once, beside the orchestrator."""
    speed: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] = 1.0
    """How many times as fast as the processors that were measured a slot is; an assumption."""


def simulated_site(text: str) -> SimulatedSite:
    """Return the site that an option names: a number of slots, or values by name.

    Raises:
        SpecError: Where the text is neither.
    """
    parts = [f"slots={text}"] if text.strip().isdecimal() else text.split(",")
    found = [_FORM.fullmatch(part) for part in parts]
    values = {match[1]: match[2] for match in found if match is not None}
    if None in found or len(values) < len(parts):
        raise SpecError(f"--simulate-site cannot be {text!r}", hint=_HINT)
    try:
        return SimulatedSite.model_validate(
            {name: float(value) if name == "speed" else int(value) for name, value in values.items()}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise SpecError(f"--simulate-site {text}: {field}: {plain_words(first['msg'])}", hint=_HINT) from error
    except ValueError as error:
        raise SpecError(f"--simulate-site cannot be {text!r}", hint=_HINT) from error
