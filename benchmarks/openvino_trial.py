"""Is OpenVINO worth a variant of the inference image? ONNX Runtime beside OpenVINO, on networks as they are exported.

usage: python benchmarks/openvino_trial.py NETWORK.onnx... --openvino PYTHON [--sizes 413x587] [--threads 2]
           [--runs N] [--repeats N] [--optimised]
PYTHON is an interpreter with what benchmarks/openvino/requirements.txt names; ways whose packages it lacks are said to
be left out. Every way runs in a process of its own, once for each repeat, and ways alternate: loading and compiling,
one run that is not counted, then --runs of them. Printed are medians of the seconds, the processor's and the clock's,
and the largest difference to ONNX Runtime's answer by its range. With --optimised each network is the graph that the
engine makes of the file at that size, as one segment: what OpenVINO would get behind segments.
"""

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

RUNTIME, PROVIDER, OPENVINO = "ONNX Runtime", "its provider", "OpenVINO"
WAYS: Mapping[str, tuple[str, str | None]] = {
    RUNTIME: ("runtime", None),
    f"{RUNTIME}, threads that sleep": ("runtime", "sleep"),
    f"{PROVIDER}, as it comes": ("provider", None),
    f"{PROVIDER}, float32": ("provider", "FP32"),
    f"{PROVIDER}, accurate": ("provider", "ACCURACY"),
    f"{OPENVINO}, as it comes": ("openvino", None),
    f"{OPENVINO}, float32": ("openvino", "f32"),
}
"""What each way is called: its runner, and the precision, or the manner of waiting, that is asked for."""

HEADING = (
    "network",
    "size",
    "way",
    "precision",
    "processor",
    "ratio",
    "clock",
    "ratio",
    "compile",
    "peak",
    "difference",
)
Inputs = Mapping[str, np.ndarray]
Runner = Callable[[Inputs], list[np.ndarray]]


def main() -> None:
    """Print the table, or be one of its runs."""
    if sys.argv[1:2] == ["--child"]:
        child(json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", type=Path, metavar="NETWORK.onnx")
    parser.add_argument("--openvino", required=True, metavar="PYTHON")
    parser.add_argument("--sizes", nargs="+", default=["413x587"], metavar="HxW")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--optimised", action="store_true")
    options = parser.parse_args()
    print(row(HEADING))
    print(row(["---"] * len(HEADING)))
    for network in options.networks:
        for size in options.sizes:
            with tempfile.TemporaryDirectory() as folder:
                for cells in compared(network, size, Path(folder), options):
                    print(row(cells), flush=True)


def compared(network: Path, size: str, folder: Path, options: argparse.Namespace) -> list[list[str]]:
    """Return the rows of a network at one size."""
    height, width = map(int, size.split("x"))
    picture = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    file, inputs = folder / "network.onnx", {"image": picture}
    if options.optimised:
        inputs |= write_optimised(network, (height, width), file)
    else:
        file = network.resolve()
    np.savez(folder / "inputs.npz", **inputs)
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in (RUNTIME, *options.ways)}
    for _repeat in range(options.repeats):
        for way, runs in found.items():
            runs.append(one_run(way, file, folder, options))
    return [cells(network.stem, size, way, runs, found[RUNTIME], folder) for way, runs in found.items()]


def write_optimised(network: Path, size: tuple[int, int], file: Path) -> dict[str, np.ndarray]:
    """Write the graph that the engine makes of a network at a size, with its weights in it; return what it is fed."""
    # Imported here: the runs in the other interpreter have no engine.
    import onnx

    from orchestrator.infer.execution import plan_executor
    from orchestrator.infer.execution.tile_subgraph import TileSubgraph
    from orchestrator.infer.graphs import optimise
    from orchestrator.infer.graphs.node import GlobalReduction
    from orchestrator.infer.graphs.region import AXES, COLUMNS, ROWS, Size
    from orchestrator.infer.loading.model_file import read_model
    from orchestrator.infer.operations.table import graph_of
    from orchestrator.infer.planning.segment import Segment

    graph = optimise.optimised_graph(graph_of(read_model(network), Size(*size)))
    reductions = tuple(name for name, node in graph.nodes.items() if isinstance(node, GlobalReduction))
    made = tuple(dict.fromkeys(graph.outputs.values()))
    segment = Segment(graph, (graph.image,), made, reductions, frozenset(), whole=True)
    (rows,), (columns,) = (plan_executor.axis_tiles(segment, axis, None) for axis in AXES)
    subgraph = TileSubgraph(segment, rows.placed, columns.placed, (rows.owned, columns.owned))
    model = onnx.load_model_from_string(subgraph.model())
    for tensor in model.graph.initializer:
        if tensor.name in subgraph.weights:
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.asarray(subgraph.weights[tensor.name]), tensor.name))
    onnx.save(model, str(file))
    fed: dict[str, np.ndarray] = {}
    for node in segment.maps:
        fed.update(node.fed(ROWS, rows.placed[node.output]))
        fed.update(node.fed(COLUMNS, columns.placed[node.output]))
    return fed


