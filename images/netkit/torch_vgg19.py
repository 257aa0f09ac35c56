"""The convolutional part of VGG-19 in PyTorch, with torchvision's names and child indices.

Source: Simonyan and Zisserman 2015, configuration E, with max pooling.
"""

from typing import Dict, List, Mapping, Sequence, Tuple

import torch
from torch import nn

from netkit.seeded import seeded_vgg19
from netkit.torch_files import fill, load_tensors

FILE_NAME = "vgg19-dcbb9e9d.pth"
"""torchvision's name for the file with the ImageNet weights."""

PUBLISHED = "dcbb9e9d"
"""First digits of the SHA-256 of that file."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of RGB in [0, 1], as torchvision's weights expect it to be subtracted."""

IMAGENET_STD = (0.229, 0.224, 0.225)
"""Standard deviation that goes with `IMAGENET_MEAN`."""

_BLOCKS = ((1, 2, 64), (2, 2, 128), (3, 4, 256), (4, 4, 512), (5, 4, 512))


def _layers() -> List[Tuple[str, int, int]]:
    """Return kind-and-name, input and output channels of every child of `features`, in order."""
    layers = []
    before = 3
    for block, count, channels in _BLOCKS:
        for number in range(1, count + 1):
            layers.append(("conv%d_%d" % (block, number), before, channels))
            layers.append(("relu%d_%d" % (block, number), channels, channels))
            before = channels
        layers.append(("pool%d" % block, channels, channels))
    return layers


_LAYERS = _layers()

CHILD: Mapping[str, int] = {name: index for index, (name, _before, _after) in enumerate(_LAYERS)}
"""Index among the children of torchvision's `features`, counted from 0, by layer name such as 'relu5_1'."""


class Vgg19(nn.Module):
    """VGG-19's `features` up to and including one layer, frozen.

    Args:
        last: The last layer that is built, such as 'relu5_1'. The weights are unset until `load` or `fill_random`.
    """

    def __init__(self, last: str = "pool5") -> None:
        super().__init__()
        children: List[nn.Module] = []
        for name, before, after in _LAYERS[: CHILD[last] + 1]:
            if name.startswith("conv"):
                children.append(nn.Conv2d(before, after, 3, padding=1))
            elif name.startswith("relu"):
                children.append(nn.ReLU(inplace=True))
            else:
                children.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*children)
        self.requires_grad_(False)

    def forward(self, image: torch.Tensor, layers: Sequence[str]) -> List[torch.Tensor]:
        """Return the activations after the named layers, in the order of the network.

        Args:
            image: float32, (N, 3, H, W), as the weights expect it (see `normalised`); layers after the last wanted one
                do not run. A convolution's own activation, before its ReLU, is given only where it is the last wanted
                one.

        Raises:
            ValueError: Where a wanted convolution is followed by a wanted layer: the ReLU would overwrite it.
        """
        wanted = sorted(CHILD[name] for name in layers)
        if any(isinstance(self.features[index], nn.Conv2d) for index in wanted[:-1]):
            raise ValueError("a convolution before its ReLU can only be the last of %s" % ", ".join(layers))
        found = []
        value = image
        for index in range(wanted[-1] + 1):
            value = self.features[index](value)
            if index in wanted:
                found.append(value)
        return found

    def load(self, path: str) -> "Vgg19":
        """Fill the network from torchvision's file; its classifier and the layers that are not built are left out.

        Raises:
            BadInput: Where the file cannot be read or lacks a tensor of the right shape.
        """
        names = self.state_dict().keys()
        stored = load_tensors(path)
        fill(self, {name: tensor for name, tensor in stored.items() if name in names}, path)
        return self

    def fill_random(self, salt: str = "") -> "Vgg19":
        """Fill the network with seeded numbers: the same in every program, for every framework."""
        last = [name for name in list(CHILD)[: len(self.features)] if name.startswith("conv")][-1]
        tensors: Dict[str, torch.Tensor] = {}
        for name, (kernel, bias) in seeded_vgg19(last, salt).items():
            tensors["features.%d.weight" % CHILD[name]] = torch.from_numpy(kernel)
            tensors["features.%d.bias" % CHILD[name]] = torch.from_numpy(bias)
        fill(self, tensors, "the seeded VGG-19")
        return self


def normalised(image: torch.Tensor) -> torch.Tensor:
    """Return RGB in [0, 1], (N, 3, H, W), with ImageNet's mean subtracted and divided by its standard deviation.

    Multiplied first and shifted then, as the authors' programs do it: the loss's gradient has kinks, and the other
    order changes its norm in the fifth digit.
    """
    mean = torch.tensor(IMAGENET_MEAN, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    return image * (1 / std) - mean / std
