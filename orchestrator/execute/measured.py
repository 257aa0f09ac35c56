"""What the program of a plug-in's metric left: one number for each picture of the dataset, as its description says."""

from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import OutputInvalid
from orchestrator.plan.stage import Stage
from orchestrator.results import read_result
from orchestrator.spec.plain_words import count
from stagekit.measuring import wrong_value
from stagekit.results.dataset import DatasetFile
from stagekit.results.measure import MeasureFile
from stagekit.results.scores import NotMeasured

_HINT = "correct the program of the image {image!r}; docs/how-to/add-a-metric.md says what it has to leave"
_NAMED = 3


def check_measured(stage: Stage, output: Path, dataset: Path) -> None:
    """Refuse numbers of other pictures, too few or too many of them, and those that the metric cannot have.

    A file that is missing is left to the check of all outputs.

    Args:
        output: Where the program left them.
        dataset: The prepared dataset that it measured.

    Raises:
        OutputInvalid: Naming the pictures.
    """
    if not (output / MeasureFile.FILE_NAME).is_file():
        return
    found = read_result(MeasureFile, output)
    wrong = _wrong(stage, found, [item.id for item in read_result(DatasetFile, dataset).items])
    if wrong:
        where = str(output / MeasureFile.FILE_NAME)
        raise OutputInvalid(f"{stage.name} left {wrong}", where=where, hint=_HINT.format(image=stage.image))


def _wrong(stage: Stage, found: MeasureFile, ids: Sequence[str]) -> str:
    """Return what is wrong, as the end of a sentence; empty where nothing is."""
    metric = stage.settings["metric"]
    if found.metric != metric:
        return f"numbers of a metric {found.metric!r} where {metric!r} was asked for"
    measured = [item.id for item in found.items]
    missing, strange = [one for one in ids if one not in measured], [one for one in measured if one not in ids]
    if missing:
        return f"no number for {_some(missing)}: {count(len(measured), 'number')} for {count(len(ids), 'picture')}"
    if strange:
        return f"a number for {_some(strange)}, which the dataset does not have"
    least, most = stage.settings["range"]
    for item in found.items:
        wrong = (
            ""
            if isinstance(item.value, NotMeasured)
            else wrong_value(item.value, (least, most), stage.settings["infinite"])
        )
        if wrong:
            return f"{wrong}, for picture {item.id}"
    return ""


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{'picture' if len(ids) == 1 else 'pictures'} {', '.join(ids[:_NAMED])}{more}"
