"""Weights that are adopted instead of trained: what a spec may say, and which stages it becomes."""

import os

import pytest

from orchestrator.errors import SpecError
from orchestrator.plan.keys import Program, ResultDigests, identities
from orchestrator.plan.plan import experiment_plan
from orchestrator.spec.load import load_experiment
from orchestrator.spec.resolve import resolve

SPEC = """\
name: adopted
models:
  - {model: ibcln2020, weights: {checkpoint: released}}
test: [skimage-test]
metrics: [psnr]
features: random
"""


@pytest.fixture
def resolved(tmp_path):
    """Return a function that reads a spec beside a checkpoint."""
    (tmp_path / "released").mkdir()
    (tmp_path / "released" / "final_net_G_T.pth").write_bytes(b"weights")
    (tmp_path / "released" / "final_net_G_R.pth").write_bytes(b"weights")
    os.mkfifo(tmp_path / "pipe")

    def read(text=SPEC):
        path = tmp_path / "spec.yaml"
        path.write_text(text, encoding="utf-8")
        return resolve(load_experiment(path), path)

    return read


def planned(experiment, digest=lambda path, dataset=None: str(path.name)):
    plan = experiment_plan(experiment, digest)
    programs = dict.fromkeys(["ibcln2020", "inference", "metrics", "orchestrator"], Program("code"))
    return plan, identities(plan.stages, programs, lambda one: ResultDigests(one.key, one.key))


def test_an_adopted_model_is_not_trained(resolved, tmp_path):
    plan, _ = planned(resolved())
    stages = {stage.name: stage for stage in plan.stages}
    assert "train/ibcln2020" not in stages
    assert stages["adopt/ibcln2020"].sources["checkpoint"].path == tmp_path / "released"
    assert stages["adopt/ibcln2020"].settings == {"model": "ibcln2020", "cascade": 3}
    assert stages["export/ibcln2020"].inputs == {"weights": "adopt/ibcln2020"}


def test_the_checkpoints_content_is_in_the_key_and_its_path_is_not(resolved):
    keys = [
        planned(resolved(), lambda path, dataset=None, said=said: said if path.name == "released" else "other")[1]
        for said in ("one", "one", "two")
    ]
    first, second, third = (stages["adopt/ibcln2020"].key for stages in keys)
    assert first == second != third


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SPEC.replace("checkpoint: released", "checkpoint: nowhere"), "there is no checkpoint"),
        (SPEC.replace("checkpoint: released", "checkpoint: pipe"), "is a pipe or a device"),
        (SPEC.replace("{checkpoint: released}", "{checkpoint: released}, recipe: {epochs: 2}"), "changes nothing"),
        (SPEC.replace(", weights: {checkpoint: released}", ""), "neither trained nor adopted"),
    ],
)
def test_mistakes_are_told_with_their_place(resolved, text, words):
    with pytest.raises(SpecError) as caught:
        resolved(text)
    assert words in caught.value.message
    assert "spec.yaml:3:" in caught.value.message or "spec.yaml:3:" in str(caught.value.where)


def test_the_number_of_cascade_steps_may_be_given(resolved):
    experiment = resolved(SPEC.replace("{checkpoint: released}", "{checkpoint: released}, recipe: {cascade: 2}"))
    assert planned(experiment)[0].stages[1].settings["cascade"] == 2


def test_one_of_several_files_stands_for_all_of_them_and_nothing_else(resolved, tmp_path):
    (tmp_path / "released" / "final_net_D.pth").write_bytes(b"other")
    (tmp_path / "released" / "80_net_G_T.pth").write_bytes(b"other")
    plan, _ = planned(resolved(SPEC.replace("checkpoint: released", "checkpoint: released/final_net_G_T.pth")))
    sources = {name: source.path.name for name, source in plan.stage("adopt/ibcln2020").sources.items()}
    assert sources == {
        "checkpoint": "final_net_G_R.pth",
        "checkpoint.G_R": "final_net_G_R.pth",
        "checkpoint.G_T": "final_net_G_T.pth",
    }


def test_an_entry_is_a_setting_of_the_stage_and_only_where_it_is_given(resolved):
    plan, _ = planned(resolved(SPEC.replace("{checkpoint: released}", "{checkpoint: released, entry: params_ema}")))
    assert plan.stage("adopt/ibcln2020").settings == {"model": "ibcln2020", "cascade": 3, "entry": "params_ema"}
