"""The stage `train`: recipe and pictures in, weights under the released names out."""

import functools
import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
import tensorflow as tf

from netkit.memory import CHECKPOINTING, Shape, plan_memory
from netkit.sampling import Sample, Sources, free_epoch, rate_at, read_dataset, share_at
from netkit.training import Schedule, Step, TrainingRun
from stagekit import BadInput, StageContext
from zhang2018.arrays import WEIGHTS, save_arrays
from zhang2018.device import set_up, stage_meter
from zhang2018.features import stage_features
from zhang2018.optimisation import Optimisation, Weights, fetched
from zhang2018.samples import largest_size, training_batch

LEVELS = ((), (CHECKPOINTING,))
"""Ways of saving memory; batches of one cannot be taken in parts."""


def train(context: StageContext) -> None:
    """Train the network; goes on from a checkpoint where there is one.

    Raises:
        BadInput: Where recipe, pictures or features cannot be used.
        BudgetTooSmall: Where the largest step does not fit.
        Interrupted: On SIGTERM.
    """
    set_up(context)
    recipe: Mapping[str, Any] = context.setting("recipe")
    if recipe["batch"] != 1:
        raise BadInput(
            "the recipe asks for batches of %d; Zhang's pictures each have their own size" % recipe["batch"],
            "set batch to 1, as the paper does",
        )
    seed = context.request.seed
    real = context.request.inputs.get("real")
    sources = Sources.load(context.input("synthetic"), real, overlap=context.request.inputs.get("overlap"))
    features = stage_features(context)

    @functools.lru_cache(maxsize=1)
    def built(level: Tuple[str, ...]) -> Optimisation:
        """Tracing takes seconds: what rehearses is restarted, and trains."""
        return Optimisation(Weights.of(recipe), features, seed, recompute=CHECKPOINTING in level)

    shape = Shape(*largest_size(recipe, _shapes(context.input("synthetic"), real)))
    plan = plan_memory(context, LEVELS, shape, lambda level, size: _rehearse(built(level), size), stage_meter(context))
    optimisation = built(plan.level)
    optimisation.restart()

    def epoch(number: int) -> List[Sample]:
        return free_epoch(sources, share_at(recipe, number), seed, number, recipe["limit"])

    def write(path: str) -> None:
        save_arrays(path + os.path.splitext(WEIGHTS)[1], optimisation.parameters())

    schedule = Schedule.of(recipe, epoch, functools.partial(rate_at, recipe))
    run = TrainingRun(context, schedule, optimisation, functools.partial(training_batch, recipe, seed))
    run.run(functools.partial(_step, optimisation), fetched, write)
    save_arrays(context.output(WEIGHTS), optimisation.parameters())
    count = sum(int(np.prod(variable.shape)) for variable in optimisation.generator.values())
    notes = [] if sources.real else ["there were no real pairs: every sample was synthetic"]
    run.finish(features=context.setting("features"), parameters=count, notes=notes, memory=plan.facts())


def _step(optimisation: Optimisation, given: Step) -> Dict[str, tf.Tensor]:
    pictures = given.data
    return optimisation.step(given.number, pictures.blended, pictures.transmission, pictures.reflection, given.rate)


def _rehearse(optimisation: Optimisation, shape: Shape) -> None:
    """Do two whole steps on a made-up picture, the first with the discriminator."""
    picture = np.random.RandomState(0).random_sample((1, shape.height, shape.width, 3)).astype(np.float32)
    for number in range(2):
        optimisation.step(number, picture, picture, picture, 0.0)


def _shapes(layers: str, real: Optional[str]) -> List[Tuple[int, int]]:
    items = [*read_dataset(layers), *(read_dataset(real) if real is not None else [])]
    return [(item.height, item.width) for item in items]
