"""The generator of ERRNet, with the parameter names of the released checkpoint.

Source: Wei et al. 2019, section 3, and the authors' program (Vandermode/ERRNet); the program's values hold.
"""

from typing import List, Sequence

import torch
from torch import nn
from torch.nn import functional

from netkit.onnx_sizes import SizeRule
from netkit.torch_training import Run, directly
from netkit.torch_vgg19 import Vgg19

FEATURE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""VGG-19 activations that are fed to the generator beside the picture."""

FEATURE_CHANNELS = 64 + 128 + 256 + 512 + 512
"""Channels of these activations together."""

SIZES = SizeRule(multiple=2, minimum=32)
"""Height and width are even, because of the one stride of two, and fill at least one cell of the coarsest pooling."""

WIDTH = 256
BLOCKS = 13
RESIDUAL_SCALE = 0.1
ATTENTION_REDUCTION = 8
POOLINGS = (4, 8, 16, 32)
POOLED_WIDTH = 64
SLOPE = 0.2


class _Convolution(nn.Module):
    """A convolution under the name that the authors' wrapper gives it."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.conv2d = convolution

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.conv2d(value)
        return result


def _convolution(before: int, after: int, kernel: int, stride: int = 1) -> _Convolution:
    return _Convolution(nn.Conv2d(before, after, kernel, stride, padding=kernel // 2))


class _ChannelAttention(nn.Module):
    """Weighs each channel by a function of all channels' averages over the picture."""

    def __init__(self) -> None:
        super().__init__()
        reduced = WIDTH // ATTENTION_REDUCTION
        self.fc = nn.Sequential(
            nn.Linear(WIDTH, reduced), nn.ReLU(inplace=True), nn.Linear(reduced, WIDTH), nn.Sigmoid()
        )

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        average = functional.adaptive_avg_pool2d(value, 1).flatten(1)
        weight: torch.Tensor = self.fc(average)
        return value * weight.view(-1, WIDTH, 1, 1)


class _ResidualBlock(nn.Module):
    """Two convolutions and channel attention, a tenth of which is added to the input."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _convolution(WIDTH, WIDTH, 3)
        self.conv2 = _convolution(WIDTH, WIDTH, 3)
        self.se_layer = _ChannelAttention()

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        inner = self.conv2(functional.relu(self.conv1(value), inplace=True))
        result: torch.Tensor = self.se_layer(inner) * RESIDUAL_SCALE + value
        return result


class _Pyramid(nn.Module):
    """Averages over cells of four sizes, brought back to size, in front of the features themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(cell), nn.Conv2d(WIDTH, POOLED_WIDTH, 1, bias=False)) for cell in POOLINGS
        )
        self.bottleneck = nn.Conv2d(WIDTH + POOLED_WIDTH * len(POOLINGS), WIDTH, 1)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        size = value.shape[2:]
        levels: List[torch.Tensor] = [
            functional.interpolate(functional.leaky_relu(stage(value), SLOPE), size=size, mode="nearest")
            for stage in self.stages
        ]
        return functional.leaky_relu(self.bottleneck(torch.cat([*levels, value], 1)), SLOPE, inplace=True)


class Generator(nn.Module):
    """Picture and VGG features to transmission."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _convolution(3 + FEATURE_CHANNELS, WIDTH, 1)
        self.conv2 = _convolution(WIDTH, WIDTH, 3)
        self.conv3 = _convolution(WIDTH, WIDTH, 3, stride=2)
        self.res_module = nn.Sequential(*(_ResidualBlock() for _ in range(BLOCKS)))
        self.deconv1 = _Convolution(nn.ConvTranspose2d(WIDTH, WIDTH, 4, 2, padding=1))
        self.deconv2 = _convolution(WIDTH, WIDTH, 3)
        self.pyramid_module = _Pyramid()
        self.deconv3 = _convolution(WIDTH, 3, 1)

    def forward(self, hypercolumn: torch.Tensor) -> torch.Tensor:
        """Return the transmission, (N, 3, H, W), not negative and not limited above.

        Args:
            hypercolumn: float32, (N, 1475, H, W), see `hypercolumn`; H and W even and at least 32.
        """
        return self._after_first(functional.relu(self.conv1(hypercolumn), inplace=True), directly)

    def from_levels(self, image: torch.Tensor, levels: Sequence[torch.Tensor], run: Run = directly) -> torch.Tensor:
        """Return what `forward` returns, without the hypercolumn: a training's way, equal up to rounding.

        A convolution of one pixel can be done before its input is resized, at the size of each activation.

        Args:
            image: float32 RGB in [0, 1], (N, 3, H, W).
            levels: VGG-19's activations, see `vgg_levels`.
            run: How each part of the network is run.
        """
        convolution = self.conv1.conv2d
        kernels = convolution.weight.split([3, *(level.shape[1] for level in levels)], 1)
        value = functional.conv2d(image, kernels[0], convolution.bias)
        for level, kernel in zip(levels, kernels[1:]):
            part = functional.conv2d(level, kernel)
            if part.shape[2:] != value.shape[2:]:
                part = functional.interpolate(part, size=image.shape[2:], mode="bilinear", align_corners=False)
            value = value + part
        return self._after_first(functional.relu(value, inplace=True), run)

    def _after_first(self, value: torch.Tensor, run: Run) -> torch.Tensor:
        for part in (self._encoded, *self.res_module, self._decoded, self._finished):
            value = run(part, value)
        return value

    def _encoded(self, value: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.conv3(functional.relu(self.conv2(value), inplace=True)), inplace=True)

    def _decoded(self, value: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.deconv2(functional.relu(self.deconv1(value), inplace=True)), inplace=True)

    def _finished(self, value: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.deconv3(self.pyramid_module(value)), inplace=True)


def vgg_levels(vgg: Vgg19, image: torch.Tensor) -> List[torch.Tensor]:
    """Return VGG-19's activations of a picture, each at its own size, without a gradient.

    Args:
        image: float32 RGB in [0, 1], (N, 3, H, W), fed to VGG as it is.
    """
    with torch.no_grad():
        levels: List[torch.Tensor] = vgg(image, FEATURE_LAYERS)
        return levels


def hypercolumn(vgg: Vgg19, image: torch.Tensor) -> torch.Tensor:
    """Return the picture with its VGG-19 features at full size, (N, 1475, H, W), without a gradient.

    Args:
        image: float32 RGB in [0, 1], (N, 3, H, W), fed to VGG as it is.
    """
    size = image.shape[2:]
    with torch.no_grad():
        activations = [
            functional.interpolate(value, size=size, mode="bilinear", align_corners=False)
            for value in vgg_levels(vgg, image)
        ]
        return torch.cat([image, *activations], 1)


class Errnet(nn.Module):
    """VGG-19 and generator in one: RGB in [0, 1], (N, 3, H, W), to transmission of the same size.

    H and W must fit `SIZES`.
    """

    def __init__(self, generator: Generator, vgg: Vgg19) -> None:
        super().__init__()
        self.generator = generator
        self.vgg = vgg

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the transmission, not limited above.

        Args:
            image: float32 RGB in [0, 1], (N, 3, H, W).
        """
        transmission: torch.Tensor = self.generator(hypercolumn(self.vgg, image))
        return transmission