def one_run(way: str, file: Path, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one process."""
    kind, precision = WAYS[way]
    answers = folder / f"{way}.npz"
    request = {
        "kind": kind,
        "precision": precision,
        "network": str(file),
        "inputs": str(folder / "inputs.npz"),
        "answers": str(answers),
        "threads": options.threads,
        "runs": options.runs,
    }
    path = folder / "request.json"
    path.write_text(json.dumps(request), encoding="utf-8")
    python = sys.executable if kind == "runtime" else options.openvino
    command = [python, __file__, "--child", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return {"failed": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1][:160]}
    return result


def cells(
    network: str, size: str, way: str, runs: list[dict[str, Any]], base: list[dict[str, Any]], folder: Path
) -> list[str]:
    """Return a row."""
    failed = next((run["failed"] for run in (*runs, *base) if "failed" in run), None)
    if failed:
        return [network, size, way, f"left out: {failed}", *["-"] * (len(HEADING) - 4)]

    def median(found: list[dict[str, Any]], name: str) -> float:
        return statistics.median(value for run in found for value in run[name])

    times = []
    for name in ("processor_s", "clock_s"):
        times += [f"{median(runs, name):.2f} s", f"{median(runs, name) / median(base, name):.2f}"]
    compile_s = f"{statistics.median(run['compile_s'] for run in runs):.1f} s"
    peak = f"{max(run['peak_bytes'] for run in runs) / 2**20:,.0f} MiB"
    apart = difference(folder / f"{RUNTIME}.npz", folder / f"{way}.npz")
    return [network, size, way, runs[0]["precision"], *times, compile_s, peak, f"{apart:.1e}"]


def difference(expected: Path, found: Path) -> float:
    """Return the largest difference of any output by its range."""
    with np.load(expected) as ours, np.load(found) as theirs:
        return max(
            float(np.abs(ours[name] - theirs[name]).max() / max(np.ptp(ours[name]), np.finfo(np.float32).tiny))
            for name in ours.files
        )


def row(cells: Any) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def child(request: Mapping[str, Any]) -> None:
    """Run one way, and print its figures as the last line."""
    with np.load(request["inputs"]) as file:
        given = {name: file[name] for name in file.files}
    prepared, library = {
        "runtime": (runtime, "onnxruntime"),
        "provider": (provider, "onnxruntime"),
        "openvino": (openvino, "openvino"),
    }[request["kind"]]
    try:
        importlib.import_module(library)  # its seconds are none of compiling
        began = time.perf_counter()
        precision, run = prepared(request, given)
    except ImportError as error:
        print(json.dumps({"failed": str(error)}))
        return
    compile_s = time.perf_counter() - began
    answers = run(given)
    np.savez(request["answers"], **{f"output-{place}": answer for place, answer in enumerate(answers)})
    processor, clock = [], []
    for _run in range(request["runs"]):
        used, began = time.process_time(), time.perf_counter()
        run(given)
        processor.append(time.process_time() - used)
        clock.append(time.perf_counter() - began)
    figures = {"processor_s": processor, "clock_s": clock, "compile_s": compile_s, "peak_bytes": peak_bytes()}
    print(json.dumps({"precision": precision, **figures}))


def peak_bytes() -> int:
    """Return the most memory that this program held; what `getrusage` tells is at least that of whoever started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def runtime(request: Mapping[str, Any], _given: Inputs) -> tuple[str, Runner]:
    """Return ONNX Runtime on processors, in the engine's own version and with its settings."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = request["threads"]
    options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    options.enable_mem_pattern = False
    if request["precision"] == "sleep":  # else a thread that waits for the others takes a core meanwhile
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(request["network"], options, providers=["CPUExecutionProvider"])
    return "float32", lambda given: session.run(None, dict(given))


def provider(request: Mapping[str, Any], _given: Inputs) -> tuple[str, Runner]:
    """Return ONNX Runtime with OpenVINO as its provider.

    Raises:
        ImportError: Where it has no such provider.
    """
    import onnxruntime

    name = "OpenVINOExecutionProvider"
    if name not in onnxruntime.get_available_providers():
        raise ImportError(f"onnxruntime {onnxruntime.__version__} has no {name}")
    settings = {"device_type": "CPU", "num_of_threads": str(request["threads"])}
    if request["precision"]:
        settings["precision"] = request["precision"]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        request["network"], options, providers=[name, "CPUExecutionProvider"], provider_options=[settings, {}]
    )
    return "not told", lambda given: session.run(None, dict(given))


def openvino(request: Mapping[str, Any], given: Inputs) -> tuple[str, Runner]:
    """Return OpenVINO itself, compiled for the one size.

    Raises:
        ImportError: Where it is not there.
    """
    import openvino as ov

    core = ov.Core()
    model = core.read_model(request["network"])
    model.reshape({name: list(value.shape) for name, value in given.items()})
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": request["threads"], "PERFORMANCE_HINT": "LATENCY"}
    if request["precision"]:
        settings["INFERENCE_PRECISION_HINT"] = request["precision"]
    compiled = core.compile_model(model, "CPU", settings)
    kind = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()

    def run(values: Inputs) -> list[np.ndarray]:
        found = compiled(dict(values))
        return [np.array(found[output]) for output in compiled.outputs]

    return str(kind), run


if __name__ == "__main__":
    main()
