"""What is expected of a picture before it runs: exact or not, in which segments, beside the untiled graph."""

from dataclasses import replace

from orchestrator.infer.graphs.graph import Graph
from orchestrator.infer.graphs.optimise import widest
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.planning.planner import PlanStep
from orchestrator.infer.planning.segment import Segment
from orchestrator.infer.planning.segment_cost import segment_cost
from orchestrator.infer.session import MemoryShort
from stagekit.results.plan import LargestMap, NotTileable, SegmentPlan, SizePlan, UntiledCost


def plan_document(engine: InferenceEngine, size: Size) -> SizePlan:
    """Return how a picture of a size would go through a network.

    Raises:
        NetworkError: Where the network cannot take such a picture.
    """
    graph = engine.graph(size)
    found = SizePlan(
        height=size.height,
        width=size.width,
        not_tileable=tuple(NotTileable(one.op, one.node, one.why) for one in graph.not_tileable),
        nodes=len(graph.nodes),
        global_reductions=sum(1 for _ in graph.reductions()),
        padded_to=graph.multiple if graph.multiple > 1 else None,
    )
    if graph.not_tileable:
        engine.whole()  # raises where ONNX Runtime does not know what is not known here either
        return found
    found = replace(found, untiled=_untiled(graph))
    try:
        planned = engine.planned(size)
    except MemoryShort as error:
        return replace(found, refused=str(error))
    return replace(
        found,
        largest_map=_largest_map(planned.graph),
        budget_bytes=planned.plan.budget,
        seconds=round(planned.plan.seconds, 3),
        peak_bytes=planned.plan.peak_bytes,
        live_bytes=planned.plan.live_bytes,
        segments=tuple(_segment(step) for step in planned.plan.steps),
    )


def _largest_map(graph: Graph) -> LargestMap:
    name, shares = widest(graph)
    return LargestMap(name, round(shares[name], 1))


def _untiled(graph: Graph) -> UntiledCost:
    """Return what the graph as exported is expected to take, whole."""
    computed = tuple(name for name in graph.outputs.values() if name != graph.image)
    if not computed:
        return UntiledCost(0.0, 0, _largest_map(graph))
    cost = segment_cost(Segment(graph, (graph.image,), computed, (), frozenset(), whole=True), None)
    return UntiledCost(round(cost.seconds, 3), cost.work_bytes, _largest_map(graph))


def _segment(step: PlanStep) -> SegmentPlan:
    segment, cost = step.segment, step.cost
    return SegmentPlan(
        nodes=len(segment.nodes),
        ends_with=(segment.owned or segment.reductions or ("",))[-1],
        tile=step.tile,
        tiles=(cost.rows, cost.columns),
        halo=cost.halo,
        share=round(cost.share, 3),
        global_reductions=len(segment.reductions),
        live_bytes=step.live_bytes,
        filed_bytes=step.filed_bytes,
        work_bytes=cost.work_bytes,
        seconds=round(step.seconds, 3),
    )
