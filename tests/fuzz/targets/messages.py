"""The lines that programs print: messages, or log."""

import random

from stagekit.messages import Checkpoint, Failure, Note, Progress, WarningMessage, decode, encode
from tests.fuzz.mutation import changed_json, deep_json

EXECUTIONS = 25_000

TYPES = {"done": (float, int), "total": (float, int), "message": (str,), "unit": (str,), "path": (str,)}


def seeds() -> list[bytes]:
    messages = (
        Progress(3, 10, "step", {"loss": 0.5, "rate": float("nan")}),
        Checkpoint("work/a.pt", 3),
        WarningMessage("the \u00fcnusual"),
        Note("a note"),
        Failure("BadInput", "wrong", "correct it"),
        Failure("StageFailed", "wrong"),
    )
    return [encode(message).encode() for message in messages] + [b"epoch 3 of 10"]


def fuzz_one(data: bytes) -> None:
    message = decode(data.decode("utf-8", "replace"))
    if message is None:
        return
    again = decode(encode(message))
    assert again is not None, "a message does not survive its way"
    assert encode(again) == encode(message), "a message does not survive its way"
    for name, kind in TYPES.items():
        assert isinstance(getattr(message, name, kind[0]()), kind), f"{name} is of another type"


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return a line whose first field is still the kind of message."""
    if rng.random() < 0.001:
        return b'{"sirr": ' + deep_json(rng)
    return changed_json(data, rng)
