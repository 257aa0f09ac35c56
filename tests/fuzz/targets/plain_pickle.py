"""The unpickler that runs nothing."""

import datetime
import io
import pathlib
import pickle
from collections import OrderedDict

import numpy as np

from netkit.malformed import Malformed
from netkit.pickled_data import PLAIN_MAKERS
from netkit.plain_pickle import PlainUnpickler, Refused
from netkit.tensor_storage import tensor_makers
from tests.fuzz.mutation import changed_pickle as mutate
from tests.netkit.torch_like import Lying, pickled

__all__ = ["EXECUTIONS", "fuzz_one", "mutate", "seeds"]

EXECUTIONS = 5_000


def seeds() -> list[bytes]:
    content = {
        "epoch": 3,
        "loss": -0.5,
        "name": "icnn",
        "shape": (1, 2, 3),
        "options": [True, None, 1 << 70, b"raw", {1: 2.5}],
        "dates": [datetime.date(2018, 6, 1), pathlib.PurePosixPath("a/b"), slice(1, 2), complex(1, 2), {1, 2}],
        "arrays": [np.arange(6, dtype=np.float32).reshape(2, 3), np.float64(0.5), np.zeros((0, 2), np.int64)],
        "state": OrderedDict(a=Lying("0", np.arange(6, dtype=np.float32))),
    }
    plain = {name: value for name, value in content.items() if name != "state"}
    return [pickle.dumps(plain, protocol) for protocol in (0, 1, 2, 4, 5)] + [pickled(content)[0]]


def fuzz_one(data: bytes) -> None:
    try:
        found = PlainUnpickler(io.BytesIO(data), len(data), {**PLAIN_MAKERS, **tensor_makers()}, str).load()
    except (Malformed, Refused):
        return
    assert not callable(found), "what an unpickler returns can be called"
