"""Checks plain values against a model, and words every mistake for people, with its place."""

import datetime
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from orchestrator.spec.base import Forms
from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.problems import Problem, listed, spec_error, suggestion

Model = TypeVar("Model", bound=BaseModel)

_QUOTED = re.compile(r"'([^']*)'")
_KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a group of 'field: value' lines",
    "model_type": "a group of 'field: value' lines",
    "model_attributes_type": "a group of 'field: value' lines",
    "path_type": "a path",
}
_TEXTS = ("string_type", "path_type")
_LONGEST = 60
"""Letters of a value that is shown in a sentence."""

ENTRANT_ERROR = "entrant"
"""Type of the error of what is no entrant: its context has the `field` to point at, and a `hint` or None."""

_LIMITS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}


def validated(model: type[Model], document: Document) -> Model:
    """Return a document's content as a model.

    Raises:
        SpecError: Shows every mistake.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise spec_error(validation_problems(error, model, document), document.path) from error


def validation_problems(
    error: ValidationError, model: type[BaseModel], document: Document | None, prefix: Location = ()
) -> list[Problem]:
    """Return the mistakes that a validation found, in plain words.

    Args:
        document: None where the values come from no file.
        prefix: The way from the document's top to what was validated.
    """
    found = error.errors()
    inner = {tuple(details["loc"][:depth]) for details in found for depth in range(len(details["loc"]))}
    telling = [details for details in found if details["type"] != "too_short" or details["loc"] not in inner]
    grouped: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for details in telling:
        grouped.setdefault(_told_at(details, model), []).append(details)
    return [_problem_of(at, group, model, document, prefix) for at, group in grouped.items()]


def _told_at(details: ErrorDetails, model: type[BaseModel]) -> tuple[str | int, ...]:
    """Return where one mistake is told that the library finds in parts: in kinds of a union, in values of a triple."""
    location = details["loc"]
    within = _kinds_at(model, location[:-1])
    one_of_several = len(within) > 1 and not any(map(_has_parts, within))
    missing_value = details["type"] == "missing" and _wanted_values(within) is not None
    return location[:-1] if location and (one_of_several or missing_value) else location


def _problem_of(
    at: tuple[str | int, ...],
    group: Sequence[ErrorDetails],
    model: type[BaseModel],
    document: Document | None,
    prefix: Location,
) -> Problem:
    details = group[0]
    place, field = place_of(document, (*prefix, *at)), _field_name(at, model)
    wanted = _wanted_values(_kinds_at(model, at))
    if wanted is not None and details["type"] in {"missing", "too_long"}:
        return Problem(f"{field} needs {wanted} values, and has {len(details['input'])}", place)
    if at == details["loc"]:
        return _problem(details, model, document, prefix)
    names = [name for one in group for name in _QUOTED.findall(str(one.get("ctx", {}).get("expected", "")))]
    kinds = [_KINDS[one["type"]] for one in group if one["type"] in _KINDS]
    value = details["input"]
    words = ", or ".join([*([listed(names)] if names else []), *kinds])
    return Problem(f"{field} must be {words}, not {shown(value)}{suggestion(str(value), names)}", place)


def _problem(details: ErrorDetails, model: type[BaseModel], document: Document | None, prefix: Location) -> Problem:
    location = (*prefix, *details["loc"])
    kind = details["type"]
    field = _field_name(details["loc"], model) or "the file"
    if kind == ENTRANT_ERROR:
        context = details["ctx"]
        return Problem(details["msg"], place_of(document, (*location, context["field"]), name=True), context["hint"])
    if kind == "extra_forbidden":
        known = _field_names(model, details["loc"][:-1])
        written = str(details["loc"][-1])
        close = suggestion(written, known) or f"; there are {', '.join(known)}"
        return Problem(f"unknown field {written!r}{close}", place_of(document, location, name=True))
    if kind == "missing":
        around = _field_name(details["loc"][:-1], model)
        words = f"field {details['loc'][-1]!r} is missing" + (f" in {around}" if around else "")
        return Problem(words, place_of(document, location, name=True))
    if kind == "union_tag_invalid":
        tag = str(details["ctx"]["discriminator"]).strip("'")
        return Problem(_words(details, kind, f"{field}.{tag}"), place_of(document, (*location, tag)))
    if kind in _KINDS:
        wanted = _forms(details["loc"], model) or _KINDS[kind]
        unquoted = _as_written(details["input"], document, location) if kind in _TEXTS else None
        hint = None if unquoted is None else f'write it in quotes: "{unquoted}"'
        words = f"{field} must be {wanted}, not {unquoted or shown(details['input'])}"
        return Problem(words, place_of(document, location), hint)
    return Problem(_words(details, kind, field), place_of(document, location))


def _as_written(value: object, document: Document | None, location: Location) -> str | None:
    """Return a number, a date or a truth as it stands in the file; None for all else."""
    if value is None or isinstance(value, str | Mapping | list | tuple):
        return None
    written = document.written(location) if document is not None else None
    return shown(value) if written is None or len(written) > _LONGEST else written


def _words(details: ErrorDetails, kind: str, field: str) -> str:  # noqa: PLR0911 - one line for each kind of mistake
    value = details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    if kind in _LIMITS:
        words, name = _LIMITS[kind]
        return f"{field} must be {words} {context[name]:.15g}, not {shown(value)}"
    if kind in {"literal_error", "union_tag_invalid"}:
        known = _QUOTED.findall(str(context.get("expected", context.get("expected_tags", ""))))
        written = str(context.get("tag", value))
        return f"{field} must be {listed(known)}, not {written!r}{suggestion(written, known)}"
    if kind == "union_tag_not_found":
        return f"{field} needs a field {str(context['discriminator']).strip(chr(39))!r} that says what it is"
    if kind == "string_pattern_mismatch":
        return _pattern_words(field, value, str(context["pattern"]))
    if kind in {"too_short", "too_long"}:
        limit, bound = ("least", "min_length") if kind == "too_short" else ("most", "max_length")
        return f"{field} needs at {limit} {context[bound]} of its kind, and has {context['actual_length']}"
    if kind == "value_error":
        return f"{field}: {context['error']}"
    return f"{field}: {details['msg'][:1].lower()}{details['msg'][1:]}"


def _pattern_words(field: str, value: object, pattern: str) -> str:
    if pattern.startswith("^[a-z0-9]"):
        rule = "lower case letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit"
        written = f"{shown(value)} is not a name" if value else "is empty, and must be a name"
        return f"{field} {written}: {rule}"
    return f"{field} {shown(value)} does not have the form {pattern}"


def shown(value: object) -> str:
    """Return a wrong value for a sentence."""
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a group of fields"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, datetime.date) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _field_name(location: Location, model: type[BaseModel]) -> str:
    """Return the dotted name of a field, without the tags of unions."""
    text = ""
    kinds: list[Any] = [model]
    for part in location:
        kinds, known = _step(kinds, part)
        if known and isinstance(part, int):
            text += f"[{part}]"
        elif known and part != "[key]":
            text += f".{part}" if text else str(part)
    return text


def _field_names(model: type[BaseModel], location: Location) -> list[str]:
    """Return the fields that the model at a location has."""
    models = [kind for kind in _kinds_at(model, location) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return list(dict.fromkeys(name for kind in models for name in _fields(kind)))


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by what they are called in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _kinds_at(model: type[BaseModel], location: Location) -> list[Any]:
    """Return the types that may stand at a location."""
    kinds: list[Any] = [model]
    for part in location:
        kinds, _ = _step(kinds, part)
    return list(_flattened(kinds))


def _forms(location: Location, model: type[BaseModel]) -> str:
    """Return what may be written at a location, as its annotation tells it in words; empty where it does not."""
    kinds: list[Any] = [model]
    told = ""
    for part in location:
        annotated = [found for kind in _flattened(kinds) for found in _metadata(kind, part)]
        kinds, known = _step(kinds, part)
        if known:
            told = next((one.words for one in annotated if isinstance(one, Forms)), "")
    return told


def _metadata(kind: Any, part: str | int) -> Sequence[Any]:
    """Return what stands in the annotation of a part of a type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _fields(kind)[str(part)].metadata if part in _fields(kind) else ()
    if typing.get_origin(kind) is tuple:
        return getattr(typing.get_args(kind)[0], "__metadata__", ())
    return ()


