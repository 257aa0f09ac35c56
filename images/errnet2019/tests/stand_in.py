"""Networks filled with the stand-in weights of tests/parity, and the reference numbers that go with them."""

import os
from typing import Mapping, TypeVar

import numpy as np
import torch
from errnet2019.discriminator import Discriminator
from errnet2019.network import Errnet, Generator
from torch import nn

from netkit.seeded import seeded_image, seeded_tensor
from netkit.torch_files import fill
from netkit.torch_pictures import tensor_of
from netkit.torch_vgg19 import Vgg19

torch.set_num_threads(
    1
)  # the reference's gradients pass kinks of L1 and ReLU: the order of a sum shows in the 5th digit

Module = TypeVar("Module", bound=nn.Module)


def filled(module: Module, prefix: str = "") -> Module:
    """Return the module with every parameter drawn from its prefixed name and shape."""
    tensors = {}
    for name, value in module.state_dict().items():
        fan_in = int(np.prod(value.shape[1:])) if value.dim() > 1 else None
        tensors[name] = torch.from_numpy(seeded_tensor(prefix + name, tuple(value.shape), fan_in))
    fill(module, tensors, "the stand-in weights")
    return module


def errnet(last: str = "relu5_1") -> Errnet:
    """Return generator and VGG-19 up to a layer."""
    return Errnet(filled(Generator()), Vgg19(last).fill_random()).eval()


def discriminator() -> Discriminator:
    """Return the discriminator."""
    return filled(Discriminator(), "netD.")


def picture(tag: str, part: str) -> torch.Tensor:
    """Return the picture `part` ('input', 'transmission') of a tag such as 'errnet_96x128', (1, 3, H, W)."""
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
    with np.load(os.path.join(folder, "tests", "parity", "errnet2019.npz")) as numbers:
        return dict(numbers)


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    """Return norm(found - expected) / norm(expected)."""
    return float(np.linalg.norm(np.asarray(found, np.float64) - expected) / np.linalg.norm(expected))
