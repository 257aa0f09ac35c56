"""How long stages take together in so many slots: list scheduling by the longest remaining path, as pure arithmetic."""

import graphlib
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TimedStage:
    """A stage as a simulation sees it.

    Attributes:
        seconds: 0 or more.
        needs: Names of stages that end before it starts; of those that are not simulated it is taken that they have.
        place: Which slots it takes one of.
    """

    name: str
    seconds: float
    needs: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class Simulation:
    """What came of a simulation.

    Attributes:
        starts: When each stage starts, in seconds from the first one's start.
        makespan_s: When the last one ends.
        longest_path: Names of stages of which each needs the one before; no path takes longer.
        longest_path_s: Its seconds: nothing is quicker with any number of slots.
        work_s: Seconds of all stages of a place.
        slots: Of each place.
    """

    starts: Mapping[str, float]
    makespan_s: float
    longest_path: tuple[str, ...]
    longest_path_s: float
    work_s: Mapping[str, float]
    slots: Mapping[str, int]

    @property
    def bound_s(self) -> float:
        """What no order of stages can beat: the longest path, and the work of a place in all its slots."""
        return max([self.longest_path_s, *(work / self.slots[place] for place, work in self.work_s.items())])


def longest_remaining(stages: Iterable[TimedStage]) -> dict[str, float]:
    """Return for each stage the seconds from its start to the end of the longest path that begins with it.

    Raises:
        graphlib.CycleError: Where stages need each other.
    """
    by_name = {stage.name: stage for stage in stages}
    remaining = dict.fromkeys(by_name, 0.0)
    for name in reversed(_ordered(by_name)):
        remaining[name] += by_name[name].seconds  # what comes after it has left its longest path here
        for needed in by_name[name].needs:
            if needed in remaining:
                remaining[needed] = max(remaining[needed], remaining[name])
    return remaining


def simulate(stages: Iterable[TimedStage], slots: Mapping[str, int]) -> Simulation:
    """Return what comes of starting, whenever a slot is free, the stage with the longest remaining path.

    Of equal ones the earlier given starts first, so that the same stages always come to the same.

    Args:
        slots: Of each place that a stage names, 1 or more.

    Raises:
        graphlib.CycleError: Where stages need each other.
    """
    by_name = {stage.name: stage for stage in stages}
    remaining = longest_remaining(by_name.values())
    order = {name: (-remaining[name], number) for number, name in enumerate(by_name)}
    sorter = graphlib.TopologicalSorter(_graph(by_name))
    sorter.prepare()
    free, ready = dict(slots), dict[str, list[tuple[tuple[float, int], str]]]()
    starts: dict[str, float] = {}
    running: list[tuple[float, int, str]] = []
    now = 0.0
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready.setdefault(by_name[name].place, []), (order[name], name))
        for place, waiting in ready.items():
            while waiting and free[place] > 0:
                (_longest, number), name = heapq.heappop(waiting)
                free[place] -= 1
                starts[name] = now
                heapq.heappush(running, (now + by_name[name].seconds, number, name))
        now, _number, ended = heapq.heappop(running)
        free[by_name[ended].place] += 1
        sorter.done(ended)
    work: dict[str, float] = {}
    for stage in by_name.values():
        work[stage.place] = work.get(stage.place, 0.0) + stage.seconds
    path = _longest_path(by_name, remaining)
    return Simulation(starts, now, path, max(remaining.values(), default=0.0), work, dict(slots))


def _longest_path(by_name: Mapping[str, TimedStage], remaining: Mapping[str, float]) -> tuple[str, ...]:
    after: dict[str, list[str]] = {}
    for stage in by_name.values():
        for needed in stage.needs:
            after.setdefault(needed, []).append(stage.name)
    path: list[str] = []
    following = list(by_name)
    while following:
        path.append(max(following, key=remaining.__getitem__))
        following = after.get(path[-1], [])
    return tuple(path)


def _graph(by_name: Mapping[str, TimedStage]) -> dict[str, list[str]]:
    return {name: [needed for needed in stage.needs if needed in by_name] for name, stage in by_name.items()}


def _ordered(by_name: Mapping[str, TimedStage]) -> list[str]:
    return list(graphlib.TopologicalSorter(_graph(by_name)).static_order())
