import threading

import pytest

from orchestrator.errors import NotStarted, SirrError, StageFailed
from orchestrator.execute.schedule import walk
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.stage import Stage


def stage(name, *needs):
    return Stage(name, "train", "errnet2019", {}, inputs={name: name for name in needs})


def plan(*stages):
    return {one.name: one for one in stages}


DIAMOND = plan(stage("a"), stage("b", "a"), stage("c", "a"), stage("d", "b", "c"))


def test_walk_hands_each_stage_the_results_of_its_inputs():
    result = walk(DIAMOND, lambda one, made: one.name + "".join(sorted(made.values())), Stopper())
    assert result.results["d"] == "dbaca"


@pytest.mark.parametrize("jobs", [1, 3])
def test_walk_skips_only_what_needs_the_failed_stage(jobs):
    def execute(one, _made):
        if one.name == "b":
            raise StageFailed("b broke")
        return one.name

    result = walk(DIAMOND, execute, Stopper(), jobs=jobs)
    assert set(result.results) == {"a", "c"}
    assert set(result.failures) == {"b"}
    assert result.skipped == {"d": "b"}


def test_walk_names_the_root_of_a_chain_of_skips():
    chain = plan(stage("a"), stage("b", "a"), stage("c", "b"))

    def execute(one, _made):
        raise StageFailed(one.name)

    assert walk(chain, execute, Stopper()).skipped == {"b": "a", "c": "a"}


def test_walk_starts_nothing_after_a_stop_request():
    stopper = Stopper()

    def execute(one, _made):
        stopper.request()
        return one.name

    result = walk(DIAMOND, execute, stopper)
    assert set(result.results) == {"a"}
    assert all(isinstance(error, NotStarted) for error in result.failures.values())
    assert set(result.failures) | set(result.skipped) == {"b", "c", "d"}


def test_walk_goes_on_with_what_stands_first():
    started = []
    chains = plan(stage("a1"), stage("a2", "a1"), stage("b1"), stage("b2", "b1"), stage("c1"))
    walk(chains, lambda one, _made: started.append(one.name), Stopper())
    assert started == ["a1", "a2", "b1", "b2", "c1"]


def test_walk_runs_independent_stages_at_the_same_time():
    both = threading.Barrier(2, timeout=10)
    walk(plan(stage("a"), stage("b")), lambda _one, _made: both.wait(), Stopper(), jobs=2)


def test_walk_counts_inputs_from_outside_as_there():
    result = walk(plan(stage("b", "stored")), lambda one, made: (one.name, dict(made)), Stopper())
    assert result.results == {"b": ("b", {})}


def test_walk_lets_unexpected_exceptions_out():
    def execute(_one, _made):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        walk(plan(stage("a")), execute, Stopper())


def test_every_error_of_the_tree_has_a_code_of_its_own():
    def below(cls):
        return {cls}.union(*(below(sub) for sub in cls.__subclasses__()))

    codes = [cls.code for cls in below(SirrError)]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(("jobs", "first"), [pytest.param(1, "short", id="one"), pytest.param(2, "long", id="several")])
def test_of_several_at_once_that_with_the_longest_path_behind_it_starts_first(jobs, first):
    begun, both = [], threading.Event()

    def execute(one, _made):
        begun.append(one.name)
        if one.name == "gate":
            both.wait(0.2)
        return one.name

    stages = plan(stage("gate"), stage("short"), stage("long"))
    walk(stages, execute, Stopper(), jobs=jobs, longest={"gate": 99.0, "short": 1.0, "long": 5.0})
    assert begun[:2] == ["gate", first]
