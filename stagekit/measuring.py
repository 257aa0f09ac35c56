"""The stage `measure` for images of plug-ins: one function of a picture, its truth and its input gives one number.

A program of such an image is one line: `sys.exit(run_program({"measure": measuring(function)}))`.
"""

import math
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Optional, Tuple, Union

from stagekit.context import StageContext
from stagekit.failures import BadInput, StageError
from stagekit.measures import CONTROLS
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.measure import MeasuredItem, MeasureFile
from stagekit.results.predictions import PredictionsFile
from stagekit.results.scores import NotMeasured, Score


@dataclass(frozen=True)
class MeasuredPicture:
    """A picture to measure: paths of PNG files, 8 bits, RGB, all of one size.

    Attributes:
        id: The item of the dataset.
        prediction: What an entrant answered; of a control its picture.
        truth: The scene without the reflection.
        blended: The picture with its reflection, which was the entrant's input.
        height: Pixels.
        width: Pixels.
    """

    id: str
    prediction: str
    truth: str
    blended: str
    height: int
    width: int


LARGEST = 1e15
"""How large a number of a metric may be, either way: of larger ones no mean and no interval can be told."""

Function = Callable[[MeasuredPicture], Union[float, NotMeasured]]
"""One number for a picture, or why there is none."""


def measuring(function: Function) -> Callable[[StageContext], None]:
    """Return the handler of the stage `measure` that asks a function about every picture.

    A picture without a prediction, or with one of another size, is not measured, and the function not asked.
    """

    def measure(context: StageContext) -> None:
        dataset = DatasetFile.load(context.input("dataset"))
        items = []
        for picture in _pictures(context, dataset):
            if isinstance(picture, MeasuredPicture):
                items.append(MeasuredItem(picture.id, _value(context, picture, function(picture))))
            else:
                items.append(picture)
            context.progress(len(items), len(dataset.items), "pictures")
            if context.stop_requested:
                context.interrupt()
        MeasureFile(context.setting("metric"), dataset.name, tuple(items)).save(context.output())

    return measure


def wrong_value(value: float, allowed: Tuple[Optional[float], Optional[float]], infinite: bool) -> str:
    """Return what is wrong with a metric's number, as the end of a sentence; empty where nothing is.

    Args:
        allowed: The smallest and the largest number that it may be; None where there is no such bound.
        infinite: Whether it may be infinite.
    """
    least, most = allowed
    if value == math.inf and infinite:
        return ""
    if not math.isfinite(value):
        return "%s, which is no finite number" % value
    if abs(value) > LARGEST:
        return "%r, which is larger than %g: no means can be told of such numbers" % (value, LARGEST)
    if least is not None and value < least:
        return "%r, which is less than %r, the least that its description allows" % (value, least)
    if most is not None and value > most:
        return "%r, which is more than %r, the most that its description allows" % (value, most)
    return ""


def _pictures(context: StageContext, dataset: DatasetFile) -> Iterator[Union[MeasuredPicture, MeasuredItem]]:
    """Yield every picture of a dataset; one that cannot be measured with the reason."""
    if dataset.role != "pairs":
        raise BadInput("dataset %r has no truth (it holds %s)" % (dataset.name, dataset.role))
    if context.setting("control"):
        layer = CONTROLS[context.setting("model")].layer
        for item in dataset.items:
            yield _picture(context, item, context.input("dataset", str(getattr(item, layer))))
        return
    file = PredictionsFile.load(context.input("predictions"))
    answers: Dict[str, Any] = {answer.id: answer for answer in file.items}
    failed = {one.name: "the picture %s" % one.reason for one in file.failed or ()}
    for item in dataset.items:
        answer = answers.get(item.id)
        if answer is None:
            yield MeasuredItem(item.id, NotMeasured(failed.get(item.id, "there is no prediction")))
        elif (answer.height, answer.width) != (item.height, item.width):
            sizes = (answer.height, answer.width, item.height, item.width)
            yield MeasuredItem(item.id, NotMeasured("the prediction has %d x %d pixels, the truth %d x %d" % sizes))
        else:
            yield _picture(context, item, context.input("predictions", answer.transmission))


def _picture(context: StageContext, item: DatasetItem, prediction: str) -> MeasuredPicture:
    truth, blended = (context.input("dataset", str(path)) for path in (item.transmission, item.blended))
    return MeasuredPicture(item.id, prediction, truth, blended, item.height, item.width)


def _value(context: StageContext, picture: MeasuredPicture, answered: Any) -> Score:
    """Return what a function answered as a result holds it.

    Raises:
        StageError: Where that is no number, or none that the metric's description allows.
    """
    name = context.setting("metric")
    if isinstance(answered, NotMeasured):
        if not isinstance(answered.not_measured, str) or not answered.not_measured.strip():
            raise StageError(
                "metric %r gave NotMeasured without a reason for picture %s" % (name, picture.id),
                "say why there is no number, as in NotMeasured('it has no edges')",
            )
        return answered
    value = _number(answered)
    if value is None:
        kind = type(answered).__name__
        raise StageError(
            "metric %r gave something of type %s for picture %s, and no number" % (name, kind, picture.id),
            "let its function return one float, or NotMeasured with the reason",
        )
    least, most = context.setting("range")
    wrong = wrong_value(value, (least, most), context.setting("infinite"))
    if wrong:
        raise StageError(
            "metric %r gave %s, for picture %s" % (name, wrong, picture.id),
            "correct its function, or the range in its description; where a picture has no value, return NotMeasured",
        )
    return value


def _number(answered: Any) -> Optional[float]:
    """Return a number of whatever library as a float, None where it is none: neither texts nor truth values are."""
    kind = str(getattr(answered, "dtype", type(answered).__name__))
    if isinstance(answered, (str, bytes, bytearray)) or "bool" in kind:
        return None
    try:
        return float(answered)
    except OverflowError:  # a whole number beyond all floats
        return sys.float_info.max if answered > 0 else -sys.float_info.max
    except (TypeError, ValueError, RuntimeError):
        return None
