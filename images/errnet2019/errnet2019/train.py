"""The stage that trains ERRNet by its recipe."""

from typing import Any, Dict, List, Mapping

import torch

from errnet2019.network import FEATURE_LAYERS
from errnet2019.optimisation import Optimisation, Weights
from errnet2019.samples import check_sizes, training_batch
from errnet2019.weights import FILE_NAME
from netkit.sampling import Sources, halved_epoch, rate_at, share_at
from netkit.torch_checkpoint import TorchState
from netkit.torch_files import save_tensors
from netkit.torch_pictures import tensor_of
from netkit.torch_stage import memory_explained, stage_device, stage_vgg19
from netkit.training import Schedule, Step, TrainingRun
from stagekit import StageContext


@memory_explained
def train(context: StageContext) -> None:
    """Write ``weights.pt``, the generator under its released names, ``curves.json`` and ``train.json``.

    Goes on from the newest checkpoint in the work folder, which holds the discriminator and the optimisers too.

    Raises: BadInput for a recipe or pictures that cannot be used, Interrupted on SIGTERM after a checkpoint.
    """
    recipe: Mapping[str, Any] = context.setting("recipe")
    check_sizes(recipe)
    seed = context.request.seed
    sources = Sources.load(context.input("synthetic"), context.request.inputs.get("real"))
    device = stage_device(context)
    subject = Optimisation(Weights.of(recipe), stage_vgg19(context, FEATURE_LAYERS[-1]), seed, device)
    schedule = Schedule.of(
        recipe,
        epoch=lambda epoch: halved_epoch(sources, share_at(recipe, epoch), seed, epoch, recipe["limit"]),
        rate=lambda epoch: rate_at(recipe, epoch),
    )
    state = TorchState(
        {"generator": subject.generator, "discriminator": subject.discriminator},
        {"generator": subject.generator_adam, "discriminator": subject.discriminator_adam},
    )

    def step(given: Step) -> Dict[str, float]:
        blended, transmission = training_batch(given.batch, recipe, seed, given.epoch)
        adversarial = given.epoch >= recipe["adversarial_from"] and recipe["weight_adversarial"] > 0
        losses = subject.step(tensor_of(blended), tensor_of(transmission), rate=given.rate, adversarial=adversarial)
        return dict(zip(losses, torch.stack(list(losses.values())).tolist()))

    run = TrainingRun(context, schedule, state)
    run.run(step)
    save_tensors(context.output(FILE_NAME), subject.generator.state_dict())
    parameters = sum(value.numel() for value in subject.generator.parameters())
    run.finish(features=context.setting("features"), parameters=parameters, notes=_notes(recipe, bool(sources.real)))


def _notes(recipe: Mapping[str, Any], real: bool) -> List[str]:
    """Return what a reader must know about this training, in sentences."""
    notes = ["the discriminator keeps the first learning rate: the authors' program changes only the generator's"]
    if recipe["adversarial_from"] >= recipe["epochs"]:
        notes.append(
            "the adversarial loss would begin with epoch %d, after the last of %d epochs"
            % (recipe["adversarial_from"], recipe["epochs"])
        )
    if not real:
        notes.append("there were no real pairs: every sample is synthetic")
    return notes
