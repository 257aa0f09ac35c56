"""What the tests share: stand-in weights, reference numbers, a small recipe."""

import os
from typing import Any, Dict, Mapping

import numpy as np

from netkit.seeded import seeded_image, seeded_tensor


def filled(shapes: Mapping[str, Any]) -> Dict[str, np.ndarray]:
    """Return every parameter drawn from its name and shape, as tests/parity/README.md says."""
    values: Dict[str, np.ndarray] = {}
    for name, shape in shapes.items():
        if name.endswith(("/w0", "/w1")):
            values[name] = np.float32(0.7 if name.endswith("/w0") else 0.3)
            continue
        fan_in = int(np.prod(shape[:-1])) if len(shape) > 1 else None
        values[name] = seeded_tensor(name, shape, fan_in) + np.float32(name.endswith("scale"))
    return values


def reference() -> Mapping[str, np.ndarray]:
    """Return the authors' program's numbers."""
    root = os.path.abspath(__file__)
    for _level in range(4):
        root = os.path.dirname(root)
    with np.load(os.path.join(root, "tests", "parity", "zhang2018.npz")) as numbers:
        return dict(numbers)


def picture(tag: str, part: str) -> np.ndarray:
    """Return the picture `part` of a tag such as 'zhang_96x128', (1, H, W, 3)."""
    height, width = map(int, tag.split("_")[1].split("x"))
    return seeded_image("%s/%s" % (tag, part), height, width)[None]


def relative_error(found: Any, expected: Any) -> float:
    """Return norm(found - expected) / norm(expected)."""
    difference = np.asarray(found, np.float64) - np.asarray(expected, np.float64)
    return float(np.linalg.norm(difference) / np.linalg.norm(expected))


def recipe(**changes: Any) -> Dict[str, Any]:
    """Return a recipe of few steps at small widths."""
    return {
        "family": "zhang2018",
        "epochs": 3,
        "steps": None,
        "limit": 2,
        "batch": 1,
        "synthesis": "zhang",
        "sampling": [{"epoch": 0, "synthetic": 0.7}],
        "rate": [{"epoch": 0, "rate": 2e-4}],
        "betas": [0.9, 0.999],
        "discriminator_rate": 1e-4,
        "discriminator_every": 2,
        "width": [40, 48],
        "weight_total": 100,
        "weight_perceptual": 0.2,
        "size_step": 1,
        "generator_start": "identity",
        "discriminator_deviation": 0.02,
        **changes,
    }
