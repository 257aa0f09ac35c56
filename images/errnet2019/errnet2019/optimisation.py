"""One step of ERRNet's training: generator forward, discriminator step, generator step.

Source: Wei et al. 2019, section 4, and the order of the authors' program (Vandermode/ERRNet).
"""

import dataclasses
from typing import Any, Dict, Mapping, Tuple

import torch
from torch import nn

from errnet2019.discriminator import Discriminator
from errnet2019.losses import pixel_loss, relativistic_losses, vgg_loss, vgg_target
from errnet2019.network import Generator, hypercolumn
from netkit.torch_vgg19 import Vgg19


@dataclasses.dataclass(frozen=True)
class Weights:
    """The weights of the losses beside the pixel loss, whose weight is 1; Adam's decay rates; the first rate."""

    vgg: float
    adversarial: float
    betas: Tuple[float, float]
    rate: float

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> "Weights":
        """Return the weights that a recipe names."""
        first, second = recipe["betas"]
        return cls(recipe["weight_vgg"], recipe["weight_adversarial"], (first, second), recipe["rate"][0]["rate"])


class Optimisation:
    """Generator and discriminator with their optimisers.

    vgg: VGG-19 up to relu5_1 at least, on `device`; its features feed the generator and measure the VGG loss.
    seed: of the initial weights. The generator starts as PyTorch initialises its layers, the discriminator's
    convolutions start as He et al. 2015 (Kaiming normal), both as in the program.
    """

    def __init__(self, weights: Weights, vgg: Vgg19, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.weights = weights
        self.device = device
        self.vgg = vgg.to(device)
        self.generator = Generator().to(device)
        self.discriminator = Discriminator().to(device)
        self.discriminator.apply(_kaiming)
        # The program changes the generator's rate alone: the discriminator keeps the first one.
        self.generator_adam, self.discriminator_adam = (
            torch.optim.Adam(network.parameters(), lr=weights.rate, betas=weights.betas)
            for network in (self.generator, self.discriminator)
        )

    def step(
        self, blended: torch.Tensor, transmission: torch.Tensor, *, rate: float, adversarial: bool
    ) -> Dict[str, torch.Tensor]:
        """Update the networks with one batch and return its losses, unweighted, as scalars without a gradient.

        blended, transmission: float32 RGB in [0, 1], (N, 3, H, W), on any device; rate: the generator's.
        adversarial: whether the discriminator takes part, which adds its two losses to the answer.
        """
        blended, transmission = blended.to(self.device), transmission.to(self.device)
        for group in self.generator_adam.param_groups:
            group["lr"] = rate
        output = self.generator(hypercolumn(self.vgg, blended))
        losses = {}
        if adversarial:
            losses["discriminator"] = self._discriminator_step(output.detach(), transmission)
        losses.update(self._generator_step(output, transmission, adversarial))
        return {name: value.detach() for name, value in losses.items()}

    def _discriminator_step(self, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        self.discriminator.requires_grad_(True)
        _, loss = relativistic_losses(self.discriminator(real), self.discriminator(fake))
        self.discriminator_adam.zero_grad(set_to_none=True)
        (self.weights.adversarial * loss).backward()
        self.discriminator_adam.step()
        return loss

    def _generator_step(
        self, output: torch.Tensor, transmission: torch.Tensor, adversarial: bool
    ) -> Dict[str, torch.Tensor]:
        losses = {
            "pixel": pixel_loss(output, transmission),
            "vgg": vgg_loss(self.vgg, output, vgg_target(self.vgg, transmission)),
        }
        total = losses["pixel"] + self.weights.vgg * losses["vgg"]
        if adversarial:
            self.discriminator.requires_grad_(False)
            with torch.no_grad():
                real = self.discriminator(transmission)
            losses["adversarial"], _ = relativistic_losses(real, self.discriminator(output))
            total = total + self.weights.adversarial * losses["adversarial"]
        self.generator_adam.zero_grad(set_to_none=True)
        total.backward()
        self.generator_adam.step()
        return losses


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
