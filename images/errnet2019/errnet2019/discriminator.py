"""The discriminator of ERRNet, with the parameter names of the released checkpoint.

Source: the authors' program (Vandermode/ERRNet); the paper names only the relativistic loss.
"""

from typing import List

import torch
from torch import nn

CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512, 512, 512)
GROUPS = 32
SLOPE = 0.2


class Discriminator(nn.Module):
    """Picture to one logit: larger means more like a true transmission."""

    def __init__(self) -> None:
        super().__init__()
        layers: List[nn.Module] = []
        before = 3
        for index, channels in enumerate(CHANNELS):
            layers.append(nn.Conv2d(before, channels, 3, stride=1 + index % 2, padding=1))
            if index:
                layers.append(nn.GroupNorm(GROUPS, channels))
            layers.append(nn.LeakyReLU(SLOPE, inplace=True))
            before = channels
        self.body = nn.Sequential(*layers)
        self.tail = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(before, 1024, 1),
            nn.LeakyReLU(SLOPE, inplace=True),
            nn.Conv2d(1024, 1, 1),
        )

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return one logit per sample, (N, 1).

        Args:
            picture: float32 RGB in [0, 1], (N, 3, H, W).
        """
        logit: torch.Tensor = self.tail(self.body(picture)).flatten(1)
        return logit
