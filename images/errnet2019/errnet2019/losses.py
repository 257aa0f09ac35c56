"""The losses of ERRNet.

Source: Wei et al. 2019, equations 1 to 6, with the constants of the authors' program (Vandermode/ERRNet).
"""

from typing import List, Sequence, Tuple

import torch
from torch.nn import functional

from netkit.torch_vgg19 import Vgg19, normalised

PIXEL_WEIGHT = 0.2
GRADIENT_WEIGHT = 0.4
VGG_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
VGG_WEIGHTS = (1 / 2.6, 1 / 4.8, 1 / 3.7, 1 / 5.6, 10 / 1.5)
UNALIGNED_LAYER = "conv5_2"


def pixel_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return 0.2 times the mean squared error plus 0.4 times the mean absolute errors of both forward differences.

    Args:
        output: float32, (N, 3, H, W); H and W at least 2.
        target: float32, (N, 3, H, W); H and W at least 2.
    """
    down = functional.l1_loss(output.diff(dim=2), target.diff(dim=2))
    across = functional.l1_loss(output.diff(dim=3), target.diff(dim=3))
    return PIXEL_WEIGHT * functional.mse_loss(output, target) + GRADIENT_WEIGHT * (down + across)


def vgg_target(vgg: Vgg19, target: torch.Tensor, layers: Sequence[str] = VGG_LAYERS) -> List[torch.Tensor]:
    """Return the activations that `vgg_loss` compares with, without a gradient.

    Args:
        target: RGB in [0, 1], (N, 3, H, W).
    """
    with torch.no_grad():
        activations: List[torch.Tensor] = vgg(normalised(target), layers)
        return activations


def vgg_loss(vgg: Vgg19, output: torch.Tensor, target: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the weighted mean absolute errors of five VGG-19 activations.

    Args:
        target: See `vgg_target`.
    """
    terms = [
        weight * functional.l1_loss(own, true)
        for weight, own, true in zip(VGG_WEIGHTS, vgg(normalised(output), VGG_LAYERS), target)
    ]
    return torch.stack(terms).sum()


def unaligned_loss(vgg: Vgg19, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the loss of a pair whose pictures do not lie exactly on each other, unweighted.

    The mean absolute error of conv5_2 before its ReLU.

    Args:
        vgg: Built up to conv5_2 at least.
        output: RGB in [0, 1], (N, 3, H, W).
        target: RGB in [0, 1], (N, 3, H, W).
    """
    (own,) = vgg(normalised(output), (UNALIGNED_LAYER,))
    (true,) = vgg_target(vgg, target, (UNALIGNED_LAYER,))
    return functional.l1_loss(own, true)


def relativistic_losses(real: torch.Tensor, fake: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return the generator's and the discriminator's relativistic average loss, unweighted.

    Args:
        real: The discriminator's logits of true and of estimated transmissions, (N, 1) each; each is compared with the
            other's mean over the batch.
        fake: See `real`.
    """
    real_lead = real - fake.mean(0, keepdim=True)
    fake_lead = fake - real.mean(0, keepdim=True)
    generator = 0.5 * (_cross_entropy(real_lead, 0.0) + _cross_entropy(fake_lead, 1.0))
    discriminator = 0.5 * (_cross_entropy(real_lead, 1.0) + _cross_entropy(fake_lead, 0.0))
    return generator, discriminator


def _cross_entropy(logits: torch.Tensor, label: float) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))
