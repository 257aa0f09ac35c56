"""Training and test pictures are compared before anything is trained, and that is in no training's key."""

import pytest


def changed(before, after):
    return {name for name in before if name in after and before[name].key != after[name].key}


def test_every_stage_of_a_training_waits_for_the_comparison(planned):
    plan, _ = planned()
    waiting = {stage.name for stage in plan.stages if "overlap" in stage.after}
    assert waiting == {
        f"{kind}/{label}{dataset}"
        for label in ("errnet2019", "short")
        for kind, dataset in [
            ("train", ""),
            ("export", ""),
            ("infer", "/skimage-test"),
            ("infer", "/holiday"),
            ("evaluate", "/skimage-test/standard"),
        ]
    }


def test_all_that_is_trained_on_is_compared_with_all_that_is_tested_or_validated_on(planned, tmp_path):
    (tmp_path / "pairs").mkdir()
    plan, _ = planned(
        datasets={"pairs": {"kind": "pairs", "folder": str(tmp_path / "pairs")}},
        test=["skimage-test"],
        train={
            "synthetic": "skimage-train",
            "real": "skimage-real",
            "validation": {"dataset": "pairs", "every": 20},
        },
    )
    stage = plan.stage("overlap")
    assert dict(stage.inputs) == {
        "train-synthetic": "prepare/skimage-train",
        "train-real": "prepare/skimage-real",
        "test-0": "prepare/skimage-test",
        "test-1": "prepare/pairs",
    }
    assert stage.settings["action"] == "stop"


def test_another_test_set_trains_nothing_again(planned):
    _, before = planned(test=["skimage-test"])
    _, after = planned(test=["skimage-test", "holiday"])
    assert changed(before, after) == {"overlap"}


def test_accepting_an_overlap_trains_nothing_again(planned):
    _, before = planned()
    _, after = planned(accept_overlap="these are the same scenes on purpose")
    assert changed(before, after) == {"overlap"}


@pytest.mark.parametrize("label", ["errnet2019", "short"])
def test_dropping_pictures_trains_with_what_the_comparison_says(planned, label):
    plan, _ = planned(drop_overlap=True)
    assert plan.stage(f"train/{label}").inputs["overlap"] == "overlap"
    assert plan.stage("overlap").settings["action"] == "drop"


def test_where_nothing_is_trained_nothing_is_compared(planned, tmp_path):
    (tmp_path / "weights.pt").write_text("weights")
    adopted = {"model": "errnet2019", "weights": {"checkpoint": str(tmp_path / "weights.pt")}}
    plan, _ = planned(models=[adopted], train=None)
    assert "overlap" not in {stage.name for stage in plan.stages}
    assert not any(stage.after for stage in plan.stages)
