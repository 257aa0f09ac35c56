"""One step of IBCLN's training: both generators, then the discriminator.

Source: Li et al. 2020, section 3.3, and the order of the authors' program (JHL-HUST/IBCLN).
"""

import dataclasses
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
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
from ibcln2020.samples import Pictures
from netkit.torch_pictures import picture_of, tensor_of
from netkit.torch_training import Precision, Run, directly
from netkit.torch_vgg19 import Vgg19

DROPPED_CHANNELS = 128
"""Channels, at half the picture's size, that the dropout of a generator sees."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """What a step sees: pictures (N, 3, H, W), the transmission at three sizes, scale (N, 1, 1, 1), synthetic (N,)."""

    blended: torch.Tensor
    targets: Targets
    scale: torch.Tensor
    synthetic: torch.Tensor

    @classmethod
    def of(cls, pictures: Pictures, device: torch.device, precision: Precision) -> "Batch":
        """Return prepared pictures on a device."""

        def placed(arrays: Sequence[np.ndarray]) -> torch.Tensor:
            return precision.to_memory_format(tensor_of(arrays).to(device, non_blocking=True))

        full, half, quarter = map(placed, pictures.targets)
        scale, synthetic = (torch.from_numpy(values).to(device) for values in (pictures.scale, pictures.synthetic))
        return cls(placed(pictures.blended), (full, half, quarter), scale.view(-1, 1, 1, 1), synthetic)

    def parts(self, size: int) -> Iterator["Batch"]:
        """Yield the batch in parts of at most `size` samples."""
        for begin in range(0, len(self.synthetic), size):
            piece = slice(begin, begin + size)
            full, half, quarter = (target[piece] for target in self.targets)
            yield Batch(self.blended[piece], (full, half, quarter), self.scale[piece], self.synthetic[piece])


class Optimisation:
    """Cascade and discriminator with their optimisers.

    Args:
        vgg: VGG-19 up to relu2_1 at least.
        seed: Of the initial weights.
        run: How each generator is run.
        part: Samples that go through at once, None for the whole batch.
    """

    def __init__(
        self,
        recipe: Mapping[str, Any],
        vgg: Vgg19,
        seed: int,
        device: torch.device,
        run: Run = directly,
        part: Optional[int] = None,
    ) -> None:
        torch.manual_seed(seed)
        self.weight_adversarial = float(recipe["weight_adversarial"])
        self.device = device
        self.vgg = vgg.to(device)
        self.cascade = Cascade(recipe["cascade"]).to(device)
        self.discriminator = Discriminator().to(device)
        for network in (self.cascade, self.discriminator):
            initialise(network, recipe["deviation"])
        rate, betas = recipe["rate"][0]["rate"], _pair(recipe["betas"])
        self.cascade_adam, self.discriminator_adam = (
            torch.optim.Adam(network.parameters(), lr=rate, betas=betas)
            for network in (self.cascade, self.discriminator)
        )
        self._dropout = float(recipe["dropout"])
        self._run = run
        self._part = part
        self._precision = Precision.of(recipe, device)
        self._precision.networks_to_memory_format(self.vgg, self.cascade, self.discriminator)
        self._last: Dict[str, torch.Tensor] = {}

    def step(self, pictures: Pictures, *, rate: float, dropout_seeds: Sequence[int]) -> Dict[str, torch.Tensor]:
        """Update the networks with one batch and return its losses, unweighted, as scalars without a gradient.

        Args:
            dropout_seeds: One for each sample, named for the step and the sample, so that a resumed training, and one
                that takes its batches in parts, drops the same.
        """
        batch = Batch.of(pictures, self.device, self._precision)
        for optimiser in (self.cascade_adam, self.discriminator_adam):
            for group in optimiser.param_groups:
                group["lr"] = rate
        losses, fakes = self._generator_step(batch, dropout_seeds)
        losses["discriminator"] = self._discriminator_step(batch, fakes)
        self._last = {"blended": batch.blended, "transmission": fakes[0], "truth": batch.targets[0]}
        return losses

    def pictures(self) -> Dict[str, np.ndarray]:
        """Return the first sample of the last step by name, float32 RGB, (H, W, 3)."""
        return {name: picture_of(pictures[:1]) for name, pictures in self._last.items()}

    def _generator_step(self, batch: Batch, seeds: Sequence[int]) -> Tuple[Dict[str, torch.Tensor], List[torch.Tensor]]:
        """Every loss is a mean over the samples, so those of parts add up, each weighed by its share."""
        whole = len(batch.synthetic)
        size = self._part or whole
        self.discriminator.requires_grad_(False)
        self.cascade_adam.zero_grad(set_to_none=True)
        sums: Dict[str, torch.Tensor] = {}
        fakes = []
        for index, part in enumerate(batch.parts(size)):
            share = len(part.synthetic) / whole
            masks = self._masks(part.blended, seeds[index * size : (index + 1) * size])
            with self._precision.region():
                losses, total, fake = self._losses(part, masks)
            (total * share).backward()
            fakes.append(fake.detach())
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.detach() * share
        self.cascade_adam.step()
        return sums, fakes

    def _losses(
        self, batch: Batch, masks: Sequence[torch.Tensor]
    ) -> Tuple[Dict[str, torch.Tensor], torch.Tensor, torch.Tensor]:
        """Return the losses, their weighted sum, and the last transmission."""
        transmission = batch.targets[0]
        steps = self.cascade(batch.blended, masks, self._run)
        last = steps[-1].transmission
        losses = {
            "pixel": pixel_loss(steps, transmission),
            "residual": residual_loss(steps, batch.blended, batch.scale, batch.synthetic),
            "reflection": reflection_loss(steps, batch.blended, transmission, batch.scale, batch.synthetic),
            "perceptual": perceptual_loss(self.vgg, last, perceptual_targets(self.vgg, batch.targets)),
        }
        total = torch.stack(list(losses.values())).sum()
        if self.weight_adversarial:
            losses["adversarial"] = adversarial_loss(self.discriminator(last.full))
            total = total + self.weight_adversarial * losses["adversarial"]
        return losses, total, last.full

    def _discriminator_step(self, batch: Batch, fakes: Sequence[torch.Tensor]) -> torch.Tensor:
        self.discriminator.requires_grad_(True)
        self.discriminator_adam.zero_grad(set_to_none=True)
        losses = []
        for part, fake in zip(batch.parts(len(fakes[0])), fakes):
            with self._precision.region():
                loss = discriminator_loss(self.discriminator(part.targets[0]), self.discriminator(fake))
            loss = loss * (len(fake) / len(batch.synthetic))
            loss.backward()
            losses.append(loss.detach())
        self.discriminator_adam.step()
        return torch.stack(losses).sum()

    def _masks(self, blended: torch.Tensor, seeds: Sequence[int]) -> List[torch.Tensor]:
        """Return the dropout's masks, one for each generator of each step of the cascade."""
        if not self._dropout:
            return []
        streams = [torch.Generator(self.device).manual_seed(seed) for seed in seeds]
        size = (DROPPED_CHANNELS, blended.shape[2] // 2, blended.shape[3] // 2)
        masks = []
        for _ in range(2 * self.cascade.steps):
            drawn = torch.stack([torch.rand(size, generator=stream, device=self.device) for stream in streams])
            masks.append((drawn >= self._dropout).to(blended.dtype) / (1 - self._dropout))
        return masks


def _pair(values: Any) -> Tuple[float, float]:
    first, second = values
    return float(first), float(second)
