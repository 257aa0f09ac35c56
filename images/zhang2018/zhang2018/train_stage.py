"""The stage `train`: recipe and pictures in, weights under the released names out."""

import functools
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from netkit.sampling import Sample, Sources, free_epoch, rate_at, sample_stream, share_at
from netkit.training import Schedule, Step, TrainingRun
from stagekit import BadInput, StageContext
from zhang2018.arrays import save_arrays
from zhang2018.device import set_up
from zhang2018.features import stage_features
from zhang2018.optimisation import Optimisation, Weights
from zhang2018.samples import step_pictures

WEIGHTS = "weights.npz"
"""Name of the trained weights in the stage's output."""


def train(context: StageContext) -> None:
    """Train the network; goes on from a checkpoint where there is one.

    Raises: BadInput where recipe, pictures or features cannot be used; Interrupted on SIGTERM.
    """
    set_up(context)
    recipe: Mapping[str, Any] = context.setting("recipe")
    if recipe["batch"] != 1:
        raise BadInput(
            "the recipe asks for batches of %d; Zhang's pictures each have their own size" % recipe["batch"],
            "set batch to 1, as the paper does",
        )
    seed = context.request.seed
    sources = Sources.load(
        context.input("synthetic"), context.input("real") if "real" in context.request.inputs else None
    )
    optimisation = Optimisation(Weights.of(recipe), stage_features(context), seed)

    def epoch(number: int) -> List[Sample]:
        return free_epoch(sources, share_at(recipe, number), seed, number, recipe["limit"])

    def step(step: Step) -> Optional[Dict[str, float]]:
        sample: Sample = step.batch[0]
        pictures = step_pictures(sample, recipe, sample_stream(seed, step.epoch, sample.place))
        if pictures is None:
            return None
        return optimisation.step(step.number, pictures.blended, pictures.transmission, pictures.reflection, step.rate)

    run = TrainingRun(context, Schedule.of(recipe, epoch, functools.partial(rate_at, recipe)), optimisation)
    run.run(step)
    save_arrays(context.output(WEIGHTS), optimisation.parameters())
    count = sum(int(np.prod(variable.shape)) for variable in optimisation.generator.values())
    notes = [] if sources.real else ["there were no real pairs: every sample was synthetic"]
    run.finish(features=context.setting("features"), parameters=count, notes=notes)
