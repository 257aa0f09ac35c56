"""A key holds everything that decides a result, and nothing else."""

import copy
import dataclasses
import hashlib
import typing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from orchestrator.plan.keys import Program, ResultDigests, canonical_json, document_key, stage_identity
from orchestrator.plan.plan import prepare_stage
from orchestrator.plan.stage import Source, Stage
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import load_model_spec, model_spec_names
from tests.plan.conftest import PROGRAMS, as_new

leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
documents = st.dictionaries(
    st.text(),
    st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12),
    min_size=1,
)


def shuffled(value):
    if isinstance(value, dict):
        return {name: shuffled(inner) for name, inner in reversed(value.items())}
    return [shuffled(inner) for inner in value] if isinstance(value, list) else value


def paths(value, above=()):
    """Yield the way to every leaf; an empty list or mapping is one."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    inner = list(entries)
    if not inner:
        yield above
    for name, child in inner:
        yield from paths(child, (*above, name))


@pytest.mark.slow
@settings(deadline=None)
@given(documents)
def test_key_is_independent_of_the_order_of_fields(document):
    assert document_key(document) == document_key(shuffled(document))


@pytest.mark.slow
@settings(deadline=None)
@given(documents)
def test_key_changes_with_every_leaf(document):
    key = document_key(document)
    for way in paths(document):
        changed = copy.deepcopy(document)
        holder = changed
        for part in way[:-1]:
            holder = holder[part]
        holder[way[-1]] = [holder[way[-1]], "changed"]
        assert document_key(changed) != key


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_without_a_canonical_form_are_refused(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"rate": number})


def test_key_is_the_same_wherever_the_files_lie(planned, tmp_path):
    _, first = planned()
    (tmp_path / "elsewhere" / "holiday").mkdir(parents=True)
    moved = {"holiday": {"kind": "photos", "folder": str(tmp_path / "elsewhere" / "holiday")}}
    _, second = planned(datasets=moved)
    assert {name: identity.key for name, identity in first.items()} == {
        name: identity.key for name, identity in second.items()
    }


def changed_stages(before, after):
    return {name for name in before if name not in after or before[name].key != after[name].key}


def test_recipe_value_changes_exactly_what_depends_on_it(planned):
    plan, before = planned()
    models = ["errnet2019", {"model": "ibcln2020", "name": "short", "recipe": {"crop": 128}}]
    _, after = planned(models=models)
    assert changed_stages(before, after) == {"train/short", *plan.dependents("train/short")}


def test_content_of_a_dataset_changes_exactly_what_depends_on_it(planned):
    plan, _ = planned()
    _, after = planned(lambda path, _dataset=None: ("f" if path.name == "holiday" else "0") * 64, features="random")
    _, same = planned(lambda _path, _dataset=None: "0" * 64, features="random")
    assert changed_stages(same, after) == {"prepare/holiday", *plan.dependents("prepare/holiday")}


def changed(image, **fields):
    return {**PROGRAMS, image: dataclasses.replace(PROGRAMS[image], **fields)}


@pytest.mark.parametrize("part", ["lock", "python"])
def test_another_environment_changes_exactly_what_depends_on_it(planned, part):
    plan, before = planned()
    environment = {**PROGRAMS["ibcln2020"].environment, part: "other"}
    _, after = planned(programs=changed("ibcln2020", environment=environment))
    assert changed_stages(before, after) == {"train/short", *plan.dependents("train/short")}


def test_raised_behaviour_changes_exactly_what_depends_on_it(planned):
    plan, before = planned()
    _, after = planned(programs=changed("ibcln2020", behaviours={**PROGRAMS["ibcln2020"].behaviours, "export": 2}))
    assert changed_stages(before, after) == {"export/short", *plan.dependents("export/short")}


def test_other_code_of_kinds_that_declare_their_behaviour_changes_no_key(planned):
    _, before = planned()
    _, after = planned(programs={name: dataclasses.replace(one, code="f" * 64) for name, one in PROGRAMS.items()})
    assert changed_stages(before, after) == set()


def test_other_code_of_a_kind_without_declared_behaviour_changes_its_key(planned):
    undeclared = {"train": 1, "adopt": 1}
    plan, before = planned(programs=changed("ibcln2020", behaviours=undeclared))
    _, after = planned(programs=changed("ibcln2020", behaviours=undeclared, code="f" * 64))
    assert changed_stages(before, after) == {"export/short", *plan.dependents("export/short")}


def test_what_reads_a_result_that_came_out_as_it_was_keeps_its_key(planned):
    _, before = planned()

    def same(identity):
        return ResultDigests(before[identity.stage].key, identity.key)

    _, after = planned(result=same, seed=7, programs=changed("metrics", behaviours={"prepare": 2, "evaluate": 1}))
    prepared = {name for name in before if name.startswith("prepare/") and name != "prepare/holiday"}
    assert changed_stages(before, after) == {*prepared, "train/errnet2019", "train/short", "overlap"}


def test_keys_are_known_as_far_as_there_are_results(planned):
    plan, _ = planned()
    _, known = planned(result=lambda identity: None if identity.stage.startswith("train/") else as_new(identity))
    behind = {"export/short", "infer/short/holiday"}
    assert behind.isdisjoint(known)
    assert {name for name in known if name.split("/")[0] in {"prepare", "overlap", "train"}} == {
        stage.name for stage in plan.stages if stage.kind in {"prepare", "overlap", "train"}
    }


def test_number_of_threads_is_in_the_keys_of_what_depends_on_it_alone(planned):
    plan, before = planned()
    _, after = planned(threads=3)
    trained = {name for name in before if name.startswith("train/")}
    assert changed_stages(before, after) == trained.union(*(plan.dependents(name) for name in trained))
    free = {name: dataclasses.replace(one, pinned_threads=frozenset()) for name, one in PROGRAMS.items()}
    assert not changed_stages(planned(programs=free)[1], planned(programs=free, threads=3)[1])


def test_memory_is_in_the_keys_of_what_depends_on_it_alone(planned):
    plan, before = planned()
    _, after = planned(memory="5GiB")
    # Which photographs are left out depends on it as well.
    photographs = {"prepare/holiday"}
    decided = {name for name in before if name.startswith("infer/")} | photographs
    assert changed_stages(before, after) == decided.union(*(plan.dependents(name) for name in decided))
    free = {name: dataclasses.replace(one, pinned_memory=frozenset()) for name, one in PROGRAMS.items()}
    plan, before = planned(programs=free)
    changed = changed_stages(before, planned(programs=free, memory="5GiB")[1])
    assert changed == photographs.union(*(plan.dependents(name) for name in photographs))


def test_new_name_for_a_model_makes_no_new_results(planned):
    _, before = planned()
    models = ["errnet2019", {"model": "ibcln2020", "name": "other", "recipe": {"crop": 64}}]
    _, after = planned(models=models)
    kept = {identity.key for name, identity in before.items()}
    assert kept == {identity.key for name, identity in after.items()}


def test_size_of_tiles_counts_only_where_tiles_are_used(planned):
    _, before = planned()
    _, exact = planned(inference={"mode": "exact", "tile": 256})
    _, tiles = planned(inference={"mode": "tiles", "tile": 256})
    _, larger = planned(inference={"mode": "tiles", "tile": 512})
    name = "infer/short/holiday"
    assert before[name].key == exact[name].key
    assert len({before[name].key, tiles[name].key, larger[name].key}) == 3


CHANGES = {
    "memory": "1GiB",
    "models": ["errnet2019"],
    "train": "skimage-train",
    "test": ["skimage-test"],
    "datasets": "see test_content_of_a_dataset_changes_exactly_what_depends_on_it",
    "metrics": ["psnr"],
    "protocols": ["standard", "course2024"],
    "inference": {"mode": "tiles"},
    "features": "random",
    "seed": 5,
    "device": "cuda",
    "accept_overlap": "the same scene from another side",
    "drop_overlap": True,
    "threads": 3,
}
UNDECIDING = {
    "name": "second",
    "note": "other words",
    "engine": "local",
    "timeout_hours": 2.5,
    "device_memory": "6GiB",
    "checkpoint_minutes": 1.5,
    "plugins": "see tests/execute/test_plugins.py: what a plug-in brings is in the keys by content",
    "track": {"mlflow": "http://127.0.0.1:5000"},
    "features_folder": "see test_key_is_the_same_wherever_the_files_lie: its files are in the key by content",
}
"""Fields that decide where and whether a stage runs, or what the report calls it, and never what comes out."""


def test_every_field_of_an_experiment_is_in_a_key_or_known_not_to_decide():
    assert set(CHANGES) | set(UNDECIDING) == set(Experiment.model_fields)
    assert not set(CHANGES) & set(UNDECIDING)


@pytest.mark.parametrize("field", [field for field, value in CHANGES.items() if not str(value).startswith("see ")])
def test_field_that_decides_changes_a_key(planned, field):
    _, before = planned()
    _, after = planned(**{field: CHANGES[field]})
    assert {identity.key for identity in before.values()} != {identity.key for identity in after.values()}


@pytest.mark.parametrize("field", [field for field, value in UNDECIDING.items() if not str(value).startswith("see ")])
def test_field_that_does_not_decide_changes_no_key(planned, field):
    _, before = planned()
    _, after = planned(**{field: UNDECIDING[field]})
    assert {identity.key for identity in before.values()} == {identity.key for identity in after.values()}


@pytest.mark.parametrize("model", [name for name in model_spec_names() if "unaligned" not in name])
def test_every_field_of_a_recipe_reaches_the_training(planned, model):
    plan, _ = planned(models=[model])
    fields = load_model_spec(model).schema_of_recipes.schema["properties"]
    assert set(plan.stage(f"train/{model}").settings["recipe"]) == set(fields)


def dataset_kinds():
    annotation = typing.get_args(typing.get_type_hints(Experiment, include_extras=True)["datasets"])[1]
    return typing.get_args(typing.get_args(annotation)[0])


@pytest.mark.parametrize("kind", dataset_kinds(), ids=lambda kind: kind.__name__)
def test_every_field_of_a_dataset_reaches_its_preparation_or_the_report(kind: type[BaseModel]):
    scene = {"picture": "coffee.png", "top": 0, "left": 0, "height": 64, "width": 64}
    needed = {"transmissions": [scene], "reflections": [scene], "folder": "/pictures", "role": "pairs"}
    fields = {name: value for name, value in needed.items() if name in kind.model_fields}
    if "folder" in fields:
        fields.pop("reflections", None)
    tag = typing.get_args(kind.model_fields["kind"].annotation)[0]
    stage = prepare_stage("mine", kind.model_validate({"kind": tag, **fields}), lambda _path, _dataset: "0" * 64)
    elsewhere = {"folder", "title", "source"}
    assert set(stage.settings["dataset"]) == set(kind.model_fields) - elsewhere
    assert stage.settings["title"] == "mine"
    if "folder" in kind.model_fields:
        assert stage.sources["source"].path == Path("/pictures")


STAGE = Stage(
    name="train/one",
    kind="train",
    image="errnet2019",
    settings={"rate": 1e-4, "crop": 64},
    inputs={"data": "prepare/mine"},
    sources={"features": Source(Path("/features"), "ab" * 32)},
    device="cuda",
    seed=7,
    threads=3,
)
PROGRAM = Program("cd" * 32, {"train": 4}, {"lock": "ef" * 32, "python": "3.11"}, frozenset({"train"}))
RESULTS = {"prepare/mine": ResultDigests("12" * 32, "34" * 32)}


def test_key_is_the_hash_of_one_text_that_stays_the_same_from_version_to_version():
    identity = stage_identity(STAGE, PROGRAM, RESULTS)
    text = (
        '{"behaviour":4,"device":"cuda","environment":{"lock":"' + "ef" * 32 + '","python":"3.11"},'
        '"image":"errnet2019","inputs":{"data":"' + "12" * 32 + '"},"kind":"train","schema":2,"seed":7,'
        '"settings":{"crop":64,"rate":0.0001},"sources":{"features":"' + "ab" * 32 + '"},"threads":3}'
    )
    assert canonical_json(identity.document) == text
    assert identity.key == hashlib.sha256(text.encode()).hexdigest()
    assert (identity.stage, identity.inputs, identity.image) == ("train/one", {"data": "prepare/mine"}, "errnet2019")


def test_stage_of_the_same_program_in_another_image_has_another_key():
    other = stage_identity(dataclasses.replace(STAGE, image="ibcln2020"), PROGRAM, RESULTS)
    assert other.key != stage_identity(STAGE, PROGRAM, RESULTS).key


def test_stage_whose_input_is_not_there_has_no_key():
    with pytest.raises(KeyError, match="prepare/mine"):
        stage_identity(STAGE, PROGRAM, {})
