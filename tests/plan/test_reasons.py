"""Why a stage must run, in words."""

from dataclasses import replace

from orchestrator.plan.keys import key_document
from orchestrator.plan.reasons import reasons, waiting_reason
from tests.plan.conftest import PROGRAMS


def why(planned, name, before, **changes):
    """Return the reasons of a stage, planned with changes, against its earlier document."""
    plan, after = planned(**changes)
    return reasons(plan.stage(name), after[name].document, before[name].document)


def test_first_run_has_one_reason(planned):
    plan, known = planned()
    assert reasons(plan.stage("overlap"), known["overlap"].document, None) == ("first run",)


def test_same_document_has_no_reason(planned):
    plan, known = planned()
    assert all(reasons(plan.stage(name), one.document, one.document) == () for name, one in known.items())


def test_changed_recipe_value_is_named_with_its_place_and_both_values(planned):
    _, before = planned(models=["errnet2019"])
    rates = [{"epoch": 0, "rate": 1e-4}, {"epoch": 30, "rate": 7e-5}]
    models = [{"model": "errnet2019", "recipe": {"rate": rates, "weight_vgg": 0.2}}]
    assert why(planned, "train/errnet2019", before, models=models) == (
        "settings.recipe.rate[1].rate: 5e-05 -> 7e-05",
        'settings.recipe.rate[2]: {"epoch": 40, "rate": 1e-05} removed',
        'settings.recipe.rate[3]: {"epoch": 45, "rate": 5e-05} removed',
        'settings.recipe.rate[4]: {"epoch": 50, "rate": 1e-05} removed',
        "settings.recipe.weight_vgg: 0.1 -> 0.2",
    )


def test_changed_input_is_named_with_its_stage(planned):
    _, before = planned(models=["errnet2019"])
    models = [{"model": "errnet2019", "seed": 9}]
    assert why(planned, "train/errnet2019", before, models=models) == ("seed: 0 -> 9",)
    assert why(planned, "export/errnet2019", before, models=models) == ("input weights changed (train/errnet2019)",)


def test_changed_environment_behaviour_threads_files_and_device_are_named(planned):
    _, before = planned()
    other = replace(
        PROGRAMS["errnet2019"],
        behaviours={**PROGRAMS["errnet2019"].behaviours, "train": 2},
        environment={"lock": "f" * 64, "python": "3.12"},
    )
    programs = {**PROGRAMS, "errnet2019": other}
    changes = {"digest": lambda _path, _dataset=None: "f" * 64, "programs": programs, "device": "cuda", "threads": 4}
    assert why(planned, "train/errnet2019", before, **changes) == (
        'device: "cpu" -> "cuda"',
        "threads: 2 -> 4",
        "the behaviour of train in image errnet2019 changed: version 1 -> 2",
        "the locked packages of image errnet2019 changed",
        "the Python version of image errnet2019 changed",
        "the content of source features changed",
    )


def test_changed_code_of_a_kind_without_declared_behaviour_is_named(planned):
    bare = {**PROGRAMS, "errnet2019": replace(PROGRAMS["errnet2019"], behaviours={})}
    _, before = planned(programs=bare)
    programs = {**bare, "errnet2019": replace(bare["errnet2019"], code="f" * 64)}
    assert why(planned, "train/errnet2019", before, programs=programs) == ("the code of image errnet2019 changed",)


def test_input_that_is_not_there_yet_is_waited_for_and_no_change(planned):
    plan, before = planned()
    stage = plan.stage("train/short")
    document = key_document(stage, PROGRAMS["ibcln2020"], {})
    assert reasons(stage, document, before["train/short"].document) == ()
    assert waiting_reason(stage, document) == "waits for the content of prepare/skimage-train, prepare/skimage-real"


def test_result_of_an_older_key_schema_is_said_to_be_one(planned):
    plan, known = planned()
    older = {**known["train/short"].document, "schema": 1}
    (reason,) = reasons(plan.stage("train/short"), known["train/short"].document, older)
    assert "cannot be shown to be the same, and is made again" in reason


def test_new_and_dropped_inputs_are_named(planned):
    _, before = planned()
    _, after = planned(train="skimage-train")
    assert why(planned, "train/short", before, train="skimage-train") == ("input real is no longer used",)
    assert why(planned, "train/short", after) == ("input real (prepare/skimage-real) is new",)
