"""The JSON Schema of an experiment, for editors that complete and check YAML."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.numbers import LEAST_BYTES, MOST_BYTES
from stagekit.measures import HOUSE, PROTOCOLS


def experiment_schema(library: Library | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an experiment, with the short forms that the file may use.

    Names of networks, programs, datasets, metrics and protocols are offered, and other names taken too: an experiment
    can bring plug-ins of its own. Recipes and parameters are checked by what their networks and programs say.

    Args:
        library: What can be named; None: what this project has. What is wrong in a plug-in is left out.
    """
    library = library or built_in()
    schema = Experiment.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "sirr-orch experiment"
    fields, parts = schema["properties"], schema["$defs"]
    name = {key: fields["name"][key] for key in ("type", "pattern")}
    fields["models"]["items"] = {"anyOf": [_offered(library.model_names, name), fields["models"]["items"]]}
    fields["train"]["anyOf"].insert(0, _offered(library.catalogue, name))
    fields["test"]["items"] = _offered(library.catalogue, name)
    own = (metric.name for metric in PROTOCOLS[HOUSE].metrics)
    fields["metrics"]["items"] = _offered((*own, *library.metric_names), name)
    fields["protocols"]["items"] = _offered(library.protocol_names, name)
    _offer(parts["ModelChoice"], "model", library.model_names, name)
    _offer(parts["ProgramChoice"], "program", library.program_names, name)
    for model, recipe in _recipes(library):
        shared = {_moved(model, part): _renamed(found, model) for part, found in recipe.pop("$defs", {}).items()}
        schema["$defs"] |= shared
        _where(parts["ModelChoice"], "model", model, "recipe", _renamed(recipe, model))
    for program, parameters in _parameters(library):
        _where(parts["ProgramChoice"], "program", program, "parameters", parameters)
    number = {"type": "integer", "minimum": LEAST_BYTES, "maximum": MOST_BYTES}
    text = {"type": "string", "pattern": r"^\s*[0-9.]+\s*[A-Za-z]+\s*$"}
    for field, forms in (("memory", [number, text]), ("device_memory", [number, text, {"type": "null"}])):
        kept = {key: fields[field][key] for key in ("title", "description", "default") if key in fields[field]}
        fields[field] = {**kept, "anyOf": forms}
    return schema


def _offered(names: Iterable[str], name: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a name, of which editors offer those that are known."""
    return {"type": "string", "anyOf": [{"enum": list(names)}, {"pattern": name["pattern"]}]}


def _offer(part: dict[str, Any], field: str, names: Iterable[str], name: Mapping[str, Any]) -> None:
    kept = {key: value for key, value in part["properties"][field].items() if key in ("title", "description")}
    part["properties"][field] = {**kept, **_offered(names, name)}


def _where(part: dict[str, Any], field: str, value: str, other: str, schema: Mapping[str, Any]) -> None:
    """Demand a schema of one field where another has a value."""
    condition = {"properties": {field: {"const": value}}, "required": [field]}
    part.setdefault("allOf", []).append({"if": condition, "then": {"properties": {other: schema}}})


def _recipes(library: Library) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the schema of each model's recipe as overrides have it: no field is needed."""
    for name in library.model_names:
        try:
            schema = library.model(name).schema_of_recipes.schema
        except SpecError:
            continue
        yield name, {key: value for key, value in schema.items() if key not in ("required", "$schema", "$id")}


def _parameters(library: Library) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in library.program_names:
        try:
            found = library.program(name).parameters
        except SpecError:
            continue
        fields = {
            key: {"type": "number", "minimum": one.least, "maximum": one.most, "description": one.meaning}
            for key, one in found.items()
        }
        yield name, {"type": "object", "properties": fields, "additionalProperties": False}


def _moved(model: str, part: str) -> str:
    """Return what a part of a model's own schema is called among the parts of the whole."""
    return f"recipe-{model}-{part}"


def _renamed(value: Any, model: str) -> Any:
    """Return a part of a model's schema with its references to others of its parts as they are called now."""
    if isinstance(value, list):
        return [_renamed(item, model) for item in value]
    if not isinstance(value, dict):
        return value
    begin = "#/$defs/"
    return {
        key: begin + _moved(model, item[len(begin) :])
        if key == "$ref" and isinstance(item, str) and item.startswith(begin)
        else _renamed(item, model)
        for key, item in value.items()
    }
