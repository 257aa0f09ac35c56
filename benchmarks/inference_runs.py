"""One run of a network over one picture, measured, in a process of its own: the child of benchmarks/inference.py.

usage: python inference_runs.py REQUEST.json
The request names the kind of run and its files; the result is written beside it as it grows, so that something is left
of a run that is killed. It runs in the interpreter of the project, in its image, and in one that has MONAI.
"""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from orchestrator.infer.execution import plan_executor, session_slot
from orchestrator.infer.execution.tile_subgraph import TileSubgraph
from orchestrator.infer.graphs import optimise
from orchestrator.infer.graphs.node import GlobalReduction
from orchestrator.infer.graphs.region import AXES, COLUMNS, ROWS, Size
from orchestrator.infer.inference_engine import PROCESS_BYTES, InferenceEngine, PlannedPicture
from orchestrator.infer.loading.model_file import read_model
from orchestrator.infer.modes import Settings, infer
from orchestrator.infer.onnx_network import NetworkError, OnnxNetwork, Picture, as_batch, as_pictures
from orchestrator.infer.operations.table import graph_of
from orchestrator.infer.planning.segment import Segment
from orchestrator.infer.session import MemoryShort, Resources, Session, network_error

ROI, OVERLAP = 512, 0.25
"""Of MONAI's windows, side and share."""
BLENDED = Settings("tiles", 512, 64)
_PEAKS = ("/sys/fs/cgroup/memory/memory.max_usage_in_bytes", "/sys/fs/cgroup/memory.peak")
_COUNTS = ("/sys/fs/cgroup/memory/memory.stat", "/sys/fs/cgroup/memory.stat")
_ANONYMOUS = ("rss", "anon")
"""Of a container: what files in memory take is not among these, but in its peak."""


def main() -> None:
    """Run what the request says."""
    path = Path(sys.argv[1])
    request = json.loads(path.read_text())
    result = Result(path.with_name("result.json"))
    contained = request.get("contained", False)
    picture = np.load(request["picture"])
    try:
        with anonymous(result) if contained else contextlib.nullcontext():
            answers = RUNS[request["kind"]](request, picture, result)
    except NetworkError as error:  # memory that is short is one of these
        result.say(refused=str(error), peak_bytes=peak_bytes(), **(container() if contained else {}))
        return
    result.say(peak_bytes=max(result.facts.get("peak_bytes", 0), peak_bytes()), **(container() if contained else {}))
    for name, values in answers.items():
        np.save(path.with_name(f"{name}.npy"), values)
    result.say(outputs=sorted(answers))


class Result:
    """The facts of a run, in a file that always holds all that is known."""

    def __init__(self, path: Path) -> None:
        self._path, self.facts = path, dict[str, Any]()

    def say(self, **facts: Any) -> None:
        """Add facts."""
        self.facts.update(facts)
        self._path.write_text(json.dumps(self.facts))

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add how many seconds something takes."""
        began = time.perf_counter()
        yield
        self.say(**{name: time.perf_counter() - began})


def untiled(request: Mapping[str, Any], picture: Picture, result: Result) -> Mapping[str, Picture]:
    """Run the file as it is in ONNX Runtime with its own settings."""
    with result.timed("load_s"):
        session = onnxruntime.InferenceSession(request["network"], providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    result.say(loaded_bytes=status("VmRSS"))
    with result.timed("seconds"):
        batch = as_batch(picture)
        try:
            answers = session.run(names, {session.get_inputs()[0].name: batch})
        except Exception as error:  # ONNX Runtime has no class for memory that is short
            raise network_error(error) from error
        return as_pictures(dict(zip(names, answers, strict=True)), batch.shape)


def optimised(request: Mapping[str, Any], picture: Picture, result: Result) -> Mapping[str, Picture]:
    """Run the graph that the engine makes of the file as one, untiled, in ONNX Runtime as the engine uses it."""
    with result.timed("load_s"):
        size = Size(*picture.shape[:2])
        graph = optimise.optimised_graph(graph_of(read_model(Path(request["network"])), size))
        reductions = tuple(name for name, node in graph.nodes.items() if isinstance(node, GlobalReduction))
        made = tuple(dict.fromkeys(graph.outputs.values()))
        segment = Segment(graph, (graph.image,), made, reductions, frozenset(), whole=True)
        (rows,), (columns,) = (plan_executor.axis_tiles(segment, axis, None) for axis in AXES)
        subgraph = TileSubgraph(segment, rows.placed, columns.placed, (rows.owned, columns.owned))
        session = Session(subgraph.model(), Resources(), "the optimised network", subgraph.weights)
    with result.timed("seconds"):
        batch = as_batch(picture)
        given = {graph.image: batch}
        for node in segment.maps:
            given.update(node.fed(ROWS, rows.placed[node.output]))
            given.update(node.fed(COLUMNS, columns.placed[node.output]))
        answers = dict(zip(subgraph.outputs, session.run(list(subgraph.outputs.values()), given), strict=True))
        return as_pictures({name: answers[tensor] for name, tensor in graph.outputs.items()}, batch.shape)


def exact(request: Mapping[str, Any], picture: Picture, result: Result) -> Mapping[str, Picture]:
    """Run the engine; its sessions are part of the run and counted besides."""
    size, sessions = Size(*picture.shape[:2]), Sessions()
    resources = Resources(memory_bytes=request["memory_bytes"])
    with result.timed("load_s"):
        engine = InferenceEngine(Path(request["network"]), resources, Path(request["work"]))
    with result.timed("plan_s"):
        engine.prepare([size])
        planned = engine.planned(size)
    plan = planned.plan
    weights = sum(value.nbytes for value in engine.graph(size).constants.values())
    steps = [
        {
            "tile": step.tile,
            "tiles": [step.cost.rows, step.cost.columns],
            "share": round(step.cost.share, 3),
            "expected_s": round(step.seconds, 2),
            "work_bytes": step.cost.work_bytes,
            "live_bytes": step.live_bytes,
            "filed_bytes": step.filed_bytes,
        }
        for step in plan.steps
    ]
    result.say(
        steps=steps,
        budget_bytes=plan.budget,
        expected_s=plan.seconds,
        expected_bytes=PROCESS_BYTES + 2 * weights + plan.peak_bytes,
        filed_bytes=max(step.filed_bytes for step in plan.steps),
    )
    watch = Segments([step.seconds for step in plan.steps], steps, result)
    with sessions.counted(), result.timed("seconds"):
        answers = engine(picture, watch)
    result.say(sessions=sessions.count, sessions_s=sessions.seconds, replanned=is_planned_anew(engine, size, planned))
    return answers


def is_planned_anew(engine: InferenceEngine, size: Size, planned: PlannedPicture) -> bool:
    """Return whether memory was short in between; the engine has forgotten its plan then, and may find no other."""
    try:
        return engine.planned(size) is not planned
    except MemoryShort:
        return True


def blended(request: Mapping[str, Any], picture: Picture, result: Result) -> Mapping[str, Picture]:
    """Run the project's own overlapping tiles, which change the result."""
    with result.timed("load_s"):
        network = OnnxNetwork(Path(request["network"]))
    with result.timed("seconds"):
        return infer(network, picture, BLENDED).outputs


