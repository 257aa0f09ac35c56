"""The JSON Schema agrees with what the loader takes."""

from orchestrator.spec.experiment import Experiment
from orchestrator.spec.schema import experiment_schema


def test_schema_describes_every_field():
    schema = experiment_schema()
    assert set(schema["properties"]) == set(Experiment.model_fields)
    for holder in (schema, *schema["$defs"].values()):
        for name, field in holder["properties"].items():
            assert field.get("description"), name
        assert holder["additionalProperties"] is False


def test_schema_takes_short_and_full_forms():
    fields = experiment_schema()["properties"]
    assert [choice.get("type", "model") for choice in fields["models"]["items"]["anyOf"]] == ["string", "model"]
    assert [choice.get("type", "model") for choice in fields["train"]["anyOf"]] == ["string", "model", "null"]
    assert [choice["type"] for choice in fields["memory"]["anyOf"]] == ["integer", "string"]


def test_schema_requires_what_has_no_default():
    assert experiment_schema()["required"] == ["name", "models", "test"]
