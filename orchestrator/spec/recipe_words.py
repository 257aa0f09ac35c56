"""Words for the mistakes in a recipe's values: the field, what it is and what it may be."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jsonschema.exceptions import ValidationError

from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.problems import Problem, listed, suggestion
from orchestrator.spec.validation import shown

_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a group of 'field: value' lines",
}
_LIMITS = {
    "exclusiveMinimum": "greater than",
    "minimum": "at least",
    "exclusiveMaximum": "less than",
    "maximum": "at most",
    "multipleOf": "a multiple of",
}
_LENGTHS = {"minItems": "least", "maxItems": "most", "minProperties": "least", "maxProperties": "most"}
_CHOICES = ("enum", "const")
_NAMES = ("required", "additionalProperties")
_BETWEEN = ("x-order", "x-sum")
_Path = tuple[str | int, ...]


def unreal_numbers(values: Any, document: Document | None, prefix: Location) -> dict[_Path, Problem]:
    """Return the problems of numbers that are infinite or none, which JSON cannot hold, by their path in the values."""
    return {
        path: Problem(
            f"{_field(path)} must be a finite number, not {shown(value)}", place_of(document, (*prefix, *path))
        )
        for path, value in _numbers(values, ())
        if isinstance(value, float) and not math.isfinite(value)
    }


def _numbers(values: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if isinstance(values, dict | list):
        for name, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from _numbers(value, (*path, name))
    else:
        yield path, values


def recipe_problems(
    errors: Sequence[ValidationError], told: set[_Path], document: Document | None, prefix: Location
) -> Iterator[Problem]:
    """Yield a problem for each value that a schema found wrong.

    A rule between values says nothing where one of them is wrong by itself.

    Args:
        told: Paths of values of which something was said already.
        prefix: The way from the document's top to the recipe.
    """
    chosen = {_path(error) for error in errors if error.validator in _CHOICES}
    alone = {_path(error) for error in errors if error.validator not in _BETWEEN} | told
    seen = set(told)
    for error in errors:
        path = _path(error)
        if path in seen or (error.validator == "type" and path in chosen):
            continue
        if error.validator in _BETWEEN and any(other[: len(path)] == path for other in alone):
            continue
        seen.add(path)
        yield Problem(_words(error, path), place_of(document, (*prefix, *path), name=error.validator in _NAMES))


def _path(error: ValidationError) -> _Path:
    return tuple(error.absolute_path)


def _words(error: ValidationError, path: _Path) -> str:
    kind, field = str(error.validator), _field(path) or "the recipe"
    value, wanted = error.instance, error.validator_value
    if kind in _NAMES:
        return _name_words(error, path)
    if kind in _BETWEEN:
        return f"{field}: {error.message}" if path else error.message
    if kind in _CHOICES:
        known = list(map(str, [wanted] if kind == "const" else _listed(wanted)))
        return f"{field} must be {listed(known)}, not {str(value)!r}{suggestion(str(value), known)}"
    if kind in _LENGTHS:
        return f"{field} needs at {_LENGTHS[kind]} {wanted} of its kind, and has {len(_listed(value))}"
    allowed = {"type": _kinds, **{limit: _limit(words) for limit, words in _LIMITS.items()}}.get(kind)
    if allowed is not None:
        return f"{field} must be {allowed(wanted)}, not {shown(_as_written(value))}"
    return f"{field}: {error.message if len(error.message) <= 160 else error.message[:157] + '...'}"


def _name_words(error: ValidationError, path: _Path) -> str:
    """Word a field that is missing, or one that there is not; the error's message is its name."""
    if error.validator == "required":
        around = _field(path[:-1])
        return f"field {error.message!r} is missing" + (f" in {around}" if around else "")
    known = list(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
    close = suggestion(error.message, known) or f"; there are {', '.join(known) or 'none'}"
    return f"unknown field {error.message!r}{close}"


def _limit(words: str) -> Callable[[Any], str]:
    return lambda bound: f"{words} {bound:.15g}"


def _listed(value: Any) -> list[Any]:
    return list(value)


def _kinds(types: Any) -> str:
    named = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    return " or ".join(_KINDS.get(name, "empty") for name in named)


def _as_written(value: Any) -> Any:
    """Return a whole number without the fraction that its completion has added."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _field(path: _Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
