"""Predictions in a plan: they are taken over, scored as models are, and touch nothing else."""

import pytest

MODELS = ["errnet2019", {"model": "ibcln2020", "name": "short", "recipe": {"crop": 64}}]


@pytest.fixture
def given(tmp_path):
    for name in ("skimage-test", "holiday"):
        (tmp_path / "given" / name).mkdir(parents=True)
    return {"predictions": str(tmp_path / "given"), "name": "other"}


def test_predictions_are_collected_and_scored(planned, given):
    plan, _ = planned(models=[*MODELS, given])
    for name in ("skimage-test", "holiday"):
        stage = plan.stage(f"collect/other/{name}")
        assert dict(stage.inputs) == {"dataset": f"prepare/{name}"}
        assert stage.sources["pictures"].path.name == name
        assert stage.after == ()
    scored = plan.stage("evaluate/other/skimage-test/standard")
    assert scored.inputs["predictions"] == "collect/other/skimage-test"
    assert scored.settings["control"] is False
    assert "evaluate/other/holiday/standard" not in {stage.name for stage in plan.stages}


def test_adding_predictions_runs_only_their_stages(planned, given):
    _, before = planned(models=MODELS)
    _, after = planned(models=[*MODELS, given])
    assert {name: one.key for name, one in before.items()}.items() <= {n: one.key for n, one in after.items()}.items()
    assert {name.split("/")[1] for name in after.keys() - before.keys()} == {"other"}


def test_how_files_are_called_is_in_the_key_and_where_they_lie_is_not(planned, given, tmp_path):
    def key(**changes):
        return planned(models=[{**given, **changes}])[1]["collect/other/skimage-test"].key

    first = key()
    assert first != key(layer="t")
    assert first == key(title="Another title", source="A program")
    (tmp_path / "given").rename(tmp_path / "moved")
    assert first == key(predictions=str(tmp_path / "moved"))


def test_a_test_dataset_without_predictions_has_no_stages(planned, given):
    plan, _ = planned(models=[{**given, "sets": {"skimage-test": None}}])
    names = {stage.name for stage in plan.stages}
    assert "collect/other/holiday" in names
    assert not any(name.startswith(("collect/other/skimage-test", "evaluate/other")) for name in names)
