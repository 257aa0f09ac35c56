"""Networks filled with the stand-in weights of tests/parity, and the reference numbers that go with them."""

import os
from typing import Mapping, TypeVar

import numpy as np
import torch
from ibcln2020.discriminator import Discriminator
from ibcln2020.network import Cascade
from torch import nn

from netkit.seeded import seeded_image, seeded_tensor
from netkit.torch_files import fill
from netkit.torch_pictures import tensor_of

Module = TypeVar("Module", bound=nn.Module)


def filled(module: Module, prefix: str = "") -> Module:
    """Return the module with every parameter drawn from its prefixed name and shape."""
    tensors = {}
    for name, value in module.state_dict().items():
        fan_in = int(np.prod(value.shape[1:])) if value.dim() > 1 else None
        drawn = seeded_tensor(prefix + name, tuple(value.shape), fan_in)
        raised = 0.5 if name.endswith("output.0.bias") else 0.0
        tensors[name] = torch.from_numpy(drawn + np.float32(raised))
    fill(module, tensors, "the stand-in weights")
    return module


def cascade(steps: int = 3) -> Cascade:
    """Return both generators, in evaluation mode."""
    return filled(Cascade(steps)).eval()


def discriminator() -> Discriminator:
    """Return the discriminator."""
    return filled(Discriminator(), "D.")


def picture(tag: str, part: str) -> torch.Tensor:
    """Return the picture `part` ('input', 'transmission') of a tag such as 'ibcln_96x128', (1, 3, H, W)."""
    height, width = map(int, tag.split("_")[1].split("x"))
    return tensor_of([seeded_image("%s/%s" % (tag, part), height, width)])


def reference() -> Mapping[str, np.ndarray]:
    """Return the authors' program's numbers."""
    folder = os.path.dirname(os.path.abspath(__file__))
    while not os.path.isdir(os.path.join(folder, "tests", "parity")):
        parent = os.path.dirname(folder)
        if parent == folder:
            raise FileNotFoundError("no folder tests/parity above %s" % __file__)
        folder = parent
    with np.load(os.path.join(folder, "tests", "parity", "ibcln2020.npz")) as numbers:
        return dict(numbers)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Return norm(found - expected) / norm(expected)."""
    return float(np.linalg.norm(np.asarray(found, np.float64) - expected) / np.linalg.norm(expected))
