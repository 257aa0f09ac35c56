"""What schemas of recipes may say: JSON Schema, references to its own `$defs`, and two rules between values.

`x-order` is a list of `{lower, upper, words}`, with `strict: true` where equal values are wrong too; `lower` and
`upper` name values, such as `crop` or `short_side/0`. `x-sum` is `{of, most, words}`: the named fields are at most so
much together. `words` is what a user is told; `{short_side/0}` in it stands for the value.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from orchestrator.spec.document import Document, Location
from orchestrator.spec.problems import Problem

_REFERENCE = "#/$defs/"
_HOPS = 32
"""References from one to the next; a recipe needs one."""
_VALUE = re.compile(r"\{([^{}]+)\}")
_RULES: Mapping[str, Mapping[str, Any]] = {
    "x-order": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "lower": {"type": "string"},
                "upper": {"type": "string"},
                "strict": {"type": "boolean"},
                "words": {"type": "string"},
            },
            "required": ["lower", "upper", "words"],
            "additionalProperties": False,
        },
    },
    "x-sum": {
        "type": "object",
        "properties": {
            "of": {"type": "array", "items": {"type": "string"}},
            "most": {"type": "number"},
            "words": {"type": "string"},
        },
        "required": ["of", "most", "words"],
        "additionalProperties": False,
    },
}


def described(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with what it refers to; an empty one where there is nothing to say."""
    for _ in range(_HOPS):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        found = root.get("$defs", {}).get(reference.removeprefix(_REFERENCE), {})
        schema = {**found, **rest} if isinstance(found, Mapping) else rest
    return {}


def schema_problems(document: Document) -> Iterator[Problem]:
    """Yield what is wrong with a schema of recipes, each with its place."""
    schema = document.data
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = list(error.absolute_path)
        where = f"{'.'.join(map(str, path))}: " if path else ""
        yield Problem(f"this is no JSON Schema: {where}{_short(error.message)}", document.place(path))
        return
    fields = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(fields, dict):
        yield Problem('a recipe\'s schema has "type": "object" and "properties"', document.place(()))
    elif "epochs" not in fields or "epochs" not in schema.get("required", ()):
        words = "a recipe's schema requires a field 'epochs': how often the training set is gone through"
        yield Problem(words, document.place(("properties",), name=True))
    yield from _inner_problems(schema, (), document)


def _inner_problems(value: Any, location: Location, document: Document) -> Iterator[Problem]:
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _inner_problems(inner, (*location, number), document)
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        here = (*location, name)
        if name in ("$dynamicRef", "$id") and isinstance(inner, str):
            yield Problem(f"{name} has no place in a recipe's schema", document.place(here, name=True))
        elif name == "$ref" and isinstance(inner, str):
            known = document.data.get("$defs", {})
            if not inner.startswith(_REFERENCE) or inner.removeprefix(_REFERENCE) not in known:
                hint = f'write "{_REFERENCE}NAME", and NAME below "$defs" of the same file'
                yield Problem(f"the reference {inner!r} leads nowhere in this file", document.place(here), hint)
        elif name in _RULES and location[-1:] != ("properties",):
            for error in Draft202012Validator(_RULES[name]).iter_errors(inner):
                place = document.place((*here, *error.absolute_path))
                yield Problem(f"{name}: {_short(error.message)}", place)
        yield from _inner_problems(inner, here, document)


def _short(message: str) -> str:
    return message if len(message) <= 120 else f"{message[:117]}..."


def recipe_validator(schema: Mapping[str, Any]) -> Validator:
    """Return what finds the mistakes of values; nothing is fetched from anywhere for it."""
    rules = {"x-order": _order, "x-sum": _sum, "required": _required, "additionalProperties": _additional}
    made: Any = extend  # its stubs say nothing of what it returns
    found: Validator = made(Draft202012Validator, rules)(schema, registry=Registry())
    return found


def _order(_validator: Any, rules: Any, values: Any, _schema: Any) -> Iterator[ValidationError]:
    for rule in rules:
        lower, upper = _at(values, rule["lower"]), _at(values, rule["upper"])
        if lower is None or upper is None:
            continue
        if lower > upper or (lower == upper and rule.get("strict", False)):
            yield ValidationError(_worded(rule["words"], values))


def _sum(_validator: Any, rule: Any, values: Any, _schema: Any) -> Iterator[ValidationError]:
    parts = [part for part in (_at(values, name) for name in rule["of"]) if part is not None]
    if sum(parts) > rule["most"]:
        yield ValidationError(_worded(rule["words"], values))


def _required(_validator: Any, names: Any, values: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(values, dict):
        yield from (ValidationError(name, path=[name]) for name in names if name not in values)


def _additional(_validator: Any, allowed: Any, values: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(values, dict) and allowed is False:
        known = schema.get("properties", {})
        yield from (ValidationError(str(name), path=[name]) for name in values if name not in known)


def _found(values: Any, pointer: str) -> Any:
    for part in pointer.split("/"):
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            return None
    return values


def _at(values: Any, pointer: str) -> float | None:
    """Return the number that a pointer names; None where there is none."""
    found = _found(values, pointer)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def _worded(words: str, values: Any) -> str:
    return _VALUE.sub(lambda match: str(_found(values, match[1])), words)
