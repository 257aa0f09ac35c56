"""What PyTorch trainings share: losses brought to the host, precision, and activations that are computed twice."""

import contextlib
import dataclasses
from typing import Any, Callable, ContextManager, Dict, List, Mapping, Sequence

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from stagekit import BadInput

Run = Callable[[Callable[..., Any], torch.Tensor], Any]
"""Runs a part of a network on a tensor, in one way or another."""


def directly(part: Callable[..., Any], value: torch.Tensor) -> Any:
    """Run a part of a network and keep its activations for the backward pass."""
    return part(value)


def recomputed(part: Callable[..., Any], value: torch.Tensor) -> Any:
    """Run a part of a network and compute its activations again in the backward pass: the same bits in less memory."""
    return checkpoint(part, value, use_reentrant=False, preserve_rng_state=False)


def fetched(losses: Sequence[Mapping[str, torch.Tensor]]) -> List[Dict[str, float]]:
    """Return losses of several steps as numbers; they come from the device in one transfer."""
    values = iter(
        torch.stack([value.float() for losses_of_step in losses for value in losses_of_step.values()]).tolist()
    )
    return [{name: next(values) for name in losses_of_step} for losses_of_step in losses]


@dataclasses.dataclass(frozen=True)
class Precision:
    """How a training computes on a GPU where that is not the paper's way.

    Attributes:
        mixed: Forward passes in bfloat16 where PyTorch deems it safe.
        channels_last: Memory layout of pictures and kernels.
    """

    mixed: bool = False
    channels_last: bool = False

    @classmethod
    def of(cls, recipe: Mapping[str, Any], device: torch.device) -> "Precision":
        """Return what a recipe asks for.

        Raises:
            BadInput: Where it asks for what only a GPU can do, and there is none.
        """
        names = ("mixed_precision", "channels_last")
        asked = [name for name in names if recipe.get(name, False)]
        if asked and device.type != "cuda":
            raise BadInput("%s works on a GPU only" % " and ".join(asked), "leave it off where device is cpu")
        return cls(*(name in asked for name in names))

    def region(self) -> ContextManager[Any]:
        """Return the context in which forward passes run."""
        return torch.autocast("cuda", dtype=torch.bfloat16) if self.mixed else contextlib.nullcontext()

    def networks_to_memory_format(self, *networks: nn.Module) -> None:
        """Lay kernels out as the pictures will be."""
        if self.channels_last:
            for network in networks:
                network.to(memory_format=torch.channels_last)

    def to_memory_format(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures (N, C, H, W) in the memory layout that was asked for."""
        return pictures.contiguous(memory_format=torch.channels_last) if self.channels_last else pictures

    def notes(self) -> List[str]:
        """Return what a reader of the results must know, in sentences."""
        notes = []
        if self.mixed:
            notes.append("trained in mixed precision (bfloat16), which the paper did not do")
        if self.channels_last:
            notes.append("trained with channels last in memory, which changes the last digits")
        return notes
