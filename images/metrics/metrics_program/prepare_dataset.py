"""Preparing a dataset: the stage's settings and folders go to orchestrator.datasets."""

from pathlib import Path

import numpy as np

from netkit.sampling import stream
from netkit.synthesis import SYNTHESES, blend
from orchestrator.datasets.description import dataset_description
from orchestrator.datasets.preparation import Preparation, prepare_dataset
from orchestrator.datasets.scenes import Blended
from stagekit import BadInput, StageContext
from stagekit.results.sources import SourcesFile


def prepare(context: StageContext) -> None:
    """Write the dataset that the stage's settings describe."""

    def step(done: int, total: int) -> None:
        context.progress(done, total, "pictures")
        if context.stop_requested:
            context.interrupt()

    source = context.request.inputs.get("source")
    preparation = Preparation(
        name=context.setting("name"),
        title=context.setting("title"),
        description=dataset_description(context.setting("dataset")),
        source=None if source is None else Path(source),
        output=Path(context.request.output),
        work=Path(context.work()),
    )
    done = prepare_dataset(preparation, blended, step)
    for words in (*done.passed_over, *done.warnings):
        context.warn(words)
    SourcesFile.of_files({"source": done.read} if source is not None else {}).save(context.facts(SourcesFile.FILE_NAME))


def blended(synthesis: str, transmission: np.ndarray, reflection: np.ndarray, seed: int, index: int) -> Blended:
    """Return two pictures blended with the draws of (seed, index), which depend on nothing else.

    Raises:
        BadInput: Where no synthesis has this name.
    """
    if synthesis not in SYNTHESES:
        raise BadInput("there is no synthesis %r; there are %s" % (synthesis, ", ".join(SYNTHESES)))
    made = blend(synthesis, transmission, reflection, stream(seed, "pair", index))
    return Blended(made.blended, made.transmission, made.reflection)
