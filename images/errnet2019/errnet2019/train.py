"""The stage that trains ERRNet by its recipe."""

import functools
import os
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
import torch

from errnet2019.losses import UNALIGNED_LAYER
from errnet2019.network import FEATURE_LAYERS
from errnet2019.optimisation import Optimisation, Weights
from errnet2019.samples import check_recipe, training_batch
from errnet2019.weights import FILE_NAME
from netkit.memory import CHECKPOINTING, Shape, plan_memory
from netkit.sampling import Sources, halved_epoch, halved_length, rate_at, share_at, unaligned_at
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_memory import stage_meter
from netkit.torch_pictures import tensor_of
from netkit.torch_stage import memory_explained, stage_device, stage_vgg19
from netkit.torch_training import Precision, directly, fetched, recomputed
from netkit.training import Schedule, Step, TrainingRun
from stagekit import StageContext

LEVELS = ((), (CHECKPOINTING,))
"""Ways of saving memory. A batch cannot be taken in parts: the adversarial loss compares with the batch's mean."""


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt``, the generator under its released names, and what `TrainingRun` leaves.

    Goes on from the newest checkpoint in the work folder, which holds the discriminator and the optimisers too.

    Raises:
        BadInput: For a recipe or pictures that cannot be used.
        BudgetTooSmall: Where the largest step does not fit.
        Interrupted: On SIGTERM after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    check_recipe(recipe)
    seed, inputs = context.request.seed, context.request.inputs
    sources = Sources.load(
        context.input("synthetic"), inputs.get("real"), inputs.get("unaligned"), inputs.get("overlap")
    )
    device = stage_device(context)
    precision = Precision.of(recipe, device)
    vgg = stage_vgg19(context, UNALIGNED_LAYER if sources.unaligned else FEATURE_LAYERS[-1])

    def fresh(level: Tuple[str, ...]) -> Optimisation:
        return Optimisation(
            Weights.of(recipe), vgg, seed, device, recomputed if CHECKPOINTING in level else directly, precision
        )

    shape = Shape(recipe["crop"], recipe["crop"], recipe["batch"])
    plan = plan_memory(context, LEVELS, shape, lambda level, size: _rehearse(fresh(level), size), stage_meter(context))
    subject = fresh(plan.level)
    run = TrainingRun(
        context,
        _schedule(recipe, sources, seed),
        TorchState(
            {"generator": subject.generator, "discriminator": subject.discriminator},
            {"generator": subject.generator_adam, "discriminator": subject.discriminator_adam},
            subject.pictures,
        ),
        functools.partial(training_batch, recipe, seed),
    )

    def write(path: str) -> None:
        save_tensors(path + os.path.splitext(FILE_NAME)[1], subject.generator.state_dict())

    run.run(functools.partial(_step, subject, recipe), fetched, write)
    save_tensors(context.output(FILE_NAME), subject.generator.state_dict())
    parameters = sum(value.numel() for value in subject.generator.parameters())
    notes = _notes(recipe, sources) + precision.notes()
    run.finish(features=context.setting("features"), parameters=parameters, notes=notes, memory=plan.facts())


def _schedule(recipe: Mapping[str, Any], sources: Sources, seed: int) -> Schedule:
    limit = recipe["limit"]
    return Schedule.of(
        recipe,
        epoch=lambda epoch: halved_epoch(
            sources, share_at(recipe, epoch), seed, epoch, limit, unaligned_at(recipe, epoch)
        ),
        rate=functools.partial(rate_at, recipe),
        length=lambda epoch: halved_length(sources, limit, unaligned_at(recipe, epoch)),
    )


def _step(subject: Optimisation, recipe: Mapping[str, Any], given: Step) -> Dict[str, torch.Tensor]:
    adversarial = given.epoch >= recipe["adversarial_from"] and recipe["weight_adversarial"] > 0
    blended, transmission = tensor_of(given.data.blended), tensor_of(given.data.transmission)
    return subject.step(blended, transmission, rate=given.rate, adversarial=adversarial, aligned=given.data.aligned)


def _rehearse(subject: Optimisation, shape: Shape) -> None:
    """Do two whole steps on grey pictures: in the second one the optimisers hold their moments."""
    pictures = tensor_of(np.full((shape.batch, shape.height, shape.width, 3), 0.5, np.float32))
    for _ in range(2):
        subject.step(pictures, pictures, rate=0.0, adversarial=True)


def _notes(recipe: Mapping[str, Any], sources: Sources) -> List[str]:
    """Return what a reader must know about this training, in sentences."""
    notes = ["the discriminator keeps the first learning rate: the authors' program changes only the generator's"]
    if recipe["adversarial_from"] >= recipe["epochs"]:
        notes.append(
            "the adversarial loss would begin with epoch %d, after the last of %d epochs"
            % (recipe["adversarial_from"], recipe["epochs"])
        )
    wanted = [unaligned_at(recipe, epoch) for epoch in range(recipe["epochs"])]
    if any(wanted) and not sources.unaligned:
        notes.append("there were no unaligned pairs: real and synthetic ones took their share")
    if not sources.real:
        notes.append("there were no real pairs: the other kinds took their share")
    return notes
