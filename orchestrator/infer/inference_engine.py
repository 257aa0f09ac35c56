"""Exact inference of any size of picture in the memory there is: model, plans and their execution put together."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime

from orchestrator.infer.execution.checkpoint import EVERY_S, PictureCheckpoint
from orchestrator.infer.execution.plan_executor import PlanExecutor, ProgressCallback
from orchestrator.infer.execution.session_slot import SessionSlot
from orchestrator.infer.execution.tensor_buffer import TensorBuffer
from orchestrator.infer.graphs.graph import Graph, NotTileable
from orchestrator.infer.graphs.optimise import optimised_graph
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.loading.model_file import NetworkError, read_model
from orchestrator.infer.loading.network_contract import (
    image_form,
    refuse_other_inputs,
    refuse_other_outputs,
)
from orchestrator.infer.onnx_network import OnnxNetwork, Picture, as_batch, as_pictures, refuse_other_shapes
from orchestrator.infer.operations.size_multiples import cropped_pictures, fitting_multiple, padded_picture
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.planner import InferencePlan, NoPlanFits, plan_of
from orchestrator.infer.rows import Output, PictureSource, Rows, fill_buffer
from orchestrator.infer.session import MemoryShort, Resources, share_memory

PROCESS_BYTES = 300 * 2**20
"""Of the process's memory, what code, libraries and small things take."""

_MOST_ATTEMPTS = 4
_CORRECTION = 1.4
_SPARE = 1.05
"""How much more memory than the least for which there is a plan is planned with, where that is all there is."""


@dataclass(frozen=True)
class PlannedPicture:
    """One size of picture: the graph as it is run, and the plan."""

    graph: Graph
    plan: InferencePlan


