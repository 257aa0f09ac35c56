"""PyTorch's files in both of their formats, and finding a network's weights in them."""

import random
import tempfile
from pathlib import Path

import numpy as np

from netkit.network_weights import network_weights
from netkit.tensor_file import TensorFile
from netkit.tensor_storage import StoredTensor
from stagekit import BadInput
from tests.fuzz.mutation import changed_bytes, changed_pickle, changed_zip
from tests.fuzz.target import Scratch
from tests.netkit.torch_like import Lying, legacy, zipped

EXECUTIONS = 5_000

SHAPES = {"a.weight": (2, 3), "a.bias": (2,), "count": ()}
_SCRATCH = Scratch()


def seeds() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return [
            write(Path(folder) / "a.pt", content).read_bytes()
            for write in (zipped, legacy)
            for content in (_state(), {"epoch": 3, "icnn": _state("module."), "optimizer": {"state": {}}})
        ]


def fuzz_one(data: bytes) -> None:
    path = _SCRATCH.file("a.pt", data)
    try:
        with TensorFile(str(path)) as file:
            found = network_weights(file, SHAPES)
            for name, tensor in found.tensors.items():
                assert isinstance(tensor, StoredTensor)
                assert file.numbers(tensor).shape == SHAPES[name]
    except BadInput:
        return


def mutate(data: bytes, rng: random.Random) -> bytes:
    if data.startswith(b"PK"):
        return changed_zip(data, rng, _member)
    return changed_pickle(data, rng) if rng.random() < 0.5 else changed_bytes(data, rng)


def _member(name: str, content: bytes, rng: random.Random) -> bytes:
    return changed_pickle(content, rng) if name.endswith(".pkl") else changed_bytes(content, rng)


def _state(prefix: str = "") -> dict[str, Lying]:
    arrays = {
        "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "a.bias": np.arange(2, dtype=np.float16),
        "count": np.array(7),
    }
    return {prefix + name: Lying(str(number), array) for number, (name, array) in enumerate(arrays.items())}
