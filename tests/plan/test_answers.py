"""Programs in a plan: they answer every test dataset, and only their own stages follow them."""

MODELS = ["errnet2019", {"model": "ibcln2020", "name": "short", "recipe": {"crop": 64}}]


def test_a_program_answers_every_test_dataset_and_is_scored(planned):
    plan, _ = planned(models=[*MODELS, {"program": "yang2019"}], protocols=["standard", "errnet2019"])
    for name in ("skimage-test", "holiday"):
        stage = plan.stage(f"predict/yang2019/{name}")
        assert (stage.image, stage.kind, stage.after) == ("yang2019", "predict", ())
        assert stage.settings == {"model": "yang2019", "parameters": {"threshold": 0.033}, "arrays": True}
    for protocol in ("standard", "errnet2019"):
        scored = plan.stage(f"evaluate/yang2019/skimage-test/{protocol}")
        assert scored.inputs["predictions"] == "predict/yang2019/skimage-test"


def test_adding_a_program_runs_only_its_stages(planned):
    _, before = planned(models=MODELS)
    _, after = planned(models=[*MODELS, {"program": "yang2019", "name": "closed-form"}])
    assert {name: one.key for name, one in before.items()}.items() <= {n: one.key for n, one in after.items()}.items()
    assert {name.split("/")[1] for name in after.keys() - before.keys()} == {"closed-form"}


def test_a_parameter_is_in_the_key_and_a_name_is_not(planned):
    def key(**changes):
        entrant = {"program": "yang2019", **changes}
        name = changes.get("name", "yang2019")
        return planned(models=[entrant])[1][f"predict/{name}/skimage-test"].key

    assert key() == key(parameters={"threshold": 0.033}) == key(name="other")
    assert key() != key(parameters={"threshold": 0.05})
