"""Glazier: what a picture holds too much of, from dilated convolutions at half its size, is taken from it."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from netkit.onnx_sizes import SizeRule

SIZES = SizeRule(multiple=2)
"""Height and width must be even: the network works at half of them."""


class Glazier(nn.Module):
    """A residual network of convolutions alone, so that tiles of it are exact.

    Reflections are out of focus: half the picture's size shows them as well, in a quarter of the time. Each of the
    blocks adds to what came before it; the growing dilations let a pixel see far. Untrained it answers the picture
    itself.

    Args:
        channels: Of every layer between the first and the last.
        dilations: One for each block.
        strength: How much of what it finds is taken from the picture once it is trained, 0 to 1. What it finds is right
            on average; part of it makes nearly every picture better.
    """

    def __init__(self, channels: int, dilations: Sequence[int], strength: float) -> None:
        super().__init__()
        self.strength = strength
        self.stem = nn.Conv2d(3, channels, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=far, dilation=far) for far in dilations)
        self.head = nn.Conv2d(channels, 4 * 3, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return the transmission, (N, 3, H, W).

        Args:
            picture: RGB in [0, 1], (N, 3, H, W), height and width even.
        """
        features = functional.relu(self.stem(picture - 0.5))
        for block in self.blocks:
            features = features + functional.relu(block(features))
        found = functional.pixel_shuffle(self.head(features), 2)
        return picture - (found if self.training else self.strength * found)
