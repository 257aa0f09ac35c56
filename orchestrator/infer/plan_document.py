"""What is expected of a picture before it runs: exact or not, in which segments, beside the untiled graph."""

from typing import Any

from orchestrator.infer.graph import Graph
from orchestrator.infer.inference_engine import InferenceEngine
from orchestrator.infer.optimise import widest
from orchestrator.infer.planner import PlanStep
from orchestrator.infer.region import Size
from orchestrator.infer.segment import Segment
from orchestrator.infer.segment_cost import segment_cost
from orchestrator.infer.session import MemoryShort


def plan_document(engine: InferenceEngine, size: Size) -> dict[str, Any]:
    """Return as JSON values how a picture of a size would go through a network.

    `not_tileable` names the operations that cannot be computed in parts, and is empty where the result is exact.

    Raises: NetworkError where the network cannot take such a picture.
    """
    graph = engine.graph(size)
    document: dict[str, Any] = {
        "height": size.height,
        "width": size.width,
        "not_tileable": [{"op": one.op, "node": one.node, "why": one.why} for one in graph.not_tileable],
        "nodes": len(graph.nodes),
        "global_reductions": sum(1 for _ in graph.reductions()),
    }
    if graph.not_tileable:
        return document
    document["untiled"] = _untiled(graph)
    try:
        planned = engine.planned(size)
    except MemoryShort as error:
        return {**document, "refused": str(error)}
    name, shares = widest(planned.graph)
    return {
        **document,
        "largest_map": {"name": name, "bytes_per_pixel": round(shares[name], 1)},
        "budget_bytes": planned.plan.budget,
        "seconds": round(planned.plan.seconds, 3),
        "peak_bytes": planned.plan.peak_bytes,
        "live_bytes": planned.plan.live_bytes,
        "segments": [_segment(step) for step in planned.plan.steps],
    }


def _untiled(graph: Graph) -> dict[str, Any]:
    """Return what the graph as exported is expected to take, whole."""
    everything = Segment(graph, (graph.image,), tuple(graph.outputs.values()), (), frozenset(), whole=True)
    cost = segment_cost(everything, None)
    name, shares = widest(graph)
    return {
        "seconds": round(cost.seconds, 3),
        "peak_bytes": cost.work_bytes,
        "largest_map": {"name": name, "bytes_per_pixel": round(shares[name], 1)},
    }


def _segment(step: PlanStep) -> dict[str, Any]:
    segment, cost = step.segment, step.cost
    return {
        "nodes": len(segment.nodes),
        "ends_with": (segment.owned or segment.reductions or ("",))[-1],
        "tile": step.tile,
        "tiles": [cost.rows, cost.columns],
        "halo": cost.halo,
        "share": round(cost.share, 3),
        "global_reductions": len(segment.reductions),
        "live_bytes": step.live_bytes,
        "filed_bytes": step.filed_bytes,
        "work_bytes": cost.work_bytes,
        "seconds": round(step.seconds, 3),
    }
