"""Validation: the weights after some epochs go the way of all weights, under names of their own."""

from orchestrator.plan.reasons import reasons
from tests.plan.test_keys import changed_stages

MODELS = [{"model": "errnet2019", "recipe": {"epochs": 5}}, {"model": "ibcln2020", "recipe": {"epochs": 2}}]


def training(dataset="skimage-test", every=2):
    return {"synthetic": "skimage-train", "validation": {"dataset": dataset, "every": every}}


def test_kept_weights_are_exported_inferred_and_evaluated_as_the_final_ones_are(planned):
    plan, _ = planned(models=MODELS, train=training(), test=["skimage-test"], inference={"mode": "tiles"})
    assert plan.stage("train/errnet2019").settings["snapshots"] == [2, 4]
    assert "snapshots" not in plan.stage("train/ibcln2020").settings
    assert sorted(stage.name for stage in plan.stages if "@" in stage.name) == sorted(
        name
        for epoch in (2, 4)
        for name in (
            f"export/errnet2019@{epoch}",
            f"infer/errnet2019@{epoch}/skimage-test",
            f"evaluate/errnet2019@{epoch}/skimage-test/standard",
        )
    )
    final, kept = plan.stage("export/errnet2019"), plan.stage("export/errnet2019@4")
    assert kept.settings == {**final.settings, "snapshot": 4}
    assert (kept.inputs, kept.sources, kept.image) == (final.inputs, final.sources, final.image)
    final, kept = plan.stage("infer/errnet2019/skimage-test"), plan.stage("infer/errnet2019@4/skimage-test")
    assert kept.settings == final.settings
    assert kept.inputs == {"network": "export/errnet2019@4", "dataset": "prepare/skimage-test"}
    final, kept = (plan.stage(f"evaluate/{label}/skimage-test/standard") for label in ("errnet2019", "errnet2019@4"))
    assert kept.settings == final.settings
    assert kept.inputs == {"dataset": "prepare/skimage-test", "predictions": "infer/errnet2019@4/skimage-test"}


def test_validation_is_scored_in_the_protocol_that_ranks_alone(planned):
    protocols = ["course2024", "errnet2019", "standard"]
    plan, _ = planned(models=MODELS, train=training(), test=["skimage-test"], protocols=protocols)
    validated = {stage.name for stage in plan.stages if stage.kind == "evaluate" and "@" in stage.name}
    assert validated == {f"evaluate/errnet2019@{epoch}/skimage-test/errnet2019" for epoch in (2, 4)}


def test_every_stage_comes_after_its_inputs(planned):
    plan, _ = planned(models=MODELS, train=training())
    names = [stage.name for stage in plan.stages]
    assert len(names) == len(set(names))
    for number, stage in enumerate(plan.stages):
        assert set(stage.inputs.values()) <= set(names[:number]), stage.name


def test_final_weights_are_scored_on_a_validation_dataset_that_is_not_tested_on(planned, tmp_path):
    own = {"mine": {"kind": "pairs", "folder": str(tmp_path / "mine")}}
    plan, _ = planned(models=MODELS, train=training("mine"), test=["skimage-test"], datasets=own)
    names = {stage.name for stage in plan.stages if stage.name.endswith("/mine")}
    labels = ("ibcln2020", "errnet2019", "errnet2019@2", "errnet2019@4")
    assert names == {"prepare/mine", *(f"infer/{label}/mine" for label in labels)}
    assert {stage.name for stage in plan.stages if stage.name.endswith("/mine/standard")} == {
        f"evaluate/{label}/mine/standard" for label in labels
    }


def test_without_kept_weights_a_training_has_the_key_that_it_always_had(planned):
    _, before = planned(models=MODELS, train="skimage-train")
    _, after = planned(models=MODELS, train=training(every=5))
    assert changed_stages(before, after) == set()


def test_other_epochs_train_again_and_the_reason_says_so(planned):
    _, before = planned(models=MODELS, train=training(every=2))
    plan, after = planned(models=MODELS, train=training(every=3))
    stage = plan.stage("train/errnet2019")
    assert "train/errnet2019" in changed_stages(before, after)
    assert "train/ibcln2020" not in changed_stages(before, after)
    (reason,) = reasons(stage, after["train/errnet2019"].document, before["train/errnet2019"].document)
    assert reason.startswith("settings.snapshots: [2, 4] -> [3] (validation scores other epochs")
    assert "it runs again" in reason
    _, without = planned(models=MODELS, train="skimage-train")
    (reason,) = reasons(stage, before["train/errnet2019"].document, without["train/errnet2019"].document)
    assert reason.startswith("settings.snapshots: [] -> [2, 4] (")


def test_another_validation_dataset_trains_nothing_again(planned, tmp_path):
    own = {"mine": {"kind": "pairs", "folder": str(tmp_path / "mine")}}
    _, before = planned(models=MODELS, train=training(), datasets=own, test=["skimage-test"])
    _, after = planned(models=MODELS, train=training("mine"), datasets=own, test=["skimage-test"])
    changed = {name for name in after if name in before and before[name].key != after[name].key}
    assert changed == {"overlap"}