def monai(request: Mapping[str, Any], picture: Picture, result: Result) -> Mapping[str, Picture]:
    """Run MONAI's sliding window with the same file in ONNX Runtime as its predictor."""
    import torch
    from monai.inferers import sliding_window_inference

    with result.timed("load_s"):
        session = onnxruntime.InferenceSession(request["network"], providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]

    def predictor(window: torch.Tensor) -> dict[str, torch.Tensor]:
        answers = session.run(names, {session.get_inputs()[0].name: window.numpy()})
        return {name: torch.from_numpy(answer) for name, answer in zip(names, answers, strict=True)}

    with result.timed("seconds"):
        batch = as_batch(picture)
        answers = sliding_window_inference(torch.from_numpy(batch), ROI, 1, predictor, overlap=OVERLAP, mode="gaussian")
        return as_pictures({name: answer.numpy() for name, answer in answers.items()}, batch.shape)


RUNS: Mapping[str, Callable[[Mapping[str, Any], Picture, Result], Mapping[str, Picture]]] = {
    "untiled": untiled,
    "optimised": optimised,
    "exact": exact,
    "blended": blended,
    "monai": monai,
}


class Sessions:
    """Counts the sessions that an engine opens, and their seconds."""

    def __init__(self) -> None:
        self.count, self.seconds = 0, 0.0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count from now on."""
        counts = self

        class Counted(Session):
            def __init__(self, *args: Any, **options: Any) -> None:
                began = time.perf_counter()
                super().__init__(*args, **options)
                counts.count += 1
                counts.seconds += time.perf_counter() - began

        session_slot.Session = plan_executor.Session = Counted
        try:
            yield
        finally:
            session_slot.Session = plan_executor.Session = Session


class Segments:
    """Follows an engine's progress and notes of each segment the most memory that the process held, and its seconds.

    Which segment runs is told from the share that is done; after memory was short and the rest was planned anew, what
    is noted belongs to no segment of the first plan in particular.
    """

    def __init__(self, seconds: list[float], steps: list[dict[str, Any]], result: Result) -> None:
        total = sum(seconds)
        self._ends = [sum(seconds[: place + 1]) / total for place in range(len(seconds))]
        self._steps, self._result, self._place, self._began = steps, result, 0, time.perf_counter()
        reset_peak()

    def __call__(self, share: float) -> None:
        """Note a segment that has ended."""
        if self._place >= len(self._ends) or share < self._ends[self._place] - 1e-9:
            return
        now, peak = time.perf_counter(), peak_bytes()
        facts = {"seconds": round(now - self._began, 2), "peak_bytes": peak, "after_bytes": status("VmRSS")}
        self._steps[self._place].update(facts)
        self._result.say(steps=self._steps, peak_bytes=max(peak, self._result.facts.get("peak_bytes", 0)))
        self._place, self._began = self._place + 1, now
        reset_peak()


def status(name: str) -> int:
    """Return one of the process's counts of memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def peak_bytes() -> int:
    """Return the most memory that the process held. What getrusage says of a child begins with its parent's."""
    return status("VmHWM")


def reset_peak() -> None:
    """Let the peak begin again at what the process holds now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextlib.contextmanager
def anonymous(result: Result) -> Iterator[None]:
    """Note the most memory without files that this container held."""
    path = next(Path(path) for path in _COUNTS if Path(path).is_file())
    done, most = threading.Event(), 0

    def watch() -> None:
        nonlocal most
        while not done.wait(0.2):
            counts = dict(line.split() for line in path.read_text().splitlines())
            most = max(most, int(next(counts[name] for name in _ANONYMOUS if name in counts)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        result.say(anonymous_bytes=most)


def container() -> dict[str, int]:
    """Return the most memory that this container held, files in memory included; nothing where the kernel is old."""
    path = next((Path(path) for path in _PEAKS if Path(path).is_file()), None)
    return {} if path is None else {"container_bytes": int(path.read_text())}


if __name__ == "__main__":
    main()
