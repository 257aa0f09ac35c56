"""How long the commands take that do no work: help, planning 1,000 stages, a run of which everything is stored.

usage: python benchmarks/commands.py [--store STORE] [--spec SPEC]
A stored run is measured where STORE holds a finished run of SPEC (make quickstart leaves one).
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [str(Path(sys.executable).parent / "sirr-orch")]


def seconds_of(argv: list[str], repeats: int = 7) -> float:
    """Return the median time of a command, in seconds."""
    return median(lambda: subprocess.run(argv, check=True, capture_output=True, cwd=ROOT), repeats)


def median(action: Callable[[], object], repeats: int) -> float:
    """Return the median time of an action, in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def planning_seconds(datasets: int = 16, models: int = 29) -> tuple[int, float]:
    """Return how many stages a large experiment has, and how long planning it takes."""
    from orchestrator.plan.keys import Program, ResultDigests, identities
    from orchestrator.plan.plan import experiment_plan
    from orchestrator.spec.experiment import Experiment
    from orchestrator.spec.load import load_catalogue
    from orchestrator.spec.resolve import resolve

    test = load_catalogue()["skimage-test"].dataset
    experiment = Experiment.model_validate(
        {
            "name": "large",
            "models": [{"model": "errnet2019", "name": f"errnet-{number}"} for number in range(models)],
            "train": "skimage-train",
            "test": [f"set-{number}" for number in range(datasets)],
            "datasets": {f"set-{number}": test.model_dump() for number in range(datasets)},
            "features": "random",
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / "large.yaml"
        spec.write_text("name: large\n", encoding="utf-8")

        def once() -> int:
            plan = experiment_plan(resolve(experiment, spec), lambda _path: "0" * 64)
            programs = dict.fromkeys({stage.image for stage in plan.stages}, Program("0" * 64))
            return len(identities(plan.stages, programs, lambda one: ResultDigests(one.key, one.key)))

        return once(), median(once, 3)


def main() -> None:
    """Print each figure beside its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, default=ROOT / ".sirr")
    parser.add_argument("--spec", type=Path, default=ROOT / "examples" / "quickstart.yaml")
    options = parser.parse_args()
    bare = seconds_of([sys.executable, "-c", "pass"])
    help_s = seconds_of([*COMMAND, "--help"])
    ratio = f"bare interpreter {bare:.3f} s, ratio {help_s / bare:.1f}"
    print(f"sirr-orch --help            {help_s:.3f} s   (limit 0.3; {ratio})")
    stages, plan_s = planning_seconds()
    print(f"planning {stages} stages       {plan_s:.3f} s   (limit 2; {1e3 * plan_s / stages:.2f} ms a stage)")
    if (options.store / "runs").is_dir():
        stored = seconds_of([*COMMAND, "run", str(options.spec), "--store", str(options.store)], repeats=3)
        print(f"run, everything stored      {stored:.3f} s   (limit 1.5; {stored / help_s:.1f} times --help)")
    else:
        print("run, everything stored      not measured: no finished run; make quickstart leaves one")


if __name__ == "__main__":
    main()
