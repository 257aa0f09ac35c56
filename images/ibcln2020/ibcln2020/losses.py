"""The losses of IBCLN.

Source: Li et al. 2020, section 3.3, with the constants of the authors' program (JHL-HUST/IBCLN).
"""

from typing import List, Sequence, Tuple

import torch
from torch.nn import functional

from ibcln2020.network import Frames, Step
from netkit.synthesis import GAMMA
from netkit.torch_vgg19 import Vgg19

RESIDUAL_WEIGHT = 10.0
LAYERS = ("relu1_1", "relu2_1")
_LAYER_WEIGHTS = (1 / 2.6, 1 / 4.8)
_SCALE_WEIGHTS = (1.0, 0.8, 0.6)

Targets = Tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""The true transmission at full, half and quarter size, (N, 3, h, w)."""


def linear(picture: torch.Tensor) -> torch.Tensor:
    """Return display values, not negative, in linear light."""
    return picture**GAMMA


def pixel_loss(steps: Sequence[Step], transmission: torch.Tensor) -> torch.Tensor:
    """Return the mean squared errors of the transmission, summed over the cascade's steps."""
    return torch.stack([functional.mse_loss(step.transmission.full, transmission) for step in steps]).sum()


def residual_loss(
    steps: Sequence[Step], blended: torch.Tensor, scale: torch.Tensor, synthetic: torch.Tensor
) -> torch.Tensor:
    """Return how far the layers are from adding up to the blended picture, in linear light, times 10.

    Args:
        scale: Of each sample's transmission, (N, 1, 1, 1).
        synthetic: 1 for samples that count, 0 for real ones, (N,).
    """
    light = linear(blended)
    errors = [scale * linear(step.transmission.full) + linear(step.reflection.full) - light for step in steps]
    return _masked(errors, synthetic)


def reflection_loss(
    steps: Sequence[Step],
    blended: torch.Tensor,
    transmission: torch.Tensor,
    scale: torch.Tensor,
    synthetic: torch.Tensor,
) -> torch.Tensor:
    """Return how far the reflection is from what the true transmission leaves of the blended picture, times 10.

    Args:
        scale: As in `residual_loss`.
        synthetic: As in `residual_loss`.
    """
    light, true = linear(blended), scale * linear(transmission)
    return _masked([linear(step.reflection.full) + true - light for step in steps], synthetic)


def _masked(errors: Sequence[torch.Tensor], synthetic: torch.Tensor) -> torch.Tensor:
    """Return 10 times the mean square over the batch, where real samples count as without an error."""
    squares = torch.stack([(error * error).mean((1, 2, 3)) for error in errors]).sum(0)
    return RESIDUAL_WEIGHT * (squares * synthetic).mean()


def perceptual_targets(vgg: Vgg19, targets: Targets) -> List[List[torch.Tensor]]:
    """Return the activations of the true transmission at each size, without a gradient."""
    with torch.no_grad():
        return [vgg(target, LAYERS) for target in targets]


def perceptual_loss(vgg: Vgg19, frames: Frames, targets: Sequence[Sequence[torch.Tensor]]) -> torch.Tensor:
    """Return the weighted mean absolute errors of VGG-19's first activations at three sizes.

    The pictures are not normalised before.

    Args:
        targets: See `perceptual_targets`.
    """
    terms = [
        scale * weight * functional.l1_loss(own, true)
        for scale, frame, known in zip(_SCALE_WEIGHTS, frames, targets)
        for weight, own, true in zip(_LAYER_WEIGHTS, vgg(frame, LAYERS), known)
    ]
    return torch.stack(terms).sum()


def adversarial_loss(fake: torch.Tensor) -> torch.Tensor:
    """Return the generator's least-squares loss, unweighted.

    Args:
        fake: The discriminator's judgement of the estimate.
    """
    return functional.mse_loss(fake, torch.ones_like(fake))


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return the discriminator's least-squares loss.

    Args:
        real: Its judgements.
        fake: Its judgements.
    """
    return 0.5 * (functional.mse_loss(real, torch.ones_like(real)) + functional.mse_loss(fake, torch.zeros_like(fake)))
