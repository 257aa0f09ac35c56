"""The stage that trains Glazier by its recipe."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glazier.losses import losses
from glazier.network import Glazier
from glazier.samples import Pictures, epoch_samples, every_layer, training_batch
from glazier.weights import FILE_NAME, SHAPED_BY
from netkit.memory import Shape, plan_memory
from netkit.sampling import Sources
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_memory import stage_meter
from netkit.torch_pictures import picture_of, tensor_of
from netkit.torch_stage import memory_explained, stage_device
from netkit.torch_training import fetched
from netkit.training import Schedule, Step, TrainingRun
from stagekit import StageContext

NOTES = (
    "every picture of the training set serves as either layer",
    "of a training set of pairs nothing is used: this network learns from blended layers alone",
)


class Optimisation:
    """The network with its optimiser.

    Args:
        seed: Of the initial weights.
    """

    def __init__(self, recipe: Mapping[str, Any], seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.network = Glazier(*(recipe[name] for name in SHAPED_BY)).to(device)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=recipe["rate"])
        self._structure = float(recipe["structure"])
        self._device = device
        self._last: dict[str, torch.Tensor] = {}

    def step(self, pictures: Pictures, rate: float) -> dict[str, torch.Tensor]:
        """Update the network with one batch and return its losses, without a gradient."""
        for group in self.adam.param_groups:
            group["lr"] = rate
        blended, truth = (tensor_of(layer).to(self._device) for layer in (pictures.blended, pictures.transmission))
        self.adam.zero_grad(set_to_none=True)
        answer = self.network(blended)
        parts = losses(answer, truth, self._structure)
        torch.stack(list(parts.values())).sum().backward()
        self.adam.step()
        self._last = {"blended": blended, "transmission": answer, "truth": truth}
        return {name: value.detach() for name, value in parts.items()}

    def pictures(self) -> dict[str, np.ndarray]:
        """Return the first sample of the last step by name, float32 RGB, (H, W, 3)."""
        return {name: picture_of(pictures[:1]) for name, pictures in self._last.items()}


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt``, and what `TrainingRun` leaves; goes on from the newest checkpoint in the work folder.

    Raises:
        BadInput: For pictures that cannot be used.
        BudgetTooSmall: Where a step does not fit.
        Interrupted: On SIGTERM after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    seed, device = context.request.seed, stage_device(context)
    torch.set_num_threads(1)  # layers as small as these gain nothing by more, and so their bits depend on no number
    sources = every_layer(Sources.load(context.input("synthetic"), overlap=context.request.inputs.get("overlap")))
    plan = plan_memory(
        context,
        ((),),
        Shape(recipe["crop"], recipe["crop"], recipe["batch"]),
        lambda _level, size: _rehearse(Optimisation(recipe, seed, device), size),
        stage_meter(context),
    )
    subject = Optimisation(recipe, seed, device)
    run = TrainingRun(
        context,
        Schedule.of(
            recipe,
            epoch=functools.partial(epoch_samples, sources, recipe, seed),
            rate=functools.partial(rate_at, recipe),
        ),
        TorchState({"network": subject.network}, {"adam": subject.adam}, subject.pictures),
        functools.partial(training_batch, recipe, seed),
    )

    def write(path: str) -> None:
        save_tensors(path + Path(FILE_NAME).suffix, subject.network.state_dict())

    run.run(functools.partial(_step, subject), fetched, write)
    save_tensors(context.output(FILE_NAME), subject.network.state_dict())
    parameters = sum(value.numel() for value in subject.network.parameters())
    run.finish(features=context.setting("features"), parameters=parameters, notes=NOTES, memory=plan.facts())


def rate_at(recipe: Mapping[str, Any], epoch: int) -> float:
    """Return the learning rate of an epoch, counted from 0: half a cosine from the recipe's down to nearly none."""
    return float(recipe["rate"]) * 0.5 * (1 + math.cos(math.pi * epoch / recipe["epochs"]))


def _step(subject: Optimisation, given: Step) -> dict[str, torch.Tensor]:
    return subject.step(given.data, given.rate)


def _rehearse(subject: Optimisation, shape: Shape) -> None:
    """Do two whole steps on grey pictures: in the second one the optimiser holds its moments."""
    grey = np.full((shape.batch, shape.height, shape.width, 3), 0.5, np.float32)
    for _ in range(2):
        subject.step(Pictures(grey, grey), rate=0.0)