class InferenceEngine:
    """A network that gives the untiled result at any size.

    Args:
        folder: For maps that do not fit into memory.
        tile: Try tiles of this size alone.
    """

    def __init__(self, path: Path, resources: Resources, folder: Path | None = None, tile: int | None = None) -> None:
        """Read the network.

        Raises:
            NetworkError: Where the file is no such network.
        """
        self._path, self._resources, self._folder, self._tile = path, resources, folder, tile
        self._model = read_model(path)
        refuse_other_inputs(*image_form(self._model.image))
        self._weights = sum(value.nbytes for value in self._model.constants.values())
        self._graphs: dict[Size, Graph] = {}
        self._plans: dict[Size, PlannedPicture] = {}
        self._slot = SessionSlot()
        self._working = 1.0
        self._network: OnnxNetwork | None = None

    @property
    def runtime(self) -> Mapping[str, str]:
        """What runs it: version and provider."""
        provider = "CUDAExecutionProvider" if self._resources.device == "cuda" else "CPUExecutionProvider"
        return {"onnxruntime": str(onnxruntime.__version__), "provider": provider}

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of all its outputs, of which some may not be answered with."""
        return self._model.outputs

    @property
    def budget(self) -> int | None:
        """Bytes for maps and the weights of sessions: the process's memory less what is always taken."""
        if self._resources.memory_bytes is None:
            return None
        return max(0, self._resources.memory_bytes - PROCESS_BYTES - 2 * self._weights)

    def graph(self, size: Size) -> Graph:
        """Return the network as its file has it, at a size of picture.

        Raises:
            NetworkError: Where the network cannot take such a picture, or answers with something else.
        """
        if size in self._graphs:
            return self._graphs[size]
        graph = graph_of(self._model, size)
        multiple = fitting_multiple(graph, lambda other: graph_of(self._model, other))
        if multiple > 1:
            graph = graph_of(self._model, size, multiple)
        refuse_other_outputs(graph)
        self._graphs[size] = graph
        return graph

    def size_multiple(self, size: Size) -> int:
        """Return up to which multiple of pixels a picture's edges are repeated; 1 where the network takes its size.

        Raises what `graph` raises.
        """
        return (self._plans[size].graph if size in self._plans else self.graph(size)).multiple

    def left_out(self, size: Size) -> tuple[str, ...]:
        """Return the outputs that are not answered with: no maps, or none whose axes are (1, channels, rows, columns).

        Raises what `graph` raises.
        """
        return (self._plans[size].graph if size in self._plans else self.graph(size)).left_out

    def not_tileable(self, size: Size) -> tuple[NotTileable, ...]:
        """Return what keeps the network from being computed in parts.

        Raises what `graph` raises.
        """
        return () if size in self._plans else self.graph(size).not_tileable

    def planned(self, size: Size) -> PlannedPicture:
        """Return how a size of picture goes through the network.

        Raises:
            MemoryShort: Where no plan fits, with the least memory that would do.
            NetworkError: Where the network cannot take such a picture, or not in parts.
        """
        if size not in self._plans:
            if reasons := self.graph(size).not_tileable:
                raise NetworkError(f"{self._path.name} cannot be computed in parts: {reasons[0]}")
            graph = optimised_graph(self.graph(size))
            self._plans[size] = PlannedPicture(graph, self._plan(graph))
            self._graphs.pop(size, None)
        return self._plans[size]

    def facts(self, size: Size) -> Mapping[str, int | float]:
        """Return what is worth telling of a size's plan: segments, tiles, seconds, and bytes of the process and files.

        Raises what `planned` raises.
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
        """Plan some sizes, and give ONNX Runtime one block of memory, all that live tensors leave. Once in a process.

        A size that the network refuses is passed over: its picture is refused when it comes, and keeps no other.

        Raises:
            MemoryShort: Where no plan fits, with the least memory that would do.
        """
        live = 0
        for size in dict.fromkeys(sizes):
            try:
                if not self.not_tileable(size):
                    live = max(live, self.planned(size).plan.live_bytes)
            except MemoryShort:
                raise
            except NetworkError:
                continue
        if self._resources.device == "cpu" and not self._resources.shared:
            share_memory(None if self.budget is None else max(self.budget - live, self.budget // 4))
            self._resources = replace(self._resources, shared=True)

    def __call__(
        self,
        picture: Picture,
        progress: ProgressCallback | None = None,
        checkpoints: Path | None = None,
        every: float = EVERY_S,
    ) -> Mapping[str, Picture]:
        """Return every output for one picture, (H, W, 3) each.

        Also raises what `progress` raises.

        Args:
            checkpoints: Folder of this picture alone, where a resume point is saved every so many seconds, and taken up
                by a process that comes after; who calls removes it when the answer is safe.

        Raises:
            MemoryShort: Where memory stays short.
            NetworkError: Where the network refuses the picture or an answer is not finite.
        """
        planned = self.planned(Size(*picture.shape[:2]))
        batch = as_batch(picture)
        outputs = self._outputs(planned, TensorBuffer(batch), progress, checkpoints, every)
        return as_pictures({name: buffer.values for name, buffer in outputs.items()}, batch.shape)

    def streamed(
        self,
        source: PictureSource,
        progress: ProgressCallback | None = None,
        checkpoints: Path | None = None,
        every: float = EVERY_S,
    ) -> Mapping[str, Rows]:
        """Return every output for one picture that comes in strips; what memory does not hold lies in files.

        Arguments and what is raised are those of calling the engine, and what the source raises.
        """
        planned = self.planned(source.size)
        image = planned.graph.image
        image_map = planned.graph.map(image)
        folder = self._folder or Path(tempfile.gettempdir())
        buffer = TensorBuffer.allocated(image_map, folder if image in planned.plan.filed else None)
        fill_buffer(buffer, source)
        outputs = self._outputs(planned, buffer, progress, checkpoints, every)
        refuse_other_shapes({name: found.values for name, found in outputs.items()}, buffer.values.shape)
        return {name: Output(buffer) for name, buffer in outputs.items()}

    def _outputs(
        self,
        planned: PlannedPicture,
        picture: TensorBuffer,
        progress: ProgressCallback | None,
        checkpoints: Path | None,
        every: float,
    ) -> Mapping[str, TensorBuffer]:
        attempts = 0

        def replan(begin: int) -> InferencePlan:
            nonlocal attempts
            attempts += 1
            if attempts == _MOST_ATTEMPTS:
                raise MemoryShort(f"memory did not suffice in {attempts} attempts, each with smaller tiles")
            self._slot.clear()
            self._working *= _CORRECTION
            self._plans.clear()
            return self._plan(planned.graph, begin)

        checkpoint = (
            None
            if checkpoints is None
            else PictureCheckpoint(checkpoints, self._identity(planned.graph, picture), every)
        )
        resume = None if checkpoint is None else checkpoint.latest()
        plan = planned.plan if resume is None else self._plan(planned.graph, resume.begin)
        executor = PlanExecutor(planned.graph, self._resources, self._folder, progress, replan, checkpoint, self._slot)
        return executor.execute(plan, picture, resume)

    def _identity(self, graph: Graph, picture: TensorBuffer) -> str:
        """Return the hash of all that decides what lies at a cut: network, picture, order of nodes, what computes."""
        digest = hashlib.blake2b(self._path.read_bytes())
        for chunk in picture.chunks():
            digest.update(chunk)
        digest.update(repr((list(graph.nodes), onnxruntime.__version__)).encode())
        return digest.hexdigest()

    def whole(self) -> Callable[[Picture], Mapping[str, Picture]]:
        """Return the network as the file has it, for networks that cannot be computed in parts.

        Pictures of sizes that it does not take are padded for it as for tiles; then it raises what `graph` raises.
        """
        if self._network is None:
            self._network = OnnxNetwork(self._path, self._resources)
        network = self._network

        def run(picture: Picture) -> Mapping[str, Picture]:
            size = Size(*picture.shape[:2])
            multiple, left_out = self.size_multiple(size), self.left_out(size)
            answers = network(picture if multiple == 1 else padded_picture(picture, multiple))
            maps = {name: answer for name, answer in answers.items() if name not in left_out}
            return maps if multiple == 1 else cropped_pictures(maps, size, multiple)

        return run

    def _plan(self, graph: Graph, begin: int = 0) -> InferencePlan:
        try:
            return plan_of(graph, self.budget, self._tile, begin=begin, working=self._working)
        except NoPlanFits as error:
            # The corrected estimate leaves no plan; the one that takes least may do.
            smallest = int(_SPARE * (error.least_bytes or 0) / self._working)
            if self._working > 1 and smallest <= (self.budget or 0):
                return plan_of(graph, smallest, self._tile, begin=begin)
            least = (error.least_bytes or 0) + PROCESS_BYTES + 2 * self._weights
            raise MemoryShort(
                f"a picture of {graph.size} pixels needs {least / 2**20:.0f} MiB of memory at least, "
                f"and there are {(self._resources.memory_bytes or 0) / 2**20:.0f} MiB"
            ) from error
