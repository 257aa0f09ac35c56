"""The stage `finish`: what a program answered to photographs, as files of their kinds with all that they hold."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inference_program.items import Item, read_items
from inference_program.layers import Prepared, read_picture
from orchestrator.infer.graphs.region import Size
from orchestrator.photos.picture_writer import PictureForm, write_picture
from stagekit import BadInput, StageContext
from stagekit.results.predictions import PredictionItem, PredictionsFile

_HINT = "the program must write an RGB PNG of 8 or 16 bits of the picture's size"


def finish_photos(context: StageContext) -> None:
    """Write a program's answers to prepared photographs as their results.

    Each gets its photograph's kind of file, depth, transparency and what travels beside the pixels.

    Raises:
        BadInput: Where an answer is missing, or is no picture of its photograph's size.
        Interrupted: On request, between two pictures.
    """
    answers = PredictionsFile.load(context.input("predictions"))
    found = {item.id: item for item in answers.items}
    name, items = read_items(context)
    done = []
    for item in items:
        if item.id not in found:
            raise BadInput(f"the program has not answered picture {item.words}", "look into its log")
        done.append(_finished(context, item, found[item.id]))
        context.progress(len(done), len(items), "pictures")
        if context.stop_requested:
            context.interrupt()
    replace(answers, dataset=name, items=tuple(done), runtime={}).save(context.output())


def _finished(context: StageContext, item: Item, answer: PredictionItem) -> PredictionItem:
    photograph = read_picture(Path(context.input("dataset", item.blended)), Size(item.height, item.width))
    transmission = _layer(context, item, photograph, "transmission", answer.transmission)
    reflection = None
    if answer.reflection is not None:
        reflection = _layer(context, item, photograph, "reflection", answer.reflection)
    return replace(answer, transmission=transmission, reflection=reflection, steps=())


def _layer(context: StageContext, item: Item, photograph: Prepared, layer: str, answer: str) -> str:
    """Write one layer and return its path in the output."""
    relative = f"{layer}/{item.id}.{'tif' if item.kind == 'tiff' else 'png'}"
    form = PictureForm((item.height, item.width), photograph.dtype, kind=item.kind)
    alpha = None if item.alpha is None else Path(context.input("dataset", item.alpha))
    try:
        found = read_picture(Path(context.input("predictions", answer)), Size(item.height, item.width))
        write_picture(context.output(relative), _rounded(found, form.dtype), form, photograph.beside, alpha)
    except BadInput as error:
        raise BadInput(f"the program's answer to picture {item.words}: {error.message}", _HINT) from error
    return relative


def _rounded(picture: Prepared, dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    """Yield strips at some depth; those that have it already come as they are."""
    most = np.float32(np.iinfo(dtype).max)
    for strip in picture.source.strips():
        yield np.rint(np.clip(strip, 0, 1) * most).astype(dtype)
