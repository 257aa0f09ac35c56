"""Runs of inference_runs.py in Docker containers with a limit of memory: the engine, then untiled ONNX Runtime."""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HEADING = (
    "network",
    "size",
    "run",
    "outcome",
    "seconds",
    "process's peak",
    "container's peak without files",
    "container's peak with them",
    "expected",
    "in files",
    "segments",
    "tiles",
)
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
_HERE = Path(__file__).resolve().parent


def container_rows(
    options: argparse.Namespace, pictures: Iterator[tuple[tuple[int, int], Path]], folder: Path
) -> Iterator[Iterable[str]]:
    """Yield a heading, and a row for each run."""
    image = options.image or image_of_checkout()
    yield HEADING
    for (height, width), picture in pictures:
        for network in options.networks:
            name = network.parent.name if network.stem == "network" else network.stem
            for kind in [options.only] if options.only else ["exact", "untiled"]:
                result = contained(kind, network, picture, folder / "container", image, options.container)
                if options.details:
                    with options.details.open("a") as stream:
                        stream.write(json.dumps({"run": f"{name} {height} x {width} {kind}", **result}) + "\n")
                yield (name, f"{height} x {width}", kind, *cells(result))


def image_of_checkout() -> str:
    """Return the image `inference` as the checkout builds it."""
    from orchestrator.environments.builder import BuildSettings
    from orchestrator.environments.docker import DockerBuilder
    from orchestrator.spec.load import load_image

    found = DockerBuilder().find(load_image("inference"), "cpu", BuildSettings.from_environment())
    if found is None:
        raise SystemExit("the image is not built; run: sirr-orch build inference --engine docker")
    return found.reference


def contained(kind: str, network: Path, picture: Path, folder: Path, image: str, memory: str) -> dict[str, Any]:
    """Run once in a container and return what the run and the engine say of it.

    The engine gets the container's limit as its memory, as a stage does.

    Args:
        memory: As Docker takes it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    request = {
        "kind": kind,
        "contained": True,
        "network": "/network.onnx",
        "picture": "/picture.npy",
        "work": "/exchange",
        "memory_bytes": int(float(memory[:-1]) * _UNITS[memory[-1].lower()]),
    }
    (folder / "request.json").write_text(json.dumps(request))
    name = f"inference-benchmark-{time.time_ns()}"
    argv = ["docker", "run", f"--name={name}", "--network=none", "--user=0:0", "--entrypoint=python3"]
    argv += [f"--memory={memory}", f"--memory-swap={memory}", f"--volume={folder}:/exchange"]
    argv += [f"--volume={_HERE}:/benchmarks:ro", f"--volume={picture}:/picture.npy:ro"]
    argv += [f"--volume={network.resolve()}:/network.onnx:ro"]
    began = time.perf_counter()
    try:
        argv += [image, "/benchmarks/inference_runs.py", "/exchange/request.json"]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        wall = time.perf_counter() - began
        state = json.loads(asked("inspect", "--format", "{{json .State}}", name))
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
    if done.stderr:
        print(done.stderr[-2000:], file=sys.stderr)
    path = folder / "result.json"
    result: dict[str, Any] = json.loads(path.read_text() or "{}") if path.is_file() else {}
    return {**result, "wall_s": wall, "exit_code": state["ExitCode"], "killed_for_memory": state["OOMKilled"]}


def asked(*argv: str) -> str:
    """Return what the Docker client says."""
    return subprocess.run(["docker", *argv], check=True, capture_output=True, text=True).stdout


def cells(result: dict[str, Any]) -> tuple[str, ...]:
    """Return the outcome, seconds, peaks and the plan for a table."""
    if result["killed_for_memory"]:
        outcome = f"killed for memory, exit code {result['exit_code']}"
    elif "refused" in result:
        outcome = f"refused: {result['refused']}"
    else:
        outcome = "done" if result["exit_code"] == 0 else f"exit code {result['exit_code']}"
    if result.get("replanned"):
        outcome += ", planned anew"
    taken = result.get("seconds", result["wall_s"])
    figures = [result.get(name) for name in ("peak_bytes", "anonymous_bytes", "container_bytes")]
    figures += [result.get(name) for name in ("expected_bytes", "filed_bytes")]
    steps = result.get("steps")
    tiles = "-" if steps is None else str(sum(step["tiles"][0] * step["tiles"][1] for step in steps))
    mibs = ["-" if count is None else f"{count / 2**20:,.0f} MiB" for count in figures]
    return (outcome, f"{taken:.1f} s", *mibs, "-" if steps is None else str(len(steps)), tiles)
