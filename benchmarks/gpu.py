"""What a GPU shows of this project, within ten minutes: memory, seconds, bits, exactness. `make gpu-check` runs it.

usage: PYTHON benchmarks/gpu.py [--result benchmarks/gpu.json] [--minutes 9.5]     measure, and write the table
       PYTHON benchmarks/gpu.py --table                                            write the table of the result anew

PYTHON is any interpreter of 3.8 or newer that has PyTorch; nothing else has to be installed. What is not there is left
out and named: without `onnx` the networks cannot be imported, without `onnxruntime-gpu` exactness cannot be looked at.
Measured are ERRNet and IBCLN at the papers' settings: whether a training step fits into a card of 8 GB, seconds a step
with and without channels_last and bfloat16, whether two runs give the same bits, and whether inference in tiles gives
what the untiled network gives. Every part runs in a process of its own, so that one that fails takes none along.

Ends with 0 where all that could be measured is as it should be, 1 where something is not, 2 where nothing could be
measured; then it writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).with_name("gpu.json")
README = Path(__file__).with_name("README.md")
MARKS = ("<!-- made by benchmarks/gpu.py -->", "<!-- as far as here -->")
NETWORKS = ("errnet2019", "ibcln2020")

RECIPES: dict[str, dict[str, Any]] = {
    "errnet2019": {
        "crop": 224,
        "batch": 1,
        "betas": [0.9, 0.999],
        "rate": [{"epoch": 0, "rate": 1e-4}],
        "weight_vgg": 0.1,
        "weight_adversarial": 0.01,
        "weight_unaligned": 0.1,
        "generator_start": "pytorch",
        "discriminator_start": "kaiming",
    },
    "ibcln2020": {
        "crop": 256,
        "batch": 2,
        "betas": [0.5, 0.999],
        "rate": [{"epoch": 0, "rate": 2e-4}],
        "weight_adversarial": 0.01,
        "cascade": 3,
        "dropout": 0.3,
        "deviation": 0.02,
    },
}
"""What of the papers' recipes a step needs: a bare machine cannot read model_specs/."""

VARIANTS = ("as the paper", "channels_last", "bfloat16", "both")

TOLERANCE = 2e-5
"""Of an output's range, between tiles and untiled."""

LEAST_S = 15
"""With less time left no further part is begun."""


class Parts:
    """Runs parts within the time that there is."""

    def __init__(self, python: str, device: str, minutes: float) -> None:
        self._python, self._device = python, device
        self._end = time.monotonic() + 60 * minutes

    def run(self, part: str, network: str | None = None, **options: Any) -> dict[str, Any]:
        """Return a part's answer, or {"skipped": why} or {"failed": why}."""
        left = self._end - time.monotonic()
        if left < LEAST_S:
            return {"skipped": "no time was left"}
        command = [self._python, str(Path(__file__).with_name("gpu_parts.py")), part]
        command += [*([network] if network else []), "--device", self._device]
        for name, value in options.items():
            command += ["--" + name, value if isinstance(value, str) else json.dumps(value)]
        print(" ".join(filter(None, ("measuring", part, network))) + " …", file=sys.stderr, flush=True)
        try:
            done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=left, check=False)
        except subprocess.TimeoutExpired:
            return {"failed": f"it did not end in the {left:.0f} seconds that were left"}
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return {"failed": f"it ended with exit code {done.returncode}: {last}"}
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer


