"""One step of ERRNet's training: generator forward, discriminator step, generator step.

Source: Wei et al. 2019, section 4, and the order of the authors' program (Vandermode/ERRNet).
"""

import dataclasses
from typing import Any, Dict, Mapping, Optional, Tuple

import numpy as np
import torch
from torch import nn

from errnet2019.discriminator import Discriminator
from errnet2019.losses import pixel_loss, relativistic_losses, unaligned_loss, vgg_loss, vgg_target
from errnet2019.network import Generator, vgg_levels
from netkit.torch_pictures import picture_of
from netkit.torch_training import Precision, Run, directly
from netkit.torch_vgg19 import Vgg19


@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the losses beside the pixel loss, whose weight is 1, and how the networks start and step.

    Attributes:
        betas: Adam's decay rates.
        rate: The first learning rate.
        generator_start: "pytorch" as PyTorch draws its layers, "kaiming" as He et al. 2015.
        discriminator_start: "pytorch" as PyTorch draws its layers, "kaiming" as He et al. 2015.
    """

    vgg: float
    adversarial: float
    betas: Tuple[float, float]
    rate: float
    unaligned: float = 0.1
    generator_start: str = "pytorch"
    discriminator_start: str = "kaiming"

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> "Weights":
        """Return the weights that a recipe names."""
        first, second = recipe["betas"]
        return cls(
            recipe["weight_vgg"],
            recipe["weight_adversarial"],
            (first, second),
            recipe["rate"][0]["rate"],
            recipe["weight_unaligned"],
            recipe["generator_start"],
            recipe["discriminator_start"],
        )


class Optimisation:
    """Generator and discriminator with their optimisers.

    Args:
        vgg: VGG-19 up to relu5_1 at least, up to conv5_2 for unaligned pairs; its features feed the generator and
            measure the losses.
        seed: Of the initial weights.
        run: How the generator's parts are run.
    """

    def __init__(
        self,
        weights: Weights,
        vgg: Vgg19,
        seed: int,
        device: torch.device,
        run: Run = directly,
        precision: Optional[Precision] = None,
    ) -> None:
        torch.manual_seed(seed)
        self.weights = weights
        self.device = device
        self.vgg = vgg.to(device)
        self.generator = Generator().to(device)
        self.discriminator = Discriminator().to(device)
        starts = (weights.generator_start, weights.discriminator_start)
        for network, start in zip((self.generator, self.discriminator), starts):
            if start == "kaiming":
                network.apply(_kaiming)
        # The program changes the generator's rate alone: the discriminator keeps the first one.
        self.generator_adam, self.discriminator_adam = (
            torch.optim.Adam(network.parameters(), lr=weights.rate, betas=weights.betas)
            for network in (self.generator, self.discriminator)
        )
        self._run = run
        self._precision = precision or Precision()
        self._precision.networks_to_memory_format(self.vgg, self.generator, self.discriminator)
        self._last: Dict[str, torch.Tensor] = {}

    def step(
        self,
        blended: torch.Tensor,
        transmission: torch.Tensor,
        *,
        rate: float,
        adversarial: bool,
        aligned: bool = True,
    ) -> Dict[str, torch.Tensor]:
        """Update the networks with one batch and return its losses, unweighted, as scalars without a gradient.

        Args:
            blended: float32 RGB in [0, 1], (N, 3, H, W), on any device.
            transmission: float32 RGB in [0, 1], (N, 3, H, W), on any device.
            rate: The generator's.
            adversarial: Whether the discriminator takes part, which adds its two losses to the answer.
            aligned: False compares with the transmission by one deep VGG-19 activation alone.
        """
        blended, transmission = (
            self._precision.to_memory_format(pictures.to(self.device, non_blocking=True))
            for pictures in (blended, transmission)
        )
        for group in self.generator_adam.param_groups:
            group["lr"] = rate
        with self._precision.region():
            output = self.generator.from_levels(blended, vgg_levels(self.vgg, blended), self._run).float()
        losses = {}
        if adversarial:
            losses["discriminator"] = self._discriminator_step(output.detach(), transmission)
        losses.update(self._generator_step(output, transmission, adversarial, aligned))
        self._last = {"blended": blended, "transmission": output.detach(), "truth": transmission}
        return {name: value.detach() for name, value in losses.items()}

    def pictures(self) -> Dict[str, np.ndarray]:
        """Return the first sample of the last step by name, float32 RGB, (H, W, 3)."""
        return {name: picture_of(pictures[:1]) for name, pictures in self._last.items()}

    def _discriminator_step(self, fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        self.discriminator.requires_grad_(True)
        with self._precision.region():
            _, loss = relativistic_losses(self.discriminator(real).float(), self.discriminator(fake).float())
        self.discriminator_adam.zero_grad(set_to_none=True)
        (self.weights.adversarial * loss).backward()
        self.discriminator_adam.step()
        return loss

    def _generator_step(
        self, output: torch.Tensor, transmission: torch.Tensor, adversarial: bool, aligned: bool
    ) -> Dict[str, torch.Tensor]:
        with self._precision.region():
            losses, total = self._distance(output, transmission, aligned)
            if adversarial:
                self.discriminator.requires_grad_(False)
                with torch.no_grad():
                    real = self.discriminator(transmission).float()
                losses["adversarial"], _ = relativistic_losses(real, self.discriminator(output).float())
                total = total + self.weights.adversarial * losses["adversarial"]
        self.generator_adam.zero_grad(set_to_none=True)
        total.backward()
        self.generator_adam.step()
        return losses

    def _distance(
        self, output: torch.Tensor, transmission: torch.Tensor, aligned: bool
    ) -> Tuple[Dict[str, torch.Tensor], torch.Tensor]:
        """Return the losses against the true transmission, and their weighted sum."""
        if not aligned:
            loss = unaligned_loss(self.vgg, output, transmission)
            return {"unaligned": loss}, self.weights.unaligned * loss
        losses = {
            "pixel": pixel_loss(output, transmission),
            "vgg": vgg_loss(self.vgg, output, vgg_target(self.vgg, transmission)),
        }
        return losses, losses["pixel"] + self.weights.vgg * losses["vgg"]


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.kaiming_normal_(module.weight)
