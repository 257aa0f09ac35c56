"""One step of IBCLN's training: both generators, then the discriminator.

Source: Li et al. 2020, section 3.3, and the order of the authors' program (JHL-HUST/IBCLN).
"""

import dataclasses
from typing import Any, Dict, Mapping, Tuple

import torch

from ibcln2020.discriminator import Discriminator
from ibcln2020.losses import (
    Targets,
    adversarial_loss,
    discriminator_loss,
    perceptual_loss,
    perceptual_targets,
    pixel_loss,
    reflection_loss,
    residual_loss,
)
from ibcln2020.network import Cascade, initialise
from netkit.torch_vgg19 import Vgg19


@dataclasses.dataclass(frozen=True)
class Batch:
    """What a step sees: pictures (N, 3, H, W), the transmission at three sizes, scale (N, 1, 1, 1), synthetic (N,)."""

    blended: torch.Tensor
    targets: Targets
    scale: torch.Tensor
    synthetic: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        full, half, quarter = (target.to(device) for target in self.targets)
        return Batch(self.blended.to(device), (full, half, quarter), self.scale.to(device), self.synthetic.to(device))


class Optimisation:
    """Cascade and discriminator with their optimisers.

    vgg: VGG-19 up to relu2_1 at least. seed: of the initial weights.
    """

    def __init__(self, recipe: Mapping[str, Any], vgg: Vgg19, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.weight_adversarial = float(recipe["weight_adversarial"])
        self.device = device
        self.vgg = vgg.to(device)
        self.cascade = Cascade(recipe["cascade"], recipe["dropout"]).to(device)
        self.discriminator = Discriminator().to(device)
        for network in (self.cascade, self.discriminator):
            initialise(network)
        rate, betas = recipe["rate"][0]["rate"], _pair(recipe["betas"])
        self.cascade_adam, self.discriminator_adam = (
            torch.optim.Adam(network.parameters(), lr=rate, betas=betas)
            for network in (self.cascade, self.discriminator)
        )

    def step(self, batch: Batch, *, rate: float, dropout_seed: int) -> Dict[str, torch.Tensor]:
        """Update the networks with one batch and return its losses, unweighted, as scalars without a gradient.

        dropout_seed: of this step's dropout; named for the step, so that a resumed training drops the same.
        """
        batch = batch.to(self.device)
        for optimiser in (self.cascade_adam, self.discriminator_adam):
            for group in optimiser.param_groups:
                group["lr"] = rate
        torch.manual_seed(dropout_seed)
        losses, fake = self._generator_step(batch)
        losses["discriminator"] = self._discriminator_step(batch.targets[0], fake)
        return {name: value.detach() for name, value in losses.items()}

    def _generator_step(self, batch: Batch) -> Tuple[Dict[str, torch.Tensor], torch.Tensor]:
        transmission = batch.targets[0]
        steps = self.cascade(batch.blended)
        last = steps[-1].transmission
        losses = {
            "pixel": pixel_loss(steps, transmission),
            "residual": residual_loss(steps, batch.blended, batch.scale, batch.synthetic),
            "reflection": reflection_loss(steps, batch.blended, transmission, batch.scale, batch.synthetic),
            "perceptual": perceptual_loss(self.vgg, last, perceptual_targets(self.vgg, batch.targets)),
        }
        total = torch.stack(list(losses.values())).sum()
        if self.weight_adversarial:
            self.discriminator.requires_grad_(False)
            losses["adversarial"] = adversarial_loss(self.discriminator(last.full))
            total = total + self.weight_adversarial * losses["adversarial"]
        self.cascade_adam.zero_grad(set_to_none=True)
        total.backward()
        self.cascade_adam.step()
        return losses, last.full.detach()

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        self.discriminator.requires_grad_(True)
        loss = discriminator_loss(self.discriminator(real), self.discriminator(fake))
        self.discriminator_adam.zero_grad(set_to_none=True)
        loss.backward()
        self.discriminator_adam.step()
        return loss


def _pair(values: Any) -> Tuple[float, float]:
    first, second = values
    return float(first), float(second)