def environment() -> dict[str, str]:
    """Return the environment in which the networks' programs are found and cuBLAS repeats its bits."""
    folders = [ROOT, ROOT / "images", *(ROOT / "images" / name for name in NETWORKS)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def measure(
    parts: Parts,
    machine: Mapping[str, Any],
    recipes: Mapping[str, Mapping[str, Any]],
    *,
    step_seconds: float = 20.0,
    side: int = 416,
) -> dict[str, Any]:
    """Return all results.

    Args:
        step_seconds: How long one variant of a step is repeated at most.
        side: Of the picture of the exactness check.
    """
    began = time.monotonic()
    networks: dict[str, dict[str, Any]] = {name: {} for name in recipes}
    for name, recipe in recipes.items():
        networks[name]["memory"] = parts.run("memory", name, recipe=recipe)
        networks[name]["steps"] = parts.run("steps", name, recipe=recipe, seconds=step_seconds)
        networks[name]["bits"] = repeated(*(parts.run("bits", name, recipe=recipe) for _ in range(2)))
    with tempfile.TemporaryDirectory() as folder:
        for name, recipe in recipes.items():
            file = str(Path(folder) / (name + ".onnx"))
            exported = parts.run("export", name, recipe=recipe, file=file)
            unmeasured = "skipped" in exported or "failed" in exported
            networks[name]["exact"] = exported if unmeasured else parts.run("exact", name, file=file, side=side)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    seconds = round(time.monotonic() - began)
    return {"schema": 1, "day": day, "seconds": seconds, "machine": dict(machine), "networks": networks}


def repeated(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return for each variant whether two runs gave the same bits."""
    for answer in (first, second):
        if "skipped" in answer or "failed" in answer:
            return dict(answer)
    return {
        name: dict(digest) if "skipped" in digest else {"same": digest == second[name]}
        for name, digest in first.items()
    }


def faults(result: Mapping[str, Any]) -> list[str]:
    """Return in sentences what is not as it should be."""
    found = []
    for name, parts in result["networks"].items():
        for part, answer in parts.items():
            if "failed" in answer:
                found.append(f"{name}: {part} failed: {answer['failed']}")
        if not any(one["fits"] for one in parts["memory"].get("tried", [{"fits": True}])):
            found.append(f"{name}: a training step does not fit into a card of 8 GB")
        if not parts["bits"].get("as the paper", {}).get("same", True):
            found.append(f"{name}: two runs of one training gave different bits")
        worst = max(parts["exact"].get("differences", {"": 0.0}).values())
        if not worst <= TOLERANCE:
            found.append(f"{name}: tiles differ from untiled by {worst:.1e} of the range, more than {TOLERANCE:.0e}")
    return found


def skipped(result: Mapping[str, Any]) -> list[str]:
    """Return in sentences what was not measured."""
    return [
        f"{name}: {part} was not measured: {answer['skipped']}"
        for name, parts in result["networks"].items()
        for part, answer in parts.items()
        if "skipped" in answer
    ]


def table(result: Mapping[str, Any] | None) -> str:
    """Return a result as Markdown; None where no GPU has run it."""
    if result is None:
        return (
            "**Not measured yet**: no GPU has run `make gpu-check` so far. What holds for CUDA, holds by construction."
        )
    machine = result["machine"]
    lines = [
        f"{machine['gpu']}, {machine.get('memory_bytes', 0) / 2**30:.0f} GiB, PyTorch {machine['torch']} with CUDA "
        f"{machine['cuda']}, {result['day']}; all in {result['seconds']} s.",
        "",
        f"| network | fits into 8 GB | a step {' | '.join(VARIANTS)} | same bits | tiles and untiled |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, parts in result["networks"].items():
        steps = [seconds(parts["steps"], variant) for variant in VARIANTS]
        cells = [f"`{name}`", fitting(parts["memory"]), *steps, same(parts["bits"]), difference(parts["exact"])]
        lines.append(f"| {' | '.join(cells)} |")
    notes = [*faults(result), *skipped(result)]
    return "\n".join([*lines, *([""] if notes else []), *(f"- {note}" for note in notes)])


def fitting(memory: Mapping[str, Any]) -> str:
    """Return what a step takes, and what it is saved by."""
    fits = [one for one in memory.get("tried", ()) if one["fits"]]
    if not fits:
        return "no" if "tried" in memory else "not measured"
    saved = "" if fits[0]["saved_by"] == "nothing" else f", by {fits[0]['saved_by']}"
    return f"yes, {fits[0]['reserved_bytes'] / 2**30:.2f} GiB{saved}"


def seconds(steps: Mapping[str, Any], variant: str) -> str:
    """Return the seconds of a step."""
    found = steps.get(variant, {}).get("seconds")
    return "not measured" if found is None else f"{found:.3f} s"


def same(bits: Mapping[str, Any]) -> str:
    """Return which variants repeat their bits."""
    known = {name: answer["same"] for name, answer in bits.items() if isinstance(answer, dict) and "same" in answer}
    if not known or all(known.values()):
        return "yes" if known else "not measured"
    return "not: " + ", ".join(name for name, equal in known.items() if not equal)


def difference(exact: Mapping[str, Any]) -> str:
    """Return the largest difference between tiles and untiled."""
    found = exact.get("differences")
    return f"{max(found.values()):.1e} of the range" if found else "not measured"


def write_table(result: Mapping[str, Any] | None, readme: Path = README) -> None:
    """Put the table between its marks."""
    before, rest = readme.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    readme.write_text("\n".join((before + MARKS[0], table(result), MARKS[1] + after)), encoding="utf-8")


def main() -> int:
    """Measure, or write the table anew; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--result", type=Path, default=RESULT)
    parser.add_argument("--minutes", type=float, default=9.5, help="after which no part goes on")
    parser.add_argument("--table", action="store_true", help="measure nothing: write the table of the result anew")
    parser.add_argument("--device", default="cuda", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.table:
        write_table(json.loads(options.result.read_text(encoding="utf-8")) if options.result.exists() else None)
        return 0
    parts = Parts(sys.executable, options.device, options.minutes)
    machine = parts.run("machine")
    for why in ("skipped", "failed"):
        if why in machine:
            print(f"nothing was measured: {machine[why]}", file=sys.stderr)
            print(
                "run it with the interpreter that has PyTorch, on a machine with a GPU: make gpu-check PYTHON=…",
                file=sys.stderr,
            )
            return 2
    result = measure(parts, machine, RECIPES)
    options.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.result == RESULT:
        write_table(result)
    print(table(result))
    return 1 if faults(result) else 0


if __name__ == "__main__":
    sys.exit(main())
