"""Exact inference of any size of picture in the memory there is: model, plans and streams put together."""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime

from orchestrator.infer.graph import Graph, Unplaced
from orchestrator.infer.held import Held
from orchestrator.infer.kept import EVERY_S, Kept
from orchestrator.infer.load import read_model
from orchestrator.infer.network import Network, Picture, as_batch, as_pictures, refuse_other_shapes
from orchestrator.infer.operations import graph_of
from orchestrator.infer.plan import BudgetTooSmall, Plan, plan_of
from orchestrator.infer.region import Size
from orchestrator.infer.rewrite import rewritten
from orchestrator.infer.rows import Output, Rows, Source, fill
from orchestrator.infer.session import MemoryShort, Resources, share_memory
from orchestrator.infer.stream import Stream, Told

PROCESS_BYTES = 300 * 2**20
"""Of the process's memory, what code, libraries and small things take."""

_MOST_ATTEMPTS = 4
_CORRECTION = 1.4


@dataclass(frozen=True)
class Planned:
    """One size of picture: the graph as it is run, and the plan."""

    graph: Graph
    plan: Plan


class Engine:
    """A network that gives the untiled result at any size.

    folder: for maps that do not fit into memory; tile: try tiles of this size alone
    """

    def __init__(self, path: Path, resources: Resources, folder: Path | None = None, tile: int | None = None) -> None:
        """Read the network.

        Raises: NetworkError where the file is no such network.
        """
        self._path, self._resources, self._folder, self._tile = path, resources, folder, tile
        self._model = read_model(path)
        self._weights = sum(value.nbytes for value in self._model.constants.values())
        self._plans: dict[Size, Planned] = {}
        self._working = 1.0
        self._network: Network | None = None

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it: version and provider."""
        provider = "CUDAExecutionProvider" if self._resources.device == "cuda" else "CPUExecutionProvider"
        return {"onnxruntime": str(onnxruntime.__version__), "provider": provider}

    @property
    def budget(self) -> int | None:
        """Bytes for maps and the weights of sessions: the process's memory less what is always taken."""
        if self._resources.memory_bytes is None:
            return None
        return max(0, self._resources.memory_bytes - PROCESS_BYTES - 2 * self._weights)

    def graph(self, size: Size) -> Graph:
        """Return the network as its file has it, at a size of picture.

        Raises: NetworkError where the network cannot take such a picture.
        """
        return graph_of(self._model, size)

    def unplaced(self, size: Size) -> tuple[Unplaced, ...]:
        """Return what keeps the network from being computed in parts."""
        return () if size in self._plans else self.graph(size).unplaced

    def planned(self, size: Size) -> Planned:
        """Return how a size of picture goes through the network.

        Raises: MemoryShort where no plan fits, with the least memory that would do; NetworkError where the network
            cannot take such a picture.
        """
        if size not in self._plans:
            graph = rewritten(self.graph(size))
            self._plans[size] = Planned(graph, self._plan(graph))
        return self._plans[size]

    def facts(self, size: Size) -> Mapping[str, int | float]:
        """Return what is worth telling of a size's plan: segments, tiles, seconds, and bytes of the process and files.

        Raises: as `planned`.
        """
        plan = self.planned(size).plan
        return {
            "segments": len(plan.steps),
            "tiles": sum(step.cost.rows * step.cost.columns for step in plan.steps),
            "expected_s": round(plan.seconds, 3),
            "expected_bytes": PROCESS_BYTES + 2 * self._weights + plan.peak_bytes,
            "filed_bytes": max((step.filed_bytes for step in plan.steps), default=0),
        }

    def prepare(self, sizes: Iterable[Size]) -> None:
        """Plan some sizes, and give ONNX Runtime one block of memory, all that the held maps leave. Once in a process.

        Raises: as `planned`.
        """
        held = 0
        for size in dict.fromkeys(sizes):
            if not self.unplaced(size):
                held = max(held, self.planned(size).plan.held_bytes)
        if self._resources.device == "cpu" and not self._resources.shared:
            share_memory(None if self.budget is None else max(self.budget - held, self.budget // 4))
            self._resources = replace(self._resources, shared=True)

    def __call__(
        self, picture: Picture, told: Told | None = None, keep: Path | None = None, every: float = EVERY_S
    ) -> Mapping[str, Picture]:
        """Return every output for one picture, (H, W, 3) each.

        keep: folder of this picture alone, where its way is kept every so many seconds, and taken up by a process that
            comes after; who calls removes it when the answer is safe

        Raises: MemoryShort, NetworkError, and what `told` raises.
        """
        planned = self.planned(Size(*picture.shape[:2]))
        batch = as_batch(picture)
        outputs = self._outputs(planned, Held(batch), told, keep, every)
        return as_pictures({name: held.values for name, held in outputs.items()}, batch.shape)

    def streamed(
        self, source: Source, told: Told | None = None, keep: Path | None = None, every: float = EVERY_S
    ) -> Mapping[str, Rows]:
        """Return every output for one picture that comes in strips; what memory does not hold lies in files.

        Arguments and what is raised are those of calling the engine, and what the source raises.
        """
        planned = self.planned(source.size)
        image = planned.graph.image
        image_map = planned.graph.map(image)
        folder = self._folder or Path(tempfile.gettempdir())
        held = Held.room(image_map, folder if image in planned.plan.filed else None)
        fill(held, source)
        outputs = self._outputs(planned, held, told, keep, every)
        refuse_other_shapes({name: found.values for name, found in outputs.items()}, held.values.shape)
        return {name: Output(found) for name, found in outputs.items()}

    def _outputs(
        self, planned: Planned, picture: Held, told: Told | None, keep: Path | None, every: float
    ) -> Mapping[str, Held]:
        attempts = 0

        def again(begin: int) -> Plan:
            nonlocal attempts
            attempts += 1
            if attempts == _MOST_ATTEMPTS:
                raise MemoryShort(f"memory did not suffice in {attempts} attempts, each with smaller tiles")
            self._working *= _CORRECTION
            self._plans.clear()
            return self._plan(planned.graph, begin)

        kept = None if keep is None else Kept(keep, self._identity(planned.graph, picture), every)
        way = None if kept is None else kept.found()
        plan = planned.plan if way is None else self._plan(planned.graph, way.begin)
        stream = Stream(planned.graph, self._resources, self._folder, told, again, kept)
        return stream.held(plan, picture, way)

    def _identity(self, graph: Graph, picture: Held) -> str:
        """Return the hash of all that decides what lies at a cut: network, picture, order of nodes, what computes."""
        digest = hashlib.blake2b(self._path.read_bytes())
        for part in picture.parts():
            digest.update(part)
        digest.update(repr((list(graph.nodes), onnxruntime.__version__)).encode())
        return digest.hexdigest()

    def whole(self) -> Network:
        """Return the network as the file has it, for networks that cannot be computed in parts."""
        if self._network is None:
            self._network = Network(self._path, self._resources)
        return self._network

    def _plan(self, graph: Graph, begin: int = 0) -> Plan:
        try:
            with contextlib.suppress(BudgetTooSmall):
                return plan_of(graph, self.budget, self._tile, begin=begin, working=self._working)
            # The corrected estimate leaves no plan; the first one may do, and is corrected again where it does not.
            return plan_of(graph, self.budget, self._tile, begin=begin)
        except BudgetTooSmall as error:
            least = (error.least_bytes or 0) + PROCESS_BYTES + 2 * self._weights
            raise MemoryShort(
                f"a picture of {graph.size} pixels needs {least / 2**20:.0f} MiB of memory at least, "
                f"and there are {(self._resources.memory_bytes or 0) / 2**20:.0f} MiB"
            ) from error
