"""The kinds of numbers and truths that specs hold, each number in its range, and neither of them written as text."""

import math
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticKnownError

from orchestrator.spec.base import Forms

_UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
LEAST_BYTES = 64 * 2**20
MOST_BYTES = 2**50
MOST_THREADS = 1024


YAML_1_1_TRUTHS = {"yes": True, "on": True, "no": False, "off": False}
"""What older YAML reads as true and false, and today's as text; in small letters."""


class UnquotedWord(str):
    """One of `YAML_1_1_TRUTHS` that stands in a file without quotes, with which it would be meant as text."""

    __slots__ = ()


def truth_or_itself(value: object) -> object:
    """Return the truth that an unquoted word stands for; all else as it is."""
    return YAML_1_1_TRUTHS[value.lower()] if isinstance(value, UnquotedWord) else value


def _only_whole(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticKnownError("int_type")
    return value


def _only_real(value: object) -> object:
    if isinstance(value, bool | str):
        raise PydanticKnownError("float_type")
    return value


def _only_truth(value: object) -> object:
    found = truth_or_itself(value)
    if not isinstance(found, bool):
        raise PydanticKnownError("bool_type")
    return found


WHOLE = BeforeValidator(_only_whole)
"""Refuses text, and true and false, which Python counts as 1 and 0. It stands behind the limits, which else miss the
schema."""

REAL = BeforeValidator(_only_real)
"""As `WHOLE`, for numbers that need not be whole."""

Truth = Annotated[bool, BeforeValidator(_only_truth)]
"""True or false; text and numbers are neither, but for the words of `YAML_1_1_TRUTHS` without quotes."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1), WHOLE]
"""A seed of random draws, in the range that all frameworks take."""

Count = Annotated[int, Field(ge=1, le=10**9), WHOLE]
"""How many or how often."""

Amount = Annotated[int, Field(ge=0, le=10**9), WHOLE]
"""How many, where none is an answer."""

Epoch = Annotated[int, Field(ge=0, le=10**6), WHOLE]
"""An epoch, counted from 0."""

Pixels = Annotated[int, Field(ge=1, le=2**16), WHOLE]
"""A side of a picture."""

Offset = Annotated[int, Field(ge=0, le=2**16), WHOLE]
"""Where something begins in a picture, in pixels."""

Number = Annotated[float, Field(ge=-1e9, le=1e9), REAL]
"""A number that a program takes, whose own range its description says."""

Share = Annotated[float, Field(ge=0, le=1), REAL]
"""A part of a whole, or a probability."""

Weight = Annotated[float, Field(ge=0, le=10**6), REAL]
"""The weight of a loss."""

Positive = Annotated[float, Field(gt=0, le=10**6), REAL]
"""A rate, a deviation, a tolerance."""

FileSize = Annotated[int, Field(gt=0, le=2**50), WHOLE]
"""Bytes of a file."""


def _bytes_from_text(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(_no_amount(value))
    if not isinstance(value, str):
        return value
    text = value.strip().upper().replace(" ", "")
    for unit in sorted(_UNITS, key=len, reverse=True):
        number = text.removesuffix(unit)
        if number != text:
            try:
                amount = float(number) * _UNITS[unit]
            except ValueError:
                break
            if not math.isfinite(amount):
                break
            return int(amount)
    raise ValueError(_no_amount(value))


def _no_amount(value: object) -> str:
    written = str(value).lower() if isinstance(value, bool) else repr(value)
    return f"{written} is not an amount of memory; write for example 8GiB or 512MiB"


def _sensible(value: int) -> int:
    if not LEAST_BYTES <= value <= MOST_BYTES:
        few = f"{value} bytes are" if abs(value) != 1 else f"{value} byte is"
        raise ValueError(
            f"{few} too {'little' if value < LEAST_BYTES else 'much'}; write an amount from 64MiB to 1024TiB, "
            "for example 8GiB"
        )
    return value


Bytes = Annotated[
    int, Forms("an amount of memory such as 8GiB"), BeforeValidator(_bytes_from_text), AfterValidator(_sensible)
]
"""An amount of memory: a number of bytes, or text such as "8GiB"."""
