"""How long the stages that a store lacks would take at a site: simulated from estimates, before anybody queues."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.execute.comparison import Comparison
from orchestrator.execute.estimates import RunEstimate, run_estimate
from orchestrator.plan.estimates import Estimate
from orchestrator.plan.simulation import Simulation, TimedStage, longest_remaining, simulate
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import StageKind
from orchestrator.spec.simulated_site import SimulatedSite
from orchestrator.store.store import Store

SLOTS, BESIDE = "slots", "beside"
SUBMITTED: frozenset[StageKind] = frozenset({"train", "infer", "predict", "command"})
"""Kinds of stages that take a slot of the site; the others run beside the orchestrator."""


@dataclass(frozen=True)
class SiteSimulation:
    """A run, simulated at a site.

    Attributes:
        result: At the site.
        seconds: What each stage takes there.
        fewer: Makespans in seconds with other numbers of slots, powers of two below the site's.
        unknown: Stages whose time cannot be told; they count as 0 s.
        assumed: How many stages the site's speed was applied to.
    """

    site: SimulatedSite
    result: Simulation
    seconds: Mapping[str, float]
    fewer: Mapping[int, float]
    unknown: tuple[str, ...]
    assumed: int


def simulated_run(comparison: Comparison, store: Store, site: SimulatedSite) -> SiteSimulation:
    """Simulate the stages that a store lacks at a site.

    What was measured on a GPU is taken as it is; what only processors were measured at is divided by the site's speed.
    """
    measured = run_estimate(comparison, store)
    as_processors = run_estimate(comparison, store, device="cpu").by_stage
    seconds: dict[str, float] = {}
    assumed = 0
    for stage in comparison.missing.values():
        found = measured.by_stage[stage.name]
        faster = found.seconds is None or stage.device == "cpu"
        if found.seconds is None:
            found = as_processors[stage.name]
        if found.seconds is not None:
            faster = faster and stage.kind in SUBMITTED
            seconds[stage.name] = found.seconds / site.speed if faster else found.seconds
            assumed += faster
    timed = timed_stages(comparison.missing, seconds)

    def at(slots: int) -> Simulation:
        return simulate(timed, {SLOTS: slots, BESIDE: site.beside})

    fewer = {number: at(number).makespan_s for number in (2**power for power in range(17)) if number < site.slots}
    unknown = tuple(name for name in comparison.missing if name not in seconds)
    return SiteSimulation(site, at(site.slots), seconds, fewer, unknown, assumed)


def timed_stages(stages: Mapping[str, Stage], seconds: Mapping[str, float]) -> list[TimedStage]:
    """Return stages as a simulation sees them; those without seconds take none."""
    return [
        TimedStage(
            name,
            seconds.get(name, 0.0),
            (*stage.after, *stage.inputs.values()),
            SLOTS if stage.kind in SUBMITTED else BESIDE,
        )
        for name, stage in stages.items()
    ]


def start_order(stages: Mapping[str, Stage], found: RunEstimate) -> dict[str, float]:
    """Return for each stage the seconds that at least follow from its start: the longest goes first."""

    def seconds(one: Estimate) -> float:
        return one.seconds or 0.0

    return longest_remaining(timed_stages(stages, {one.stage: seconds(one) for one in found.stages}))
