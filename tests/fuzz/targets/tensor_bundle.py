"""TensorFlow's checkpoints: an index, and a file of tensors' bytes."""

import random
from pathlib import Path

import numpy as np

from netkit.sorted_table import table_entries
from netkit.tensor_bundle import TensorBundle
from stagekit import BadInput
from tests.fuzz.mutation import changed_bytes
from tests.fuzz.target import Scratch
from tests.netkit.bundle_like import PLAIN, SNAPPY, bundle, entry, sample, table

EXECUTIONS = 800

_SCRATCH = Scratch()
_PARTS = bundle(_SCRATCH.folder, sample())
_INDEX = Path(_PARTS["index"])
_ENTRIES = list(table_entries(_INDEX.read_bytes()))


def seeds() -> list[bytes]:
    return [table(_ENTRIES, way) for way in (PLAIN, SNAPPY)]


def fuzz_one(data: bytes) -> None:
    _INDEX.write_bytes(data)
    try:
        found = TensorBundle("a", _PARTS)
        for name, tensor in found.tensors.items():
            assert found.numbers(name).shape == tensor.shape
    except BadInput:
        return


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return an index of which an entry was changed, with checksums that fit; or other bytes."""
    if rng.random() < 0.3:
        return changed_bytes(data, rng)
    entries = list(_ENTRIES)
    for _ in range(rng.randint(1, 2)):
        number = rng.randrange(len(entries))
        key, value = entries[number]
        what = rng.random()
        if what < 0.6:
            entries[number] = (key, changed_bytes(value, rng)[:400])
        elif what < 0.8:
            lie = rng.choice(("kind", "shard", "offset", "size"))
            entries[number] = (key, entry(np.zeros((2, 3), np.float32), 0, **{lie: rng.choice((0, 1, 7, 24, 2**62))}))
        else:
            entries[number] = (changed_bytes(key, rng)[:2000], value)
    return table(entries, rng.choice((PLAIN, SNAPPY)), rng.choice((1, 3, 50)))
