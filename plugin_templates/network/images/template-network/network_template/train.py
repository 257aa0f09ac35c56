"""The stage that trains the network by its recipe."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from netkit.sampling import Sources, free_epoch
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_pictures import picture_of, tensor_of
from netkit.torch_stage import memory_explained, stage_device
from netkit.torch_training import fetched
from netkit.training import Schedule, Step, TrainingRun
from network_template.network import Network
from network_template.samples import training_batch
from network_template.weights import FILE_NAME
from stagekit import StageContext


class Optimisation:
    """The network with its optimiser."""

    def __init__(self, recipe: Mapping[str, Any], seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.network = Network(recipe["channels"]).to(device)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=recipe["rate"])
        self._device = device
        self._last: dict[str, torch.Tensor] = {}

    def step(self, given: Step) -> dict[str, torch.Tensor]:
        """Update the network with one batch and return its losses, as scalars without a gradient."""
        blended = tensor_of(given.data.blended).to(self._device)
        truth = tensor_of(given.data.transmission).to(self._device)
        answer = self.network(blended)
        loss = torch.nn.functional.l1_loss(answer, truth)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        self._last = {"blended": blended, "transmission": answer.detach(), "truth": truth}
        return {"pixel": loss.detach()}

    def pictures(self) -> dict[str, np.ndarray]:
        """Return the first sample of the last step by name, float32 RGB, (H, W, 3)."""
        return {name: picture_of(pictures[:1]) for name, pictures in self._last.items()}


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt`` and what `TrainingRun` leaves; goes on from the newest checkpoint in the work folder.

    Raises:
        BadInput: For pictures that cannot be used.
        Interrupted: On SIGTERM, after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    seed, inputs = context.request.seed, context.request.inputs
    sources = Sources.load(context.input("synthetic"), inputs.get("real"), overlap=inputs.get("overlap"))
    subject = Optimisation(recipe, seed, stage_device(context))
    schedule = Schedule.of(
        recipe,
        epoch=lambda epoch: free_epoch(sources, recipe["synthetic_share"], seed, epoch, recipe["limit"]),
        rate=lambda _epoch: float(recipe["rate"]),
    )
    state = TorchState({"network": subject.network}, {"network": subject.adam}, subject.pictures)
    run = TrainingRun(context, schedule, state, functools.partial(training_batch, recipe, seed))
    run.run(subject.step, fetched, lambda path: save_tensors(f"{path}.pt", subject.network.state_dict()))
    save_tensors(context.output(FILE_NAME), subject.network.state_dict())
    parameters = sum(value.numel() for value in subject.network.parameters())
    run.finish(features=context.setting("features"), parameters=parameters, notes=())
