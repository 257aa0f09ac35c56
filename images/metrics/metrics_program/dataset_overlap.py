"""Comparing what is trained on with what is tested on: the stage's folders go to orchestrator.datasets."""

from pathlib import Path

from PIL import Image

from orchestrator.datasets.overlap_stage import OverlapComparison, compare_datasets
from stagekit import StageContext


def overlap(context: StageContext) -> None:
    """Write ``overlap.json``, or refuse where pictures are trained on and tested on and the setting is to stop.

    Raises:
        BadInput: Names the pairs.
    """

    def step(done: int, total: int) -> None:
        context.progress(done, total, "pictures")
        if context.stop_requested:
            context.interrupt()

    comparison = OverlapComparison(
        train={role: Path(context.input("train-" + role)) for role in context.setting("train")},
        test=[Path(context.input("test-%d" % number)) for number in range(len(context.setting("test")))],
        action=context.setting("action"),
        output=Path(context.request.output),
    )
    # Photographs of any size are compared too; they were prepared before, so none is a bomb.
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        compare_datasets(comparison, step, context.warn, print)
    finally:
        Image.MAX_IMAGE_PIXELS = before
