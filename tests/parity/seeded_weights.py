"""Deterministic stand-in weights, so that a network can be checked against reference outputs without a weight file.

Every tensor is drawn from its own name and shape alone: two programs that agree on the names and shapes of a
network's parameters (the names of the released checkpoints) fill it with the same numbers, in any framework,
on any machine. NumPy's legacy RandomState stream is frozen, so the numbers do not depend on NumPy's version.
"""

import hashlib

import numpy as np


def seeded_tensor(name, shape, fan_in=None, salt=""):
    """Return the float32 array for one parameter.

    name:   the parameter's name in the released checkpoint, e.g. 'conv1.conv2d.weight'
    shape:  its shape there
    fan_in: inputs summed per output, for matrices and kernels (He scale sqrt(2 / fan_in));
            None for vectors (biases and 1-d scales): small values, 0.01 * N(0, 1)
    salt:   another string gives another set of weights
    """
    digest = hashlib.sha256((salt + "|" + name).encode()).digest()
    seed = int.from_bytes(digest[:4], "little")
    draw = np.random.RandomState(seed).standard_normal(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    scale = 0.01 if fan_in is None else np.sqrt(2.0 / fan_in)
    return (draw * scale).astype(np.float32)


def seeded_image(name, height, width, channels=3):
    """Return a smooth float32 test picture in [0, 1], shape (height, width, channels): sums of seeded waves."""
    digest = hashlib.sha256(("image|" + name).encode()).digest()
    rng = np.random.RandomState(int.from_bytes(digest[:4], "little"))
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    out = np.zeros((height, width, channels))
    for c in range(channels):
        for _ in range(6):
            fy, fx = rng.uniform(-0.25, 0.25, 2)
            out[..., c] += rng.uniform(0.2, 1.0) * np.sin(fy * y + fx * x + rng.uniform(0, 2 * np.pi))
    out -= out.min()
    return (out / out.max()).astype(np.float32)
