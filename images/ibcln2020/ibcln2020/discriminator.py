"""The patch discriminator of IBCLN, with the parameter names of the authors' program.

Source: Li et al. 2020; a 70 x 70 patch discriminator after Isola et al. 2017.
"""

import torch
from torch import nn

SMALLEST_SIDE = 32
"""Pixels below which no patch is left."""

_SLOPE = 0.2
_LAYERS = ((3, 64, 2), (64, 128, 2), (128, 256, 2), (256, 512, 1))


class Discriminator(nn.Module):
    """Judges every patch of a picture: near 1 for a true transmission, near 0 for an estimated one."""

    def __init__(self) -> None:
        super().__init__()
        layers = []
        for before, after, stride in _LAYERS:
            layers.append(nn.Conv2d(before, after, 4, stride, padding=1))
            if before != 3:
                layers.append(nn.InstanceNorm2d(after))
            layers.append(nn.LeakyReLU(_SLOPE))
        self.model = nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, padding=1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return one number a patch, (N, 1, h, w).

        Args:
            picture: RGB in [0, 1], (N, 3, H, W), at least 32 pixels a side.
        """
        judgement: torch.Tensor = self.model(picture)
        return judgement
