"""Walks a plan's graph: every stage whose inputs are there runs, whatever else has failed."""

import graphlib
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from orchestrator.errors import NotStarted, SirrError
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.stage import Stage

Result = TypeVar("Result")

_POLL_S = 0.2


@dataclass
class GraphResult(Generic[Result]):
    """What came of the stages: each is in exactly one of the three."""

    results: dict[str, Result] = field(default_factory=dict)
    failures: dict[str, SirrError] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """Stage to the name of the failed stage that it needs."""


def walk(
    stages: Mapping[str, Stage],
    execute: Callable[[Stage, Mapping[str, Result]], Result],
    stopper: Stopper,
    *,
    jobs: int = 1,
    longest: Mapping[str, float] | None = None,
) -> GraphResult[Result]:
    """Realise stages in the order of their inputs, `jobs` at a time; of those that can start the first goes first.

    Where several run at once, that with the longest path behind it goes first: so the longest of all never waits.

    Args:
        stages: By name.
        execute: Realises one.
        stopper: Is asked before each.
        jobs: How many at a time.
        longest: Seconds from a stage's start to the end of the longest path behind it, as far as they are known.

    Inputs from stages that are not among these count as there; `execute` gets the results of those that are.
    A stage whose input failed is skipped; the others go on. After a stop request nothing new is started.
    Unexpected exceptions (not SirrError) end the walk once what runs has ended.
    """
    sorter = graphlib.TopologicalSorter(
        {name: {needed for needed in _needed(stage) if needed in stages} for name, stage in stages.items()}
    )
    sorter.prepare()
    result: GraphResult[Result] = GraphResult()
    pending: dict[Future[Result], str] = {}
    after_s = longest if longest is not None and jobs > 1 else {}
    places = {name: (-after_s.get(name, 0.0), place) for place, name in enumerate(stages)}
    ready: list[str] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=places.__getitem__)
            while ready and len(pending) < jobs:
                name = ready.pop(0)
                blocker = _blocker(stages[name], result)
                if blocker is not None:
                    result.skipped[name] = blocker
                    sorter.done(name)
                elif stopper.requested:
                    result.failures[name] = NotStarted(f"{name} was not started: the run was stopped")
                    sorter.done(name)
                else:
                    inputs = {
                        key: result.results[needed] for key, needed in stages[name].inputs.items() if needed in stages
                    }
                    pending[pool.submit(execute, stages[name], inputs)] = name
                ready = sorted([*ready, *sorter.get_ready()], key=places.__getitem__)
            for future in wait(pending, timeout=_POLL_S, return_when=FIRST_COMPLETED).done:
                name = pending.pop(future)
                try:
                    result.results[name] = future.result()
                except SirrError as error:
                    result.failures[name] = error
                sorter.done(name)
    return result


def _needed(stage: Stage) -> tuple[str, ...]:
    return (*stage.after, *stage.inputs.values())


def _blocker(stage: Stage, result: GraphResult[Any]) -> str | None:
    """Return the failed stage at the root of why this one cannot run."""
    for needed in _needed(stage):
        if needed in result.failures:
            return needed
        if needed in result.skipped:
            return result.skipped[needed]
    return None
