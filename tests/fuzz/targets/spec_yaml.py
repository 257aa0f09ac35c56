"""What users write: an experiment's YAML file."""

import contextlib
from pathlib import Path

from orchestrator.errors import SpecError
from orchestrator.spec.load import load_experiment
from tests.fuzz.target import Scratch

EXECUTIONS = 200

_SCRATCH = Scratch()
_EXAMPLES = Path(__file__).parents[3] / "examples"


def seeds() -> list[bytes]:
    odd = b"""\
name: &name first
models: [errnet2019, {spec: zhang2018, seed: 0x1F, recipe: {epochs: 1_000, learning_rate: 1e-4}}]
train: {synthetic: [voc2012]}
test: [real20, *name]
datasets: {a-b: {folder: ./x, role: pairs}, "quoted": {folder: !!str 12, role: pairs}}
note: |
  of several
    lines
memory: 4GiB
date: 2018-06-01T12:00:00Z
"""
    return [path.read_bytes() for path in sorted(_EXAMPLES.glob("*.yaml"))] + [odd]


def fuzz_one(data: bytes) -> None:
    with contextlib.suppress(SpecError):
        load_experiment(_SCRATCH.file("spec.yaml", data), _SCRATCH.folder)
