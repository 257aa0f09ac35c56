"""What a stage costs beyond the program that it runs: `realise` against a bare `docker run` of the same program.

usage: python benchmarks/stage_overhead.py [--repeats N]          (needs a Docker engine and the image `metrics`)
The stage prepares a dataset of one small photograph. Measured are lease, staging, container, log, hashing and commit.
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from PIL import Image

from orchestrator.engine.docker import DockerEngine
from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.environments.program import image_program
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.stage_execution import execute_stage
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import stage_identity
from orchestrator.plan.plan import prepare_stage
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.load import load_image
from orchestrator.store.store import Store
from stagekit import StageRequest
from stagekit.request import FOLDERS


def main() -> None:
    """Print both medians and their difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    image = load_image("metrics")
    environment = DockerBuilder().find(image, "cpu", BuildSettings.from_environment())
    if environment is None:
        raise SystemExit("the image is not built; run: sirr-orch build metrics --engine docker")
    bare, stage = [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "photos").mkdir()
        Image.linear_gradient("L").convert("RGB").save(root / "photos" / "gradient.png")
        store = Store(root / "store")
        context = ExecutionContext(
            store=store,
            engine=DockerEngine(store.layout.stagings),
            environments={"metrics": environment},
            modules={"metrics": image.module},
            programs={"metrics": image_program(image, "cpu")},
            listener=lambda _event: None,
            stopper=Stopper(),
            run="benchmark",
            logs=root / "logs",
        )
        planned = prepare_stage("photos", PhotosDataset(kind="photos", folder=root / "photos"), store.digest)
        for repeat in range(repeats):
            one = replace(planned, seed=repeat)
            identity = stage_identity(one, image_program(image, "cpu"), {})
            began = time.perf_counter()
            execute_stage(one, identity, {"source": root / "photos"}, context)
            stage.append(time.perf_counter() - began)
            bare.append(bare_run(environment.reference, one.settings, root, repeat))
    difference = statistics.median(stage) - statistics.median(bare)
    print(f"bare docker run   {statistics.median(bare):.3f} s")
    print(f"stage             {statistics.median(stage):.3f} s   ({difference:+.3f} s, limit +0.5)")


def bare_run(reference: str, settings: object, root: Path, repeat: int) -> float:
    """Return the seconds of `docker run` of the same program with the same settings."""
    work = root / f"bare-{repeat}"
    for name in FOLDERS:
        (work / name).mkdir(parents=True)
    request = StageRequest.below("/stage", "prepare/photos", "prepare", dict(settings), {"source": "/photos"})
    request.save(str(work / "stage.json"))
    argv = ["docker", "run", "--rm", "--network=none", f"--volume={work}:/stage", f"--volume={root}/photos:/photos:ro"]
    began = time.perf_counter()
    subprocess.run([*argv, "--user=0:0", reference, "/stage/stage.json"], check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
