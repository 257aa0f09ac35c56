"""Small networks of the kinds that reflection removal uses, written for the zoo."""

import torch
from torch import nn
from torch.nn import functional


class LayerNorm(nn.Module):
    """Over the channels of every pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.offset = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mean = features.mean(1, keepdim=True)
        variance = (features - mean).pow(2).mean(1, keepdim=True)
        return (features - mean) / torch.sqrt(variance + 1e-6) * self.scale + self.offset


class Interaction(nn.Module):
    """Two streams that gate each other, with attention over channels by what is mean in the whole picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(LayerNorm(channels) for _stream in range(2))
        self.wide = nn.ModuleList(nn.Conv2d(channels, 2 * channels, 1) for _stream in range(2))
        self.near = nn.ModuleList(
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels) for _stream in range(2)
        )
        self.attention = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1)) for _stream in range(2)
        )
        self.out = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _stream in range(2))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        streams = (first, second)
        halves = [
            near(wide(norm(stream))).chunk(2, 1)
            for norm, wide, near, stream in zip(self.norms, self.wide, self.near, streams, strict=True)
        ]
        gated = (halves[0][0] * halves[1][1], halves[1][0] * halves[0][1])
        attended = [one * attention(one) for one, attention in zip(gated, self.attention, strict=True)]
        answers = [stream + out(one) for stream, out, one in zip(streams, self.out, attended, strict=True)]
        return answers[0], answers[1]


class DualStream(nn.Module):
    """Encoder and decoder of two interacting streams, with the sum of both held to the input by a learned residue."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.begin = nn.Conv2d(3, 2 * channels, 3, padding=1)
        self.top = Interaction(channels)
        self.down = nn.ModuleList(nn.Conv2d(channels, 2 * channels, 2, 2) for _stream in range(2))
        self.middle = Interaction(2 * channels)
        self.up = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * channels, 4 * channels, 1), nn.PixelShuffle(2)) for _stream in range(2)
        )
        self.bottom = Interaction(channels)
        self.end = nn.ModuleList(nn.Conv2d(channels, 3, 3, padding=1) for _stream in range(2))
        self.residue = nn.Conv2d(6, 3, 3, padding=1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = image.shape[-2:]
        padded = functional.pad(image, (0, width % 2, 0, height % 2), mode="replicate")
        first, second = self.top(*self.begin(padded).chunk(2, 1))
        deep = self.middle(self.down[0](first), self.down[1](second))
        first, second = self.bottom(first + self.up[0](deep[0]), second + self.up[1](deep[1]))
        layers = [end(stream) for end, stream in zip(self.end, (first, second), strict=True)]
        left = torch.tanh(self.residue(torch.cat(layers, 1)))
        return (layers[0] + left)[..., :height, :width], (layers[1] - left)[..., :height, :width]


class Exchange(nn.Module):
    """Two streams that give each other what their activation leaves: the negative part of one is added to the other."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _stream in range(2))
        self.norms = nn.ModuleList(nn.InstanceNorm2d(channels, affine=True) for _stream in range(2))
        self.pick = nn.ModuleList(nn.Conv2d(2 * channels, channels, 1) for _stream in range(2))

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        one, two = (
            norm(convolution(stream))
            for norm, convolution, stream in zip(self.norms, self.convolutions, (first, second), strict=True)
        )
        kept, given = (functional.relu(one), functional.relu(two)), (one.clamp(max=0), two.clamp(max=0))
        return (
            first + self.pick[0](torch.cat([kept[0], given[1]], 1)),
            second + self.pick[1](torch.cat([kept[1], given[0]], 1)),
        )


class ExchangeNetwork(nn.Module):
    """U-shaped, of exchanging streams, with bilinear resizing on the way up."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.begin = nn.ModuleList(nn.Conv2d(3, channels, 3, padding=1) for _stream in range(2))
        self.top = Exchange(channels)
        self.middle = Exchange(channels)
        self.bottom = Exchange(channels)
        self.end = nn.ModuleList(nn.Conv2d(channels, 3, 3, padding=1) for _stream in range(2))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        streams = self.top(*(begin(image) for begin in self.begin))
        deep = self.middle(*(functional.max_pool2d(one, 2) for one in streams))
        wide = [
            functional.interpolate(one, size=streams[0].shape[-2:], mode="bilinear", align_corners=False)
            for one in deep
        ]
        first, second = self.bottom(streams[0] + wide[0], streams[1] + wide[1])
        return self.end[0](first), self.end[1](second)


class Columns(nn.Module):
    """Columns of levels that run forwards and can be undone: each level adds what its neighbours say."""

    def __init__(self, channels: int, columns: int) -> None:
        super().__init__()
        self.begin = nn.Conv2d(3, channels, 4, 4)
        self.down = nn.ModuleList(nn.Conv2d(channels, 2 * channels, 2, 2) for _column in range(columns))
        self.up = nn.ModuleList(nn.Conv2d(2 * channels, channels, 1) for _column in range(columns))
        self.levels = nn.ModuleList(
            nn.ModuleList(self.block(count) for count in (channels, 2 * channels)) for _column in range(columns)
        )
        self.scales = nn.ParameterList(
            nn.Parameter(torch.ones(1, count, 1, 1)) for count in (channels, 2 * channels) for _column in range(columns)
        )
        self.low = nn.Conv2d(channels, 2 * channels, 2, 2)
        self.prompt = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * channels, channels))
        self.end = nn.Sequential(nn.Conv2d(channels, 6 * 16, 3, padding=1), nn.PixelShuffle(4))

    @staticmethod
    def block(channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            LayerNorm(channels),
            nn.Conv2d(channels, 2 * channels, 1),
            nn.GELU(),
            nn.Conv2d(2 * channels, channels, 1),
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = image.shape[-2:]
        padded = functional.pad(image, (0, -width % 8, 0, -height % 8), mode="reflect")
        high = self.begin(padded)
        low = self.low(high)
        for place, (down, up, levels) in enumerate(zip(self.down, self.up, self.levels, strict=True)):
            wide = functional.interpolate(up(low), scale_factor=2, mode="nearest")
            high = self.scales[place] * high + levels[0](wide)
            low = self.scales[len(self.down) + place] * low + levels[1](down(high))
        prompt = torch.sigmoid(self.prompt(low))[..., None, None]
        layers = self.end(high * prompt)[..., :height, :width]
        return image - layers[:, :3], layers[:, 3:]


def dsrnet_like() -> nn.Module:
    return DualStream(8)


def ytmt_like() -> nn.Module:
    return ExchangeNetwork(8)


def rdnet_like() -> nn.Module:
    return Columns(8, 2)
