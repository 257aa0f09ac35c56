"""What the program of a plug-in's metric left: one number for each picture of the dataset, as its description says."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from orchestrator.errors import OutputInvalid
from orchestrator.plan.stage import Stage
from orchestrator.results import read_result
from orchestrator.spec.plain_words import count
from stagekit.measuring import wrong_value
from stagekit.results.dataset import DatasetFile
from stagekit.results.measure import MeasureFile
from stagekit.results.scores import NotMeasured, Score

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
    try:
        found = read_result(MeasureFile, output)
        twice = _doubled_name((output / MeasureFile.FILE_NAME).read_bytes())
    except OutputInvalid as error:
        wrong = f"numbers of the metric {stage.settings['metric']!r} that cannot be read: {error.message}"
    else:
        wrong = f"{twice!r} twice in one object" if twice else _wrong(stage, found, read_result(DatasetFile, dataset))
    if wrong:
        where = str(output / MeasureFile.FILE_NAME)
        raise OutputInvalid(f"{stage.name} left {wrong}", where=where, hint=_HINT.format(image=stage.image))


def _doubled_name(content: bytes) -> str:
    """Return a name that stands twice in an object of a JSON text: which counts, readers do not agree on."""
    doubled: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        counts = Counter(name for name, _value in pairs)
        doubled.extend(name for name, times in counts.items() if times > 1)

    json.loads(content, object_pairs_hook=look)
    return doubled[0] if doubled else ""


def _wrong(stage: Stage, found: MeasureFile, dataset: DatasetFile) -> str:
    """Return what is wrong, as the end of a sentence; empty where nothing is."""
    metric = stage.settings["metric"]
    if found.metric != metric:
        return f"numbers of a metric {found.metric!r} where {metric!r} was asked for"
    if found.dataset != dataset.name:
        return f"numbers of a dataset {found.dataset!r} where {dataset.name!r} was asked for"
    unknown = sorted({*found.unknown, *(name for item in found.items for name in item.unknown)})
    if unknown:
        return f"fields that {MeasureFile.FILE_NAME} does not have: {', '.join(map(repr, unknown[:_NAMED]))}"
    return _wrong_items(stage, found, dataset)


def _wrong_items(stage: Stage, found: MeasureFile, dataset: DatasetFile) -> str:
    ids, measured = [item.id for item in dataset.items], [item.id for item in found.items]
    wanted, there = set(ids), set(measured)
    missing, strange = [one for one in ids if one not in there], [one for one in measured if one not in wanted]
    if missing:
        return f"no number for {_some(missing)}: {count(len(measured), 'number')} for {count(len(ids), 'picture')}"
    if strange:
        return f"a number for {_some(strange)}, which the dataset does not have"
    if measured != ids:
        first = next(one for one, due in zip(measured, ids, strict=True) if one != due)
        return f"its numbers in another order than the dataset has its pictures, from picture {first} on"
    wrongs = ((item.id, _wrong_item(stage, item.value)) for item in found.items)
    return next((f"{wrong}, for picture {name}" for name, wrong in wrongs if wrong), "")


def _wrong_item(stage: Stage, value: Score) -> str:
    if isinstance(value, NotMeasured):
        return "" if value.not_measured.strip() else "no number and no reason why"
    least, most = stage.settings["range"]
    return wrong_value(value, (least, most), stage.settings["infinite"])


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"{'picture' if len(ids) == 1 else 'pictures'} {', '.join(ids[:_NAMED])}{more}"
