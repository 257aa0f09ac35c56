"""The strict base of everything that users write."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
"""A name that is safe as a folder, a label and a part of an address: lower case letters, digits, '.', '_' and '-'."""

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def _bytes_from_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip().upper().replace(" ", "")
    for unit in sorted(_UNITS, key=len, reverse=True):
        number = text.removesuffix(unit)
        if number != text:
            try:
                return int(float(number) * _UNITS[unit])
            except ValueError:
                break
    raise ValueError(f"{value!r} is not an amount of memory; write for example 8GiB or 512MiB")


Bytes = Annotated[int, BeforeValidator(_bytes_from_text), Field(gt=0)]
"""An amount of memory or disk: a number of bytes, or text such as "8GiB"."""


class StrictModel(BaseModel):
    """A frozen model that forbids unknown fields; the docstring under a field is its description in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
