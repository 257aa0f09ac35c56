"""The zoo: exported once, in its own environment, by both exporters of PyTorch; kept until its code or lock changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.local import LocalBuilder
from orchestrator.locks import lock
from orchestrator.spec.document import read_document
from orchestrator.spec.environment import Environment
from orchestrator.spec.image import ImageSpec

IMAGE = Path(__file__).parent / "image"
STORE = Path(__file__).parents[3] / ".sirr"
_PROCESSES = min(4, os.cpu_count() or 1)


@pytest.fixture(scope="session")
def zoo() -> Path:
    """Return the folder of the exported networks, their answers in double precision, and `exports.json`."""
    with pytest.MonkeyPatch.context() as patch:
        # Two architectures that are not of the zoo need torchvision, which has no build for every torch.
        patch.setenv("UV_OVERRIDE", str(IMAGE / "overrides.txt"))
        environment = _environment()
    folder = STORE / "zoo" / environment.recipe[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    guard = folder.with_suffix(".lock")
    with guard.open("a") as stream:
        lock(stream.fileno(), guard, wait=True)
        if not folder.is_dir():
            for older in [path for path in folder.parent.iterdir() if path.is_dir()]:
                shutil.rmtree(older)
            _export(environment, folder)
    return folder


def _environment() -> Environment:
    image = ImageSpec.model_validate(read_document(IMAGE / "image.yaml").data).placed(IMAGE)
    builder, settings = LocalBuilder(STORE / "environments"), BuildSettings.from_environment()
    return builder.find(image, "cpu", settings) or builder.build(image, "cpu", settings, print)


def _export(environment: Environment, folder: Path) -> None:
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=folder.parent))
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(environment.code)}
    command = [environment.reference, "-m", "zoo_networks.export", str(unfinished)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    try:
        running = [subprocess.Popen(command, env=variables, **pipes) for _process in range(_PROCESSES)]
        said = [process.communicate()[0] for process in running]
        assert not any(process.returncode for process in running), said
        lines = [json.loads(line) for output in said for line in output.splitlines()]
        (unfinished / "exports.json").write_text(json.dumps(lines, indent=1))
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@pytest.fixture(scope="session")
def exports(zoo: Path) -> Mapping[str, str]:
    """Return what the exporters said of each file, by "NAME-EXPORTER": nothing where it was written."""
    lines = json.loads((zoo / "exports.json").read_text())
    return {f"{line['name']}-{line['what']}": line["error"] for line in lines}
