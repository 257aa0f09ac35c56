"""The page on time and memory: what every stage took, and how pictures went through the networks in parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import PicturePrediction, Predictions, ReportContent
from orchestrator.report.lookup import predictions, tested
from orchestrator.report.stage_content import MemoryOverTime, StageRecord

_WIDTH, _HEIGHT = 240.0, 40.0
"""Of a chart, in its own units; the style sheet decides how large it is."""


@dataclass(frozen=True)
class MemoryChart:
    """A small chart.

    Attributes:
        words: What it shows, for those who cannot see it. line, area: paths.
        budget: Height of its line.
        budget: Empty where nothing limited the stage.
    """

    words: str
    width: str
    height: str
    line: str
    area: str
    budget: str


@dataclass(frozen=True)
class ResourcesRow:
    """One stage.

    Attributes:
        ended: How, where it has no result.
        memory: The most that was seen.
        share: Of its budget.
    """

    name: str
    ended: str
    took: str
    memory: str
    share: str
    over: bool
    chart: MemoryChart | None


@dataclass(frozen=True)
class TileRow:
    """How a network's pictures of one dataset went through it: what was expected, and what came of it."""

    network: str
    dataset: str
    pictures: str
    segments: str
    tiles: str
    expected_memory: str
    seen_memory: str
    expected_time: str
    seen_time: str
    files: str


@dataclass(frozen=True)
class ResourcesView:
    """The page on time and memory.

    Attributes:
        total: Time of all stages, in words.
    """

    total: str
    rows: tuple[ResourcesRow, ...]
    unseen: str
    tiles: tuple[TileRow, ...]


def resources_view(content: ReportContent) -> ResourcesView:
    """Return what the run took."""
    ran = [stage for stage in content.stages if stage.image is not None and stage.seconds is not None]
    unseen = sum(1 for stage in ran if stage.memory is None)
    return ResourcesView(
        total=f"{numbers.count(len(ran), 'stage')}, {numbers.duration(sum(stage.seconds or 0.0 for stage in ran))}",
        rows=tuple(_row(stage) for stage in ran),
        unseen=f"The memory of {numbers.count(unseen, 'stage')} was not recorded." if unseen else "",
        tiles=tuple(_tile_rows(content)),
    )


def most_bytes(memory: MemoryOverTime) -> int:
    """Return the most that was seen."""
    return max((held for held in memory.held_bytes if held is not None), default=0)


def _row(stage: StageRecord) -> ResourcesRow:
    ended = {"failed": "failed", "cancelled": "stopped"}.get(stage.state, "")
    took = "" if stage.seconds is None else numbers.duration(stage.seconds)
    memory = stage.memory
    if memory is None:
        return ResourcesRow(stage.name, ended, took, "not recorded", "", over=False, chart=None)
    most, budget = most_bytes(memory), memory.budget_bytes
    share = "no limit" if budget is None else f"{most / budget:.0%} of {numbers.memory(budget)}"
    over = budget is not None and most > budget
    return ResourcesRow(stage.name, ended, took, numbers.memory(most), share, over, _chart(memory))


def _chart(memory: MemoryOverTime) -> MemoryChart:
    most = most_bytes(memory)
    top = max(most, memory.budget_bytes or 0) or 1
    spans = _spans(memory.held_bytes, top)
    after = memory.held_bytes.index(most) * memory.every_s
    limit = "" if memory.budget_bytes is None else f", of {numbers.memory(memory.budget_bytes)}"
    whole = numbers.duration(len(memory.held_bytes) * memory.every_s)
    return MemoryChart(
        words=f"{numbers.memory(most)} at most, after {numbers.duration(after)} of {whole}{limit}",
        width=f"{_WIDTH:g}",
        height=f"{_HEIGHT:g}",
        line=" ".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in span) for span in spans),
        area=" ".join(
            f"M{span[0][0]:.1f} {_HEIGHT:g}"
            + "".join(f"L{x:.1f} {y:.1f}" for x, y in span)
            + f"L{span[-1][0]:.1f} {_HEIGHT:g}Z"
            for span in spans
        ),
        budget="" if memory.budget_bytes is None else f"{_HEIGHT * (1 - memory.budget_bytes / top):.1f}",
    )


def _spans(held: Sequence[int | None], top: int) -> list[list[tuple[float, float]]]:
    """Return the lines to draw, each without a gap; a value stands for its whole interval."""
    step = _WIDTH / len(held)
    spans: list[list[tuple[float, float]]] = []
    before: int | None = None
    for index, value in enumerate(held):
        if value is not None:
            if before is None:
                spans.append([])
            y = _HEIGHT * (1 - value / top)
            spans[-1] += [(index * step, y), ((index + 1) * step, y)]
        before = value
    return spans


def _tile_rows(content: ReportContent) -> list[TileRow]:
    rows = []
    for dataset in tested(content):
        for model in content.models:
            found = predictions(content, model.label, dataset.name)
            items = [item for item in found.items if item.plan is not None] if isinstance(found, Predictions) else []
            if items:
                rows.append(_tile_row(model.title, dataset.title, items))
    return rows


def _tile_row(network: str, dataset: str, items: Sequence[PicturePrediction]) -> TileRow:
    plans = [item.plan for item in items if item.plan is not None]
    seen = [item.peak_bytes for item in items if item.peak_bytes is not None]
    took = [item.seconds for item in items if item.seconds is not None]
    files = max(plan.filed_bytes for plan in plans)
    return TileRow(
        network=network,
        dataset=dataset,
        pictures=numbers.count(len(items), "picture"),
        segments=_range([plan.segments for plan in plans]),
        tiles=_range([plan.tiles for plan in plans]),
        expected_memory=numbers.memory(max(plan.expected_bytes for plan in plans)),
        seen_memory=numbers.memory(max(seen)) if seen else "not recorded",
        expected_time=numbers.duration(sum(plan.expected_s for plan in plans)),
        seen_time=numbers.duration(sum(took)) if len(took) == len(items) else "not recorded",
        files=numbers.memory(files) if files else "none",
    )


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
