"""What a caller hands over, checked before anything is done with it: each value as the type that it stands for."""

import os
import reprlib
import typing
from collections.abc import Callable, Mapping
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.errors import SpecError
from orchestrator.spec.names import EngineName
from orchestrator.spec.problems import listed


def as_text(value: object, what: str) -> str:
    """Return a name.

    Args:
        what: The parameter's name.

    Raises:
        SpecError: For what is no text; where it has a name, such as an `Entrant`, that is what to give.
    """
    if isinstance(value, str):
        return value
    name = getattr(value, "name", None)
    raise _wrong(value, what, "text", f"give its name: {name!r}" if isinstance(name, str) else "give a name")


def as_path_or_none(value: object, what: str) -> str | Path | None:
    """Return text or a path as it is, or None.

    Raises:
        SpecError: For what is neither, and for what no path can be.
    """
    if value is None:
        return None
    if not isinstance(value, str | Path):
        raise _wrong(value, what, "text or a pathlib.Path", "give the path of a file or folder, or leave it out")
    if not os.fspath(value) or "\0" in os.fspath(value):
        raise _wrong(value, what, "a path", "give the path of a file or folder, or leave it out")
    return value


def as_engine(value: object, what: str) -> EngineName:
    """Return an engine's name: one of this project's, or of an installed package's.

    Raises:
        SpecError: For anything else.
    """
    # Imported here: who imports this package waits for no engine.
    from orchestrator.engine.select import engine_choices  # noqa: PLC0415

    known = engine_choices()
    if isinstance(value, str) and value in known:
        return value
    raise _wrong(value, what, listed(known), "give one of them, or leave it out")


def as_whole_or_none(value: object, what: str, least: int, most: int) -> int | None:
    """Return a whole number, also one of numpy's, or None.

    Raises:
        SpecError: For what is none, and for one out of its range.
    """
    if value is None:
        return None
    hint = f"give a whole number from {least} to {most}, or None"
    if isinstance(value, bool | np.bool_):
        raise _wrong(value, what, "a whole number", hint)
    try:
        number = index(typing.cast(typing.SupportsIndex, value))
    except TypeError as error:
        raise _wrong(value, what, "a whole number", hint) from error
    if not least <= number <= most:
        raise SpecError(f"{what} must be from {least} to {most}, not {number}", hint=hint)
    return number


def as_bool(value: object, what: str) -> bool:
    """Return True or False, also of numpy's.

    Raises:
        SpecError: For what is neither: 0, '' and None are not.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise _wrong(value, what, "True or False", "give one of the two")


def as_mapping(value: object, what: str) -> Mapping[str, Any]:
    """Return what is said by name; nothing for None.

    Raises:
        SpecError: For what says nothing by name.
    """
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return value
    raise _wrong(value, what, "a mapping with text for keys", "give a dictionary such as {'range': [0, 255]}")


def as_callable(value: object, what: str) -> Callable[[str], None]:
    """Return what can be called; for None, what hears nothing.

    Raises:
        SpecError: For what cannot be called.
    """
    if value is None:
        return _unheard
    if callable(value):
        return value
    raise _wrong(value, what, "a function of one text", "give a function such as print, or None")


def _unheard(_words: str) -> None:
    """Hear nothing."""


def _wrong(value: object, what: str, wanted: str, hint: str) -> SpecError:
    return SpecError(f"{what} must be {wanted}, not {reprlib.repr(value)} ({type(value).__name__})", hint=hint)
