"""The JSON Schema agrees with what the loader takes."""

from jsonschema import Draft202012Validator

from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import Plugin, built_in
from orchestrator.spec.schema import experiment_schema
from tests.plugin_folder import write_metric, write_model, write_plugin


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


def with_plugins(folder):
    plugin = write_model(write_metric(write_plugin(folder)))
    return built_in().extended([Plugin(plugin, "a test")])


def accepts(schema, **wishes):
    whole = {"name": "first", "models": ["errnet2019"], "test": ["skimage-test"], **wishes}
    return Draft202012Validator(schema).is_valid(whole)


def test_schema_offers_what_plugins_bring_and_takes_other_names(tmp_path):
    schema = experiment_schema(with_plugins(tmp_path / "mine"))
    Draft202012Validator.check_schema(schema)
    fields = schema["properties"]
    offered = {name: fields[name]["items"]["anyOf"][0]["enum"] for name in ("test", "metrics", "protocols")}
    assert "small-scenes" in offered["test"]
    assert offered["metrics"] == ["psnr", "ssim", "lpips", "farthest"]
    assert offered["protocols"][-1] == "mine2026"
    assert "small2026" in fields["models"]["items"]["anyOf"][0]["anyOf"][0]["enum"]
    assert "dim2026" in schema["$defs"]["ProgramChoice"]["properties"]["program"]["anyOf"][0]["enum"]
    assert accepts(schema, metrics=["psnr", "farthest", "of_another_plugin"], protocols=["mine2026"])
    assert not accepts(schema, metrics=["Psnr!"])


def test_schema_checks_recipes_and_parameters_as_their_own_schemas_do(tmp_path):
    schema = experiment_schema(with_plugins(tmp_path / "mine"))
    assert accepts(schema, models=[{"model": "small2026", "recipe": {"crop": [16, 32], "blocks": 2}}])
    assert not accepts(schema, models=[{"model": "small2026", "recipe": {"crop": [16, 33]}}])
    assert not accepts(schema, models=[{"model": "small2026", "recipe": {"blocs": 2}}])
    assert accepts(schema, models=[{"model": "errnet2019", "recipe": {"epochs": 2}}])
    assert not accepts(schema, models=[{"model": "errnet2019", "recipe": {"epoch": 2}}])
    assert accepts(schema, models=[{"program": "dim2026", "parameters": {"factor": 0.5}}])
    assert not accepts(schema, models=[{"program": "dim2026", "parameters": {"factor": 2}}])
    assert accepts(schema, models=[{"model": "somebody", "recipe": {"anything": 1}}])


def test_schema_leaves_out_what_is_wrong_in_a_plugin(tmp_path):
    library = with_plugins(tmp_path / "mine")
    (tmp_path / "mine" / "model_specs" / "small2026.yaml").write_text("name: small2026\n")
    assert accepts(experiment_schema(library), models=[{"model": "small2026", "recipe": {"anything": 1}}])
