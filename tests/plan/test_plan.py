"""The stages of an experiment and how they hang together."""

import time

import pytest

from stagekit.measures import PROTOCOLS

PAIRS = ["input", "truth", "errnet2019", "short"]


def test_plan_has_every_stage_once_and_after_its_inputs(planned):
    plan, _ = planned()
    names = [stage.name for stage in plan.stages]
    assert sorted(names) == sorted(
        [
            *(f"prepare/{name}" for name in ("skimage-train", "skimage-real", "skimage-test", "holiday")),
            "overlap",
            *(f"{kind}/{label}" for kind in ("train", "export") for label in ("errnet2019", "short")),
            *(f"infer/{label}/{name}" for label in ("errnet2019", "short") for name in ("skimage-test", "holiday")),
            *(f"evaluate/{label}/skimage-test/standard" for label in PAIRS),
        ]
    )
    for number, stage in enumerate(plan.stages):
        assert set(stage.inputs.values()) <= set(names[:number]), stage.name


def test_photos_are_prepared_where_networks_take_them_from_and_pairs_where_they_are_scored(planned):
    images = {stage.name: stage.image for stage in planned()[0].stages if stage.kind == "prepare"}
    assert images.pop("prepare/holiday") == "inference"
    assert set(images.values()) == {"metrics"}


def test_photos_are_shown_and_never_scored(planned):
    plan, _ = planned(test=["holiday"])
    assert {stage.kind for stage in plan.stages} == {"prepare", "overlap", "train", "export", "infer"}


def test_controls_need_no_network(planned):
    plan, _ = planned()
    for control in ("input", "truth"):
        stage = plan.stage(f"evaluate/{control}/skimage-test/standard")
        assert stage.settings["control"] is True
        assert dict(stage.inputs) == {"dataset": "prepare/skimage-test"}


def test_feature_weights_reach_exactly_the_stages_that_use_them(planned):
    plan, _ = planned()
    with_features = {stage.kind for stage in plan.stages if "features" in stage.sources}
    assert with_features == {"train", "export", "evaluate"}
    for stage in ("train/errnet2019", "export/errnet2019", "train/short"):
        assert plan.stage(stage).sources["features"].path.name == "vgg19-dcbb9e9d.pth"
    assert "features" not in plan.stage("export/short").sources  # they serve the losses of its training alone
    assert (
        plan.stage("evaluate/input/skimage-test/standard").sources["features"].path.name == "alexnet-owt-7be5be79.pth"
    )
    random, _ = planned(features="random")
    assert not any("features" in stage.sources for stage in random.stages)
    scored, _ = planned(metrics=["psnr"])
    assert "features" not in scored.stage("evaluate/input/skimage-test/standard").sources


def test_every_protocol_is_a_stage_of_its_own_with_its_version(planned):
    plan, _ = planned(protocols=list(PROTOCOLS))
    for label in PAIRS:
        stages = [plan.stage(f"evaluate/{label}/skimage-test/{name}") for name in PROTOCOLS]
        assert [(stage.settings["protocol"], stage.settings["version"]) for stage in stages] == [
            (name, protocol.version) for name, protocol in PROTOCOLS.items()
        ]
    assert plan.stage("evaluate/short/skimage-test/errnet2019").settings["metrics"] == ["psnr", "ssim", "lmse", "ncc"]


def test_another_protocol_changes_no_other_evaluation(planned):
    _, before = planned()
    _, after = planned(protocols=["standard", "course2024"])
    assert {name for name in before if before[name].key != after[name].key} == set()


def test_floats_are_kept_only_where_a_protocol_scores_them(planned):
    plan, _ = planned(protocols=["standard", "errnet2019"])
    assert plan.stage("infer/short/skimage-test").settings["arrays"] is True
    assert "arrays" not in plan.stage("infer/short/holiday").settings
    assert "arrays" not in planned()[0].stage("infer/short/skimage-test").settings


def test_missing_weights_of_lpips_stop_nothing_and_are_in_no_key(planned, tmp_path):
    (tmp_path / "features" / "alexnet-owt-7be5be79.pth").unlink()
    plan, _ = planned()
    stage = plan.stage("evaluate/input/skimage-test/standard")
    assert stage.settings["metrics"] == ["psnr", "ssim", "lpips"]
    assert "features" not in stage.sources


def test_several_seeds_are_several_runs(planned):
    plan, known = planned(models=[{"model": "errnet2019", "seeds": [3, 5]}])
    assert [plan.stage(f"train/errnet2019-seed{seed}").seed for seed in (3, 5)] == [3, 5]
    assert known["train/errnet2019-seed3"].key != known["train/errnet2019-seed5"].key
    _, alone = planned(models=[{"model": "errnet2019", "seed": 3}])
    assert alone["train/errnet2019"].key == known["train/errnet2019-seed3"].key


def test_training_gets_the_full_recipe(planned):
    plan, _ = planned()
    recipe = plan.stage("train/short").settings["recipe"]
    assert recipe["crop"] == 64
    assert recipe["cascade"] == 3
    assert recipe["family"] == "ibcln2020"


def test_dependents_are_those_that_need_the_result_directly_or_not(planned):
    plan, _ = planned()
    assert plan.dependents("export/short") == {
        "infer/short/skimage-test",
        "infer/short/holiday",
        "evaluate/short/skimage-test/standard",
    }


def test_unknown_stage_is_a_key_error(planned):
    with pytest.raises(KeyError, match="train/nobody"):
        planned()[0].stage("train/nobody")


def test_each_folder_is_digested_once(planned):
    asked = []

    def digest(path, dataset=None):
        asked.append(path)
        return "0" * 64

    planned(digest)
    assert len(asked) == len(set(asked))


def test_large_plan_is_quick(planned):
    models = [{"model": "errnet2019", "name": f"m{number}", "seed": number} for number in range(250)]
    began = time.perf_counter()
    plan, known = planned(models=models)
    assert time.perf_counter() - began < 10  # the benchmark holds the true bound; this one only catches a blunder
    assert len(plan.stages) == len(known) > 1000
