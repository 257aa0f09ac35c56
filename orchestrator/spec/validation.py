"""Checks plain values against a model, and words every mistake for people, with its place."""

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

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
    return [_problem(details, model, document, prefix) for details in telling]


def _problem(details: ErrorDetails, model: type[BaseModel], document: Document | None, prefix: Location) -> Problem:
    location = (*prefix, *details["loc"])
    kind = details["type"]
    field = _field_name(details["loc"], model) or "the file"
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
    return Problem(_words(details, kind, field), place_of(document, location))


def _words(details: ErrorDetails, kind: str, field: str) -> str:  # noqa: PLR0911 - one line for each kind of mistake
    value = details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    if kind in _KINDS:
        return f"{field} must be {_KINDS[kind]}, not {shown(value)}"
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
        return f"{field} {shown(value)} is not a name: {rule}"
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
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
    kinds: list[Any] = [model]
    for part in location:
        kinds, _ = _step(kinds, part)
    models = [kind for kind in _flattened(kinds) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return list(dict.fromkeys(name for kind in models for name in kind.model_fields))


def _step(kinds: list[Any], part: str | int) -> tuple[list[Any], bool]:
    """Return the types that a part of a location leads to, and whether the part is in the file (not a union's tag)."""
    found: list[Any] = []
    flattened = list(_flattened(kinds))
    for kind in flattened:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if part in kind.model_fields:
                found.append(kind.model_fields[str(part)].annotation)
        elif origin is tuple and isinstance(part, int):
            found.append(arguments[0] if len(arguments) == 2 and arguments[1] is ... else arguments[part])
        elif origin is dict:
            found.append(arguments[1])
    if found:
        return found, True
    tagged = [kind for kind in flattened if _has_tag(kind, part)]
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
