"""Authors' programs in a plan: they are run, what they wrote is taken over and scored, and nothing else is touched."""

import pytest

MODELS = ["errnet2019"]


@pytest.fixture
def given(tmp_path):
    (tmp_path / "clone").mkdir()
    (tmp_path / "weights.pt").write_bytes(b"weights")
    program = {
        "image": "yang2019",
        "source": str(tmp_path / "clone"),
        "command": "run {input} {weights}",
        "weights": str(tmp_path / "weights.pt"),
    }
    return {"name": "theirs", "program": program, "layer": "fake_B"}


def test_the_program_is_run_and_what_it_wrote_is_collected_and_scored(planned, given):
    plan, _ = planned(models=[*MODELS, given])
    for name in ("skimage-test", "holiday"):
        run, collect = plan.stage(f"command/theirs/{name}"), plan.stage(f"collect/theirs/{name}")
        assert (run.image, dict(run.inputs)) == ("yang2019", {"dataset": f"prepare/{name}"})
        assert dict(run.settings) == {"command": "run {input} {weights}"}
        assert {source: found.path.name for source, found in run.sources.items()} == {
            "source": "clone",
            "weights": "weights.pt",
        }
        assert dict(collect.inputs) == {"dataset": f"prepare/{name}", "pictures": f"command/theirs/{name}"}
        assert collect.settings["naming"] == {"pictures": None, "layer": "fake_B"}
        assert not collect.sources
    assert plan.stage("evaluate/theirs/skimage-test/standard").inputs["predictions"] == "collect/theirs/skimage-test"


def test_adding_it_runs_only_its_stages(planned, given):
    _, before = planned(models=MODELS)
    _, after = planned(models=[*MODELS, given])
    assert {name: one.key for name, one in before.items()}.items() <= {n: one.key for n, one in after.items()}.items()
    assert {name.split("/")[1] for name in after.keys() - before.keys()} == {"theirs"}


def test_what_decides_is_in_the_key(planned, given, tmp_path):
    def keys(**changes):
        changed = {**given, "program": {**given["program"], **changes.pop("program", {})}, **changes}
        found = planned(models=[changed])[1]
        return [found[f"{kind}/theirs/skimage-test"].key for kind in ("command", "collect")]

    run, collect = keys()
    assert keys(title="Another", origin="A paper") == [run, collect]
    assert keys(name="theirs", layer="t")[0] == run
    assert keys(layer="t")[1] != collect
    assert keys(program={"command": "run {input} -x {weights}"})[0] != run
    assert keys(program={"image": "errnet2019"})[0] != run
