"""The network itself: what stands here is a placeholder that learns a smooth veil. Put yours in its place."""

import torch
from torch import nn

from netkit.onnx_sizes import SizeRule

SIZES = SizeRule(multiple=2, minimum=4)
"""The sizes that the network takes; others are padded by repeating the edge, inside the exported graph, and cropped."""

OUTPUTS = ("transmission",)
"""Names of what the network answers, in its order; `transmission` must be one of them."""


class Network(nn.Module):
    """A picture, float32 RGB in [0, 1], (N, 3, H, W), to the same picture without the reflection.

    Args:
        channels: Of the inner layers.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.down = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.body = nn.Conv2d(channels, channels, 3, padding=1)
        self.up = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1)
        self.tail = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the picture less what is found of a reflection."""
        first = torch.relu(self.head(image))
        half = torch.relu(self.down(first))
        half = half + torch.relu(self.body(half))
        return image - self.tail(first + torch.relu(self.up(half)))
