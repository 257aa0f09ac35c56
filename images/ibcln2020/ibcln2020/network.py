"""The generators of IBCLN and their cascade, with the parameter names of the released checkpoints.

Source: Li et al. 2020, section 3, and the authors' program (JHL-HUST/IBCLN); the program's values hold.
"""

import functools
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import nn

from netkit.onnx_sizes import SizeRule
from netkit.torch_training import Run, directly

SIZES = SizeRule(multiple=4, minimum=8)
"""Height and width are halved twice, and the reflection padding of the quarter needs two pixels."""

FIRST_REFLECTION = 0.1
"""The reflection with which a cascade begins, everywhere."""

MEMORY = 256
"""Channels of the hidden state and of the cell, at a quarter of the picture's size."""

State = Tuple[torch.Tensor, torch.Tensor]
"""Hidden state and cell of one generator, (N, 256, H/4, W/4) each."""


class Frames(NamedTuple):
    """What a generator answers: a picture at full, half and quarter size, each (N, 3, h, w), not limited above."""

    full: torch.Tensor
    half: torch.Tensor
    quarter: torch.Tensor


def _convolution(before: int, after: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, padding, dilation), nn.ReLU())


def _gate(activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2 * MEMORY, MEMORY, 3, padding=1), activation)


def _doubled(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(before, after, 4, 2, padding=1),
        nn.ReflectionPad2d((1, 0, 1, 0)),
        nn.AvgPool2d(2, stride=1),
        nn.ReLU(),
    )


class Generator(nn.Module):
    """One refinement of one layer: blended picture, transmission and reflection to a better layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _convolution(9, 64, 5)
        self.conv2 = _convolution(64, 128, 3, stride=2)
        self.conv3 = _convolution(128, 128, 3)
        self.conv4 = _convolution(128, 256, 3, stride=2)
        self.conv5 = _convolution(256, 256, 3)
        self.conv6 = _convolution(256, 256, 3)
        self.diconv1 = _convolution(256, 256, 3, dilation=2)
        self.diconv2 = _convolution(256, 256, 3, dilation=4)
        self.diconv3 = _convolution(256, 256, 3, dilation=8)
        self.diconv4 = _convolution(256, 256, 3, dilation=16)
        self.conv7 = _convolution(256, 256, 3)
        self.conv_i = _gate(nn.Sigmoid())
        self.conv_f = _gate(nn.Sigmoid())
        self.conv_g = _gate(nn.Tanh())
        self.conv_o = _gate(nn.Sigmoid())
        self.conv8 = _convolution(256, 256, 3)
        self.deconv1 = _doubled(256, 128)
        self.conv9 = _convolution(128, 128, 3)
        self.deconv2 = _doubled(128, 64)
        self.conv10 = _convolution(64, 32, 3)
        self.outframe1 = _convolution(256, 3, 3)
        self.outframe2 = _convolution(128, 3, 3)
        self.output = _convolution(32, 3, 3)

    def forward(
        self, value: torch.Tensor, state: Optional[State], mask: Optional[torch.Tensor] = None
    ) -> Tuple[Frames, State]:
        """Return the layer at three sizes and the new state.

        Args:
            value: Blended picture, transmission and reflection, float32 in [0, 1], (N, 9, H, W), H and W multiples of
                4.
            state: None at the start of a cascade, which stands for zeros.
            mask: Of the dropout, (N, 128, H/2, W/2): 0 where a value is dropped; None drops nothing.
        """
        first = self.conv1(value)
        third = self.conv3(self.conv2(first))
        inner = self.conv4(third)
        for layer in (self.conv5, self.conv6, self.diconv1, self.diconv2, self.diconv3, self.diconv4, self.conv7):
            inner = layer(inner)
        state = self._remembered(inner, state)
        inner = self.conv8(state[0])
        quarter = self.outframe1(inner)
        inner = self.conv9(self.deconv1(inner) + third)
        if mask is not None:
            inner = inner * mask
        half = self.outframe2(inner)
        inner = self.conv10(self.deconv2(inner) + first)
        return Frames(self.output(inner), half, quarter), state

    def _remembered(self, inner: torch.Tensor, state: Optional[State]) -> State:
        """Return the convolutional LSTM's next state; without one there is nothing to forget."""
        hidden = torch.zeros_like(inner) if state is None else state[0]
        both = torch.cat([inner, hidden], 1)
        cell = self.conv_i(both) * self.conv_g(both)
        if state is not None:
            cell = self.conv_f(both) * state[1] + cell
        return self.conv_o(both) * torch.tanh(cell), cell


class Step(NamedTuple):
    """One step of the cascade."""

    transmission: Frames
    reflection: Frames


class Cascade(nn.Module):
    """Two generators that refine transmission and reflection in turns."""

    def __init__(self, steps: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.G_T = Generator()
        self.G_R = Generator()

    def forward(self, blended: torch.Tensor, masks: Sequence[torch.Tensor] = (), run: Run = directly) -> List[Step]:
        """Return every step, first to last.

        Args:
            blended: float32 RGB in [0, 1], (N, 3, H, W), H and W multiples of 4.
            masks: Of the dropout, one for each generator of each step in their order; none drops nothing.
            run: How each generator is run.
        """
        transmission, reflection = blended, torch.full_like(blended, FIRST_REFLECTION)
        states: List[Optional[State]] = [None, None]
        found = []
        for number in range(self.steps):
            frames: List[Frames] = []
            for index, generator in enumerate((self.G_T, self.G_R)):
                mask = masks[2 * number + index] if masks else None
                part = functools.partial(_refined, generator, states[index], mask)
                answer, states[index] = run(part, torch.cat([blended, transmission, reflection], 1))
                frames.append(answer)
                transmission, reflection = (answer.full, reflection) if index == 0 else (transmission, answer.full)
            found.append(Step(*frames))
        return found


def _refined(
    generator: Generator, state: Optional[State], mask: Optional[torch.Tensor], value: torch.Tensor
) -> Tuple[Frames, State]:
    answer: Tuple[Frames, State] = generator(value, state, mask)
    return answer


class Ibcln(nn.Module):
    """The cascade as it is exported: RGB in [0, 1], (1, 3, H, W), to the layers of every step, the last one first."""

    def __init__(self, cascade: Cascade) -> None:
        super().__init__()
        self.cascade = cascade

    def forward(self, image: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """Return last transmission, last reflection, then both layers of each earlier step; see `output_names`."""
        steps = self.cascade(image)
        return tuple(frames.full for step in (steps[-1], *steps[:-1]) for frames in step)


def output_names(steps: int) -> Tuple[str, ...]:
    """Return the names of the exported outputs, in the order of `Ibcln.forward`."""
    earlier = [name for number in range(1, steps) for name in ("transmission_%d" % number, "reflection_%d" % number)]
    return ("transmission", "reflection", *earlier)


def initialise(module: nn.Module, deviation: float) -> None:
    """Draw a network's kernels from N(0, deviation ** 2) and set its biases to 0, as the program does with 0.02."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, 0.0, deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
