"""What a stage is asked to do: `stage.json`."""

import json
import random
import sys

from stagekit import BadInput, StageContext, StageRequest
from tests.fuzz.mutation import changed_json, deep_json
from tests.fuzz.target import Scratch

EXECUTIONS = 8_000

_SCRATCH = Scratch()


def seeds() -> list[bytes]:
    request = StageRequest.below("/stage", "train/x", "train", {"rate": 0.5}, {"a": "/in/a"}, threads=2, memory_bytes=9)
    path = _SCRATCH.folder / "stage.json"
    request.save(str(path))
    return [path.read_bytes(), json.dumps({"schema": 1}).encode()]


def fuzz_one(data: bytes) -> None:
    try:
        request = StageRequest.load(str(_SCRATCH.file("stage.json", data)))
        context = StageContext(request, sys.stdout)
        context.input("a")
        context.setting("rate")
    except BadInput:
        return
    assert all(isinstance(text, str) for text in (request.stage, request.kind, request.output))
    assert isinstance(request.seed, int)
    assert request.memory_bytes is None or isinstance(request.memory_bytes, int)


def mutate(data: bytes, rng: random.Random) -> bytes:
    return deep_json(rng) if rng.random() < 0.001 else changed_json(data, rng)
