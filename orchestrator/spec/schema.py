"""The JSON Schema of an experiment, for editors that complete and check YAML."""

from typing import Any

from orchestrator.spec.experiment import Experiment
from orchestrator.spec.numbers import LEAST_BYTES, MOST_BYTES


def experiment_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an experiment, with the short forms that the file may use."""
    schema = Experiment.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "sirr-orch experiment"
    fields = schema["properties"]
    name = {key: fields["name"][key] for key in ("type", "pattern")}
    fields["models"]["items"] = {"anyOf": [name, fields["models"]["items"]]}
    fields["train"]["anyOf"].insert(0, name)
    number = {"type": "integer", "minimum": LEAST_BYTES, "maximum": MOST_BYTES}
    text = {"type": "string", "pattern": r"^\s*[0-9.]+\s*[A-Za-z]+\s*$"}
    for field, forms in (("memory", [number, text]), ("device_memory", [number, text, {"type": "null"}])):
        kept = {key: fields[field][key] for key in ("title", "description", "default") if key in fields[field]}
        fields[field] = {**kept, "anyOf": forms}
    return schema
