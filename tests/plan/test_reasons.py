"""Why a stage must run, in words."""

from orchestrator.plan.reasons import reasons
from tests.plan.conftest import RECIPES


def test_first_run_has_one_reason(planned):
    _, known = planned()
    assert reasons(known["report"], None) == ("first run",)


def test_same_document_has_no_reason(planned):
    _, known = planned()
    assert all(reasons(identity, identity.document) == () for identity in known.values())


def test_changed_recipe_value_is_named_with_its_place_and_both_values(planned):
    _, before = planned(models=["errnet2019"])
    rates = [{"epoch": 0, "rate": 1e-4}, {"epoch": 30, "rate": 7e-5}]
    _, after = planned(models=[{"model": "errnet2019", "recipe": {"rate": rates, "weight_vgg": 0.2}}])
    assert reasons(after["train/errnet2019"], before["train/errnet2019"].document) == (
        "settings.recipe.rate[1].rate: 5e-05 -> 7e-05",
        'settings.recipe.rate[2]: {"epoch": 40, "rate": 1e-05} removed',
        'settings.recipe.rate[3]: {"epoch": 45, "rate": 5e-05} removed',
        'settings.recipe.rate[4]: {"epoch": 50, "rate": 1e-05} removed',
        "settings.recipe.weight_vgg: 0.1 -> 0.2",
    )


def test_changed_input_is_named_with_its_stage(planned):
    _, before = planned(models=["errnet2019"])
    _, after = planned(models=[{"model": "errnet2019", "seed": 9}])
    assert reasons(after["train/errnet2019"], before["train/errnet2019"].document) == ("seed: 0 -> 9",)
    assert reasons(after["export/errnet2019"], before["export/errnet2019"].document) == (
        "input weights changed (train/errnet2019)",
    )


def test_changed_image_files_and_device_are_named(planned):
    _, before = planned()
    _, after = planned(lambda _: "f" * 64, {**RECIPES, "errnet2019": "f" * 64, "orchestrator": "f" * 64}, device="cuda")
    assert reasons(after["train/errnet2019"], before["train/errnet2019"].document) == (
        'device: "cpu" -> "cuda"',
        "image errnet2019 changed",
        "the content of source features changed",
    )
    assert "the orchestrator's own code changed" in reasons(after["report"], before["report"].document)


def test_new_and_dropped_inputs_are_named(planned):
    _, before = planned()
    _, after = planned(train="skimage-train")
    assert reasons(after["train/short"], before["train/short"].document) == ("input real is no longer used",)
    assert reasons(before["train/short"], after["train/short"].document) == (
        "input real (prepare/skimage-real) is new",
    )
