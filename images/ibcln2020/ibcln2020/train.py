"""The stage that trains IBCLN by its recipe."""

import functools
import os
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
import torch

from ibcln2020.discriminator import SMALLEST_SIDE
from ibcln2020.losses import LAYERS
from ibcln2020.optimisation import Optimisation
from ibcln2020.samples import Pictures, training_batch
from ibcln2020.weights import FILE_NAME
from netkit.memory import ACCUMULATION, CHECKPOINTING, Shape, plan_memory
from netkit.sampling import Sources, free_epoch, rate_at, share_at, stream
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_memory import stage_meter
from netkit.torch_stage import memory_explained, stage_device, stage_vgg19
from netkit.torch_training import Precision, directly, fetched, recomputed
from netkit.training import Schedule, Step, TrainingRun
from stagekit import BadInput, StageContext


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt``, both generators under their released names, and what `TrainingRun` leaves.

    Goes on from the newest checkpoint in the work folder, which holds the discriminator and the optimisers too.

    Raises:
        BadInput: For a recipe or pictures that cannot be used.
        BudgetTooSmall: Where the largest step does not fit.
        Interrupted: On SIGTERM after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    if recipe["crop"] < SMALLEST_SIDE:
        raise BadInput("the discriminator sees no patch in %d pixels" % recipe["crop"], "raise the recipe's crop")
    seed, device = context.request.seed, stage_device(context)
    inputs = context.request.inputs
    sources = Sources.load(context.input("synthetic"), inputs.get("real"), overlap=inputs.get("overlap"))
    vgg = stage_vgg19(context, LAYERS[-1])

    def fresh(level: Tuple[str, ...]) -> Optimisation:
        run = recomputed if CHECKPOINTING in level else directly
        return Optimisation(recipe, vgg, seed, device, run, 1 if ACCUMULATION in level else None)

    shape = Shape(recipe["crop"], recipe["crop"], recipe["batch"])
    plan = plan_memory(
        context,
        levels(recipe["batch"]),
        shape,
        lambda level, size: _rehearse(fresh(level), size),
        stage_meter(context),
    )
    subject = fresh(plan.level)
    schedule = Schedule.of(
        recipe,
        epoch=lambda epoch: free_epoch(sources, share_at(recipe, epoch), seed, epoch, recipe["limit"]),
        rate=functools.partial(rate_at, recipe),
    )
    state = TorchState(
        {"cascade": subject.cascade, "discriminator": subject.discriminator},
        {"cascade": subject.cascade_adam, "discriminator": subject.discriminator_adam},
        subject.pictures,
    )

    def write(path: str) -> None:
        save_tensors(path + os.path.splitext(FILE_NAME)[1], subject.cascade.state_dict())

    run = TrainingRun(context, schedule, state, functools.partial(training_batch, recipe, seed))
    run.run(functools.partial(_step, subject, seed), fetched, write)
    save_tensors(context.output(FILE_NAME), subject.cascade.state_dict())
    parameters = sum(value.numel() for value in subject.cascade.parameters())
    notes = _notes(bool(sources.real), plan.level) + Precision.of(recipe, device).notes()
    run.finish(features=context.setting("features"), parameters=parameters, notes=notes, memory=plan.facts())


def levels(batch: int) -> Tuple[Tuple[str, ...], ...]:
    """Return the ways of saving memory for a batch, each with what came before it."""
    return ((), (CHECKPOINTING,), *([(CHECKPOINTING, ACCUMULATION)] if batch > 1 else []))


def _step(subject: Optimisation, seed: int, given: Step) -> Dict[str, torch.Tensor]:
    seeds = [int(stream(seed, "dropout", given.epoch, place).randint(2**31 - 1)) for place in given.data.places]
    return subject.step(given.data, rate=given.rate, dropout_seeds=seeds)


def _rehearse(subject: Optimisation, shape: Shape) -> None:
    """Do two whole steps on grey pictures: in the second one the optimisers hold their moments."""
    full, half, quarter = (
        np.full((shape.batch, shape.height // share, shape.width // share, 3), 0.5, np.float32) for share in (1, 2, 4)
    )
    ones = np.ones(shape.batch, np.float32)
    pictures = Pictures(full, (full, half, quarter), ones, ones, tuple(range(shape.batch)))
    for _ in range(2):
        subject.step(pictures, rate=0.0, dropout_seeds=range(shape.batch))


def _notes(real: bool, level: Tuple[str, ...]) -> List[str]:
    """Return what a reader must know about this training, in sentences."""
    notes = [
        "each sample decides for itself whether it is real: in the authors' program the first of a batch decides for "
        "all, so that some batches train a black input",
        "a sample that the program would skip is left out of its batch",
        "synthetic layers are random squares of their pictures: the authors' program squashes whole pictures",
    ]
    if not real:
        notes.append("there were no real pairs: every sample is synthetic")
    if ACCUMULATION in level:
        notes.append(
            "each batch went through in parts for want of memory: with more memory, the weights differ by rounding"
        )
    return notes
