"""The stage that trains IBCLN by its recipe."""

from typing import Any, Dict, List, Mapping, Optional

import torch

from ibcln2020.discriminator import SMALLEST_SIDE
from ibcln2020.losses import LAYERS
from ibcln2020.optimisation import Optimisation
from ibcln2020.samples import training_batch
from ibcln2020.weights import FILE_NAME
from netkit.sampling import Sources, free_epoch, rate_at, share_at, stream
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_stage import memory_explained, stage_device, stage_vgg19
from netkit.training import Schedule, Step, TrainingRun
from stagekit import BadInput, StageContext


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt``, both generators under their released names, ``curves.json`` and ``train.json``.

    Goes on from the newest checkpoint in the work folder, which holds the discriminator and the optimisers too.

    Raises: BadInput for a recipe or pictures that cannot be used, Interrupted on SIGTERM after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    if recipe["crop"] < SMALLEST_SIDE:
        raise BadInput("the discriminator sees no patch in %d pixels" % recipe["crop"], "raise the recipe's crop")
    seed = context.request.seed
    sources = Sources.load(context.input("synthetic"), context.request.inputs.get("real"))
    subject = Optimisation(recipe, stage_vgg19(context, LAYERS[-1]), seed, stage_device(context))
    schedule = Schedule.of(
        recipe,
        epoch=lambda epoch: free_epoch(sources, share_at(recipe, epoch), seed, epoch, recipe["limit"]),
        rate=lambda epoch: rate_at(recipe, epoch),
    )
    state = TorchState(
        {"cascade": subject.cascade, "discriminator": subject.discriminator},
        {"cascade": subject.cascade_adam, "discriminator": subject.discriminator_adam},
    )

    def step(given: Step) -> Optional[Dict[str, float]]:
        batch = training_batch(given.batch, recipe, seed, given.epoch)
        if batch is None:
            return None
        dropout_seed = int(stream(seed, "dropout", given.number).randint(2**31 - 1))
        losses = subject.step(batch, rate=given.rate, dropout_seed=dropout_seed)
        return dict(zip(losses, torch.stack(list(losses.values())).tolist()))

    run = TrainingRun(context, schedule, state)
    run.run(step)
    save_tensors(context.output(FILE_NAME), subject.cascade.state_dict())
    parameters = sum(value.numel() for value in subject.cascade.parameters())
    run.finish(features=context.setting("features"), parameters=parameters, notes=_notes(bool(sources.real)))


def _notes(real: bool) -> List[str]:
    """Return what a reader must know about this training, in sentences."""
    notes = [
        "each sample decides for itself whether it is real: in the authors' program the first of a batch decides for "
        "all, so that some batches train a black input",
        "a sample that the program would skip is left out of its batch",
        "synthetic layers are random squares of their pictures: the authors' program squashes whole pictures",
    ]
    if not real:
        notes.append("there were no real pairs: every sample is synthetic")
    return notes
