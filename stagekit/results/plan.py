"""`plan.json`: how pictures would go through a network."""

from dataclasses import dataclass, field
from typing import ClassVar, Optional, Tuple

from stagekit.results.form import COUNT, PIXELS, Form, Unknown


@dataclass(frozen=True)
class NotTileable:
    """An operation of the network that cannot be computed in parts.

    Attributes:
        op: Its kind, as ONNX calls it.
        node: Its name in the graph.
        why: What stands against it.
    """

    op: str
    node: str
    why: str
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class LargestMap:
    """The tensor that takes the most for each pixel of the picture.

    Attributes:
        name: In the graph.
        bytes_per_pixel: Of the picture.
    """

    name: str
    bytes_per_pixel: float = field(metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class UntiledCost:
    """What the graph as exported is expected to take, whole.

    Attributes:
        seconds: Of time.
        peak_bytes: Of memory.
        largest_map: Its largest tensor.
    """

    seconds: float = field(metadata=COUNT)
    peak_bytes: int = field(metadata=COUNT)
    largest_map: LargestMap
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class SegmentPlan:
    """A part of the network that goes over the picture tile by tile.

    Attributes:
        nodes: Operations in it.
        ends_with: Name of the last one that it owns.
        tile: Side of a tile in pixels; missing where the picture goes as a whole.
        tiles: Rows and columns of tiles.
        halo: Pixels beside a tile that are computed again.
        share: Computed multiplications by those of the segment without overlap, at least 1.
        global_reductions: Operations in it that need the whole picture.
        live_bytes: Of live tensors in memory while it runs.
        filed_bytes: Of live tensors in files while it runs.
        work_bytes: Of one tile's tensors.
        seconds: Of time.
    """

    nodes: int = field(metadata=COUNT)
    ends_with: str
    tiles: Tuple[int, int] = field(metadata=COUNT)
    halo: int = field(metadata=COUNT)
    share: float
    global_reductions: int = field(metadata=COUNT)
    live_bytes: int = field(metadata=COUNT)
    filed_bytes: int = field(metadata=COUNT)
    work_bytes: int = field(metadata=COUNT)
    seconds: float = field(metadata=COUNT)
    tile: Optional[int] = field(default=None, metadata=PIXELS)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class SizePlan:
    """How a picture of one size would go through.

    Attributes:
        height: Pixels.
        width: Pixels.
        not_tileable: What cannot be computed in parts; empty where the result is exact.
        nodes: Operations of the network.
        global_reductions: Operations that need the whole picture.
        untiled: What the graph as exported would take; missing where something is not tileable, as all below.
        refused: Why the memory does not suffice; then what is below is missing.
        largest_map: The largest tensor after the graph was optimised.
        budget_bytes: Of memory that the plan keeps to.
        seconds: Of time, over all segments.
        peak_bytes: The most memory.
        live_bytes: The most memory that live tensors take.
        segments: In their order.
        padded_to: Multiple of pixels that the network takes, up to which the last row and column are repeated; missing
            where it takes this size.
    """

    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    not_tileable: Tuple[NotTileable, ...]
    nodes: int = field(metadata=COUNT)
    global_reductions: int = field(metadata=COUNT)
    untiled: Optional[UntiledCost] = None
    refused: Optional[str] = None
    largest_map: Optional[LargestMap] = None
    budget_bytes: Optional[int] = field(default=None, metadata=COUNT)
    seconds: Optional[float] = field(default=None, metadata=COUNT)
    peak_bytes: Optional[int] = field(default=None, metadata=COUNT)
    live_bytes: Optional[int] = field(default=None, metadata=COUNT)
    segments: Tuple[SegmentPlan, ...] = ()
    padded_to: Optional[int] = field(default=None, metadata=PIXELS)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class PlanFile(Form):
    """What is expected of a network before it runs, written by `explain`.

    Attributes:
        sizes: Each size of picture once.
        memory_bytes: The budget, missing where there is none.
    """

    FILE_NAME: ClassVar[str] = "plan.json"

    sizes: Tuple[SizePlan, ...]
    memory_bytes: Optional[int] = field(default=None, metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)
