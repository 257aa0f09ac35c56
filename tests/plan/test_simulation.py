"""Simulated schedules: never quicker than can be, the same every time, near the longest path where slots suffice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execute.simulation import SUBMITTED, timed_stages
from orchestrator.plan.simulation import TimedStage, longest_remaining, simulate

H = 3600.0
TRAINING_S = {"zhang2018": 29.5 * H, "errnet2019": 12.0 * H, "ibcln2020": 13.0 * H}
SECONDS = {"prepare": 120.0, "overlap": 60.0, "export": 45.0, "infer": 300.0, "evaluate": 60.0}
SETS = 6


@st.composite
def plans(draw):
    """Stages of which each needs some that are given before it, in places of their own numbers of slots."""
    slots = draw(st.dictionaries(st.sampled_from(["a", "b"]), st.integers(1, 5), min_size=1))
    stages = []
    for number in range(draw(st.integers(0, 25))):
        needs = draw(st.sets(st.sampled_from([one.name for one in stages]), max_size=4)) if stages else set()
        seconds = draw(st.integers(0, 1000))  # whole numbers of seconds add up without rounding
        stages.append(
            TimedStage(f"s{number}", float(seconds), tuple(sorted(needs)), draw(st.sampled_from(sorted(slots))))
        )
    return stages, slots


@given(plans())
def test_no_schedule_beats_the_longest_path_nor_the_work_in_all_slots(made):
    stages, slots = made
    found = simulate(stages, slots)
    assert found.makespan_s >= found.longest_path_s
    for place, work in found.work_s.items():
        assert found.makespan_s * slots[place] >= work
    assert found.makespan_s >= found.bound_s * (1 - 1e-12)
    assert found.makespan_s <= sum(one.seconds for one in stages)


@given(plans())
def test_schedule_is_one_that_can_be_kept(made):
    stages, slots = made
    found = simulate(stages, slots)
    ends = {one.name: found.starts[one.name] + one.seconds for one in stages}
    assert set(found.starts) == {one.name for one in stages}
    assert found.makespan_s == max(ends.values(), default=0.0)
    for one in stages:
        assert all(ends[needed] <= found.starts[one.name] for needed in one.needs)
        beside = [
            other
            for other in stages
            if other.place == one.place and found.starts[other.name] <= found.starts[one.name] < ends[other.name]
        ]
        assert len(beside) <= slots[one.place]


@given(plans())
def test_same_stages_come_to_the_same(made):
    stages, slots = made
    assert simulate(stages, slots) == simulate(list(stages), dict(slots))


@given(plans())
def test_longest_path_is_a_path_and_as_long_as_is_said(made):
    stages, slots = made
    found = simulate(stages, slots)
    by_name = {one.name: one for one in stages}
    for needed, name in zip(found.longest_path, found.longest_path[1:], strict=False):
        assert needed in by_name[name].needs
    assert sum(by_name[name].seconds for name in found.longest_path) == found.longest_path_s
    assert found.longest_path_s == max(longest_remaining(stages).values(), default=0.0)


@given(plans())
def test_with_a_slot_for_each_stage_the_longest_path_is_all(made):
    stages, slots = made
    found = simulate(stages, dict.fromkeys(slots, len(stages) + 1))
    assert found.makespan_s == found.longest_path_s


def test_longest_goes_first_of_those_that_can_start():
    stages = [
        TimedStage("short", 1.0, (), "a"),
        TimedStage("long", 5.0, (), "a"),
        TimedStage("after", 9.0, ("short",), "a"),
    ]
    assert simulate(stages, {"a": 1}).starts == {"short": 0.0, "after": 1.0, "long": 10.0}


def seconds_of(stage):
    """Return what a stage takes where a GPU is a hundred times as fast as two processor cores."""
    return TRAINING_S[stage.settings["model"]] if stage.kind == "train" else SECONDS.get(stage.kind, 60.0)


@pytest.fixture
def whole_comparison(planned, tmp_path):
    """The stages of three networks, each trained three times, on six test sets."""
    sets = {f"set{number}": {"kind": "pairs", "folder": str(tmp_path / f"set{number}")} for number in range(SETS)}
    for name in sets:
        (tmp_path / name).mkdir()
    models = [
        {"model": model, "name": f"{model}-{number}", "recipe": {"epochs": number}}
        for model in TRAINING_S
        for number in (1, 2, 3)
    ]
    made, _identities = planned(models=models, datasets=sets, test=list(sets), protocols=["standard", "errnet2019"])
    return {stage.name: stage for stage in made.stages}


def test_whole_comparison_on_sixteen_gpus_takes_little_more_than_its_longest_training(whole_comparison):
    assert 180 <= len(whole_comparison) <= 320
    stages = timed_stages(whole_comparison, {name: seconds_of(stage) for name, stage in whole_comparison.items()})
    found = simulate(stages, {"slots": 16, "beside": 4})
    assert found.longest_path_s <= found.makespan_s <= 1.05 * found.longest_path_s
    assert any(name.startswith("train/zhang2018") for name in found.longest_path)
    assert {one.place for one in stages if one.name.startswith("train/")} == {"slots"}
    assert {stage.kind for stage in whole_comparison.values()} - SUBMITTED >= {"prepare", "export", "evaluate"}
    one = simulate(stages, {"slots": 1, "beside": 4})
    assert one.makespan_s >= one.work_s["slots"] > 4 * found.makespan_s
