"""The numbers of specs: each finite and in a range, and what is not is refused in the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from orchestrator.errors import SpecError
from orchestrator.spec.dataset import CatalogueEntry
from orchestrator.spec.explained import ExplainedDataset
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.library import load_model_spec, model_spec_names
from orchestrator.spec.load import load_experiment
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.numbers import LEAST_BYTES, MOST_BYTES, Bytes
from orchestrator.spec.published_numbers import PublishedTable
from orchestrator.spec.resolve import resolve
from orchestrator.spec.schema import experiment_schema
from orchestrator.spec.weights import ReleasedFile

SPEC = """\
name: first
models: [{{model: {model}, recipe: {{{recipe}}}}}]
train: skimage-train
test: [skimage-test]
features: random
{more}
"""
WRITTEN = (CatalogueEntry, ExplainedDataset, ImageSpec, ModelSpec, PublishedTable, ReleasedFile)


@pytest.fixture
def refused(tmp_path):
    """Load and resolve a spec that is wrong; return the message and where it points, without the folder."""

    def load(more="", model="ibcln2020", recipe=""):
        path = tmp_path / "bad.yaml"
        path.write_text(SPEC.format(model=model, recipe=recipe, more=more), encoding="utf-8")
        with pytest.raises(SpecError) as caught:
            resolve(load_experiment(path), path)
        return caught.value.message, (caught.value.where or "").replace(f"{tmp_path}/", "")

    return load


def numbers(schema):
    """Yield the schema of every number in a JSON schema."""
    if isinstance(schema, dict):
        types = schema.get("type")
        if {"integer", "number"} & {*([types] if isinstance(types, str) else types or ())}:
            yield schema
        for inner in schema.values():
            yield from numbers(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from numbers(inner)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(experiment_schema(), id="Experiment"),
        *(pytest.param(model.model_json_schema(), id=model.__name__) for model in WRITTEN),
        *(pytest.param(load_model_spec(name).schema_of_recipes.schema, id=name) for name in model_spec_names()),
    ],
)
def test_every_number_that_can_be_written_has_a_smallest_and_a_largest_value(schema):
    for number in numbers(schema):
        assert {"minimum", "exclusiveMinimum"} & set(number), number
        assert {"maximum", "exclusiveMaximum"} & set(number), number


def fields(schema):
    """Return the names of the fields of a model's schema that are a number and nothing else."""
    return [name for name, field in schema["properties"].items() if field.get("type") in ("integer", "number")]


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "true", "1e300", "99999999999999999999", "-1e300"])
@pytest.mark.parametrize("model", model_spec_names())
def test_number_of_a_recipe_that_is_none_is_refused_where_it_stands(refused, model, value):
    for name in fields(load_model_spec(model).schema_of_recipes.schema):
        message, where = refused(model=model, recipe=f"{name}: {value}")
        assert message.startswith(f"{name} must be "), message
        column = len(f"models: [{{model: {model}, recipe: {{{name}: ") + 1
        assert where.startswith(f"bad.yaml:2:{column}\n")


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "true", "1e300", "-1", "99999999999999999999"])
def test_number_of_an_experiment_that_is_none_is_refused_where_it_stands(refused, value):
    names = [*fields(experiment_schema()), "memory", "device_memory", "timeout_hours"]
    assert {"seed", "threads", "checkpoint_minutes"} <= set(names)
    for name in names:
        message, where = refused(f"{name}: {value}")
        assert message.startswith(name), message
        assert where.startswith(f"bad.yaml:6:{len(name) + 3}\n")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("seed: 4294967296", "seed must be at most 4294967295, not 4294967296", id="beyond-frameworks"),
        pytest.param("seed: -1", "seed must be at least 0, not -1", id="negative"),
        pytest.param(f"seed: {'9' * 5000}", "this cannot be read as a whole number", id="thousands-of-digits"),
        pytest.param("memory: 1", "1 byte is too little; write an amount from 64MiB to 1024TiB", id="one-byte"),
        pytest.param("memory: 8", "8 bytes are too little", id="without-a-unit"),
        pytest.param("memory: -8GiB", "-8589934592 bytes are too little", id="negative-memory"),
        pytest.param("memory: 1e999GiB", "'1e999GiB' is not an amount of memory", id="infinite-memory"),
        pytest.param("device_memory: 2000TiB", "too much", id="more-than-there-is"),
        pytest.param("memory: true", "true is not an amount of memory", id="truth"),
        pytest.param("note: 2024-13-45", "this cannot be read as a date", id="thirteenth-month"),
        pytest.param('note: !!int ""', "this cannot be read as a whole number", id="tagged"),
    ],
)
def test_odd_number_is_refused_with_what_is_allowed(refused, written, said):
    message, where = refused(written)
    assert said in message
    assert where.startswith("bad.yaml:6:")


@pytest.mark.parametrize(
    ("model", "recipe", "said"),
    [
        pytest.param("zhang2018", "width: [480, 256]", "width must hold a smaller and a larger number", id="width"),
        pytest.param("errnet2019", "short_side: [448, 224]", "must begin with the smaller number", id="short-side"),
        pytest.param("errnet2019", "crop: 512", "cannot hold a crop of 512", id="crop-larger-than-short-side"),
        pytest.param("ibcln2020", "betas: [0.9, 1]", "betas[1] must be less than 1, not 1", id="betas"),
    ],
)
def test_range_of_a_recipe_that_holds_nothing_is_refused(refused, model, recipe, said):
    message, where = refused(model=model, recipe=recipe)
    assert said in message
    assert where.startswith("bad.yaml:2:")


@given(st.integers(min_value=LEAST_BYTES, max_value=MOST_BYTES))
def test_bytes_are_the_same_as_number_and_as_text(amount):
    adapter = TypeAdapter(Bytes)
    assert adapter.validate_python(amount) == adapter.validate_python(f" {amount} b ") == amount


@given(st.text() | st.floats() | st.integers() | st.booleans())
def test_amount_of_memory_is_in_range_or_refused(written):
    try:
        amount = TypeAdapter(Bytes).validate_python(written)
    except ValidationError:
        return
    assert LEAST_BYTES <= amount <= MOST_BYTES
