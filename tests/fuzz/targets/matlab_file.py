"""MATLAB's files of version 5 to 7."""

import io
import random
import zlib

import numpy as np
import scipy.io

from netkit.malformed import Malformed
from netkit.matlab_file import read_variable
from tests.fuzz.mutation import changed_bytes
from tests.fuzz.target import Scratch

EXECUTIONS = 20_000

_SCRATCH = Scratch()
_HEADER_BYTES = 128


def seeds() -> list[bytes]:
    weights = np.empty((1, 2), object)
    weights[0, :] = [np.arange(12, dtype=np.float32).reshape(2, 2, 3), np.zeros((1, 3), np.float32)]
    layers = np.empty((1, 3), object)
    layers[0, :] = [
        {"name": "conv1_1", "type": "conv", "weights": weights, "pad": np.ones((1, 4))},
        {"type": "x"},
        "text",
    ]
    found = []
    for compressed in (False, True):
        stream = io.BytesIO()
        scipy.io.savemat(stream, {"meta": {"note": "small"}, "layers": layers}, do_compression=compressed)
        found.append(stream.getvalue())
    return found


def fuzz_one(data: bytes) -> None:
    try:
        read_variable(str(_SCRATCH.file("a.mat", data)), "layers")
    except Malformed:
        return


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return a file with other bytes; where a variable is compressed, mostly inside of it."""
    kind, size = (int.from_bytes(data[place : place + 4], "little") for place in (128, 132))
    begin = _HEADER_BYTES + 8 + size
    if kind != 15 or rng.random() < 0.2:
        return data[:_HEADER_BYTES] + changed_bytes(data[_HEADER_BYTES:], rng)
    try:
        inner = zlib.decompressobj().decompress(data[begin + 8 :], 1 << 20)
    except zlib.error:
        return changed_bytes(data, rng)
    content = zlib.compress(changed_bytes(inner, rng), 1)
    return data[:begin] + (15).to_bytes(4, "little") + len(content).to_bytes(4, "little") + content