def _wanted_values(kinds: Sequence[Any]) -> int | None:
    """Return how many values a list of a fixed length has; None where it has none, or is no list."""
    lists = [typing.get_args(kind) for kind in kinds if typing.get_origin(kind) is tuple]
    return next((len(values) for values in lists if values[-1] is not ...), None)


def _has_parts(kind: Any) -> bool:
    """Return whether values of a type have fields or items."""
    return typing.get_origin(kind) in {tuple, list, dict} or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _step(kinds: list[Any], part: str | int) -> tuple[list[Any], bool]:
    """Return the types that a part of a location leads to, and whether the part is in the file (not a union's tag)."""
    found: list[Any] = []
    flattened = list(_flattened(kinds))
    for kind in flattened:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if part in _fields(kind):
                found.append(_fields(kind)[str(part)].annotation)
        elif origin is tuple and isinstance(part, int):
            found.append(arguments[0] if len(arguments) == 2 and arguments[1] is ... else arguments[part])
        elif origin is dict:
            found.append(arguments[1])
    if found:
        return found, True
    tagged = [kind for kind in flattened if _has_tag(kind, part) or not _has_parts(kind)]
    return (tagged, False) if tagged else ([], True)


def _has_tag(kind: Any, tag: str | int) -> bool:
    """Return whether a model of a discriminated union is chosen by a tag."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    if kind.__name__ == tag:
        return True
    literals = (typing.get_args(field.annotation) for field in kind.model_fields.values())
    return any(tag in values for values in literals if all(isinstance(value, str) for value in values))


def _flattened(kinds: list[Any]) -> Iterator[Any]:
    """Yield types without Annotated, unions and None."""
    for kind in kinds:
        origin = typing.get_origin(kind)
        if origin is typing.Annotated:
            yield from _flattened([typing.get_args(kind)[0]])
        elif origin in {typing.Union, types.UnionType}:
            yield from _flattened(list(typing.get_args(kind)))
        elif kind is not type(None):
            yield kind
