"""Whether what a program said and left is what the contract asks for; each rule yields what is wrong, and a remedy."""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from orchestrator.conformance.trial import Attempt
from orchestrator.inside import path_inside
from orchestrator.store.store import Artifact
from stagekit import BadInput
from stagekit.results.apart import load_whole
from stagekit.results.dataset import DatasetFile
from stagekit.results.form import Form, fields_of
from stagekit.results.predictions import ELSEWHERE, PredictionsFile

Wrong = tuple[str, str]
"""What is wrong, and what to do."""

_MOST_LOG_BYTES = 2**20
_UNPRINTABLE = re.compile("[\ufffd\x00-\x08\x0e-\x1a\x1c-\x1f]")


def record_problems(artifact: Artifact, dataset: DatasetFile) -> Iterator[Wrong]:
    """Yield what is wrong with predictions.json: its form, and which pictures it names."""
    try:
        found = load_whole(PredictionsFile, artifact.output, artifact.facts)
    except BadInput as error:
        yield error.message, "write it with stagekit.results.apart.save_apart(PredictionsFile(…), output, facts)"
        return
    wanted, named = [item.id for item in dataset.items], [item.id for item in found.items]
    if found.dataset != dataset.name:
        yield f"it names the dataset {found.dataset!r}, not {dataset.name!r}", "write the name of the dataset that came"
    if named != wanted:
        lacking = [name for name in wanted if name not in named]
        surplus = [name for name in named if name not in wanted]
        words = f"no answer to {', '.join(lacking)}" if lacking else "its items stand in another order"
        words = f"answers to {', '.join(surplus)}, which the dataset has not" if surplus else words
        yield words, "write one item for each item of the dataset, in its order and with its id"


def form_problems(form: type[Form], artifact: Artifact) -> Iterator[Wrong]:
    """Yield what is wrong with a result of one form: it cannot be read, or holds facts or what is not known."""
    try:
        load_whole(form, artifact.output, artifact.facts)
    except BadInput as error:
        yield error.message, f"write it with stagekit.results.apart.save_apart({form.__name__}(…), output, facts)"
        return
    yield from fact_problems(form, artifact)


def fact_problems(form: type[Form], artifact: Artifact) -> Iterator[Wrong]:
    """Yield what stands among the results and may differ between two equal runs, or is not known at all.

    Args:
        form: Of a result that can be read.
    """
    remedy = "write it with save_apart, which keeps facts such as seconds apart, and add no fields"
    document = json.loads((artifact.output / form.FILE_NAME).read_text(encoding="utf-8"))
    document.pop("schema", None)
    facts, unknown = _surplus(form, [document])
    if facts:
        words = f"{', '.join(facts)} in {form.FILE_NAME}: facts, which differ from run to run, stand among the results"
        yield words, remedy
    if unknown:
        yield f"{', '.join(unknown)}: no fields of {form.FILE_NAME}", remedy


def _surplus(record: Any, values: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the names of facts and of fields that are not known, in records and the records in their lists."""
    known = {name: (hint, rules) for name, hint, rules, _needed in fields_of(record)}
    given = sorted({name for value in values for name in value})
    facts = [name for name in given if name in known and known[name][1].get("fact")]
    unknown = [name for name in given if name not in known]
    for name in given:
        inner = next(filter(is_dataclass, get_args(known[name][0])), None) if name in known else None
        if inner is not None and name not in facts:
            below = [one for value in values for one in value.get(name) or () if isinstance(one, dict)]
            more = _surplus(inner, below)
            facts, unknown = facts + more[0], unknown + more[1]
    return facts, unknown


def file_problems(artifact: Artifact) -> Iterator[Wrong]:
    """Yield files of the output that nothing names."""
    found = PredictionsFile.load(artifact.output)
    known = {PredictionsFile.FILE_NAME}
    for item in found.items:
        known |= {item.transmission, *item.steps, *([item.reflection] if item.reflection else [])}
        known |= {f"arrays/{item.id}.{layer}.npy" for layer in ("transmission", "reflection")}
    surplus = sorted(name for name in artifact.manifest.files if name not in known)
    if surplus:
        yield (
            f"files that {PredictionsFile.FILE_NAME} does not name: {_some(surplus)}",
            ("write what is not a result below context.work() or context.facts()"),
        )


def picture_problems(artifact: Artifact, dataset: DatasetFile) -> Iterator[Wrong]:
    """Yield pictures that cannot be read, or whose size is not that of what they answer."""
    wanted = {item.id: item for item in dataset.items}
    for answer in PredictionsFile.load(artifact.output).items:
        item = wanted[answer.id]
        for name in (answer.transmission, *answer.steps, *([answer.reflection] if answer.reflection else [])):
            try:
                height, width = _size(path_inside(artifact.output, name))
            except (OSError, ValueError, SyntaxError, UnidentifiedImageError) as error:
                yield f"{name}: {error}", "write PNG pictures of three channels, each before predictions.json names it"
                continue
            if not (height, width) == (answer.height, answer.width) == (item.height, item.width):
                yield (
                    f"{name} has {height} x {width} pixels (predictions.json says {answer.height} x {answer.width}), "
                    f"the picture that it answers {item.height} x {item.width}",
                    "answer at the picture's own size: pad inside the program, and crop again",
                )


def _size(path: Path) -> tuple[int, int]:
    """Return height and width of an RGB picture, all of which can be decoded."""
    with Image.open(path, formats=("PNG",)) as picture:
        picture.load()
        if picture.mode != "RGB":
            raise ValueError(f"a picture of mode {picture.mode}, not RGB")
        return picture.height, picture.width


def array_problems(artifact: Artifact, dataset: DatasetFile) -> Iterator[Wrong]:
    """Yield answers that were asked for as floats and are not there, or are no picture of finite floats."""
    remedy = "where settings hold 'arrays', write arrays/ID.transmission.npy: float32, (H, W, 3), RGB, 0 to 1"
    if PredictionsFile.load(artifact.output).mode == ELSEWHERE:
        return
    for item in dataset.items:
        name = f"arrays/{item.id}.transmission.npy"
        try:
            values = np.load(path_inside(artifact.output, name), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            yield f"{name}: {error}; protocols that score unrounded answers cannot measure it", remedy
            return
        if values.shape != (item.height, item.width, 3) or values.dtype != np.float32 or not np.isfinite(values).all():
            yield f"{name} is no picture of finite float32 of {item.height} x {item.width} x 3", remedy
            return


def said_problems(attempt: Attempt, unit: str = "pictures") -> Iterator[Wrong]:
    """Yield what is wrong with what a program printed.

    Args:
        unit: What it should say how many of are done.
    """
    odd = [line for line in attempt.lines if _UNPRINTABLE.search(line)]
    if odd:
        yield f"it prints what is no text: {odd[0][:60]!r}", "print text in UTF-8 alone, or nothing"
    broken = [line for line in attempt.lines if line.lstrip().startswith('{"sirr"')]
    if broken:
        yield (
            f"a line looks like a message and is none: {broken[0][:100]!r}",
            "say messages by context.progress, warn and note, from one thread at a time",
        )
    if sum(map(len, attempt.lines)) > _MOST_LOG_BYTES:
        yield "it prints more than 1 MiB for a trial", "print less: all of it is kept"
    if not attempt.progress:
        yield "it never says how far it is", f"call context.progress(done, total, '{unit}') again and again"
        return
    done = [event.progress for event in attempt.progress]
    if any(not 0 <= one.done <= one.total for one in done) or done[-1].done != done[-1].total:
        last = done[-1]
        yield (
            f"its progress ends at {last.done:g} of {last.total:g} {last.unit}, or leaves that range",
            "count up to the total, and end there",
        )


def difference(first: Artifact, second: Artifact) -> str:
    """Return which files of two results differ, in words; empty where none does."""
    one = {name: record.sha256 for name, record in first.manifest.files.items()}
    other = {name: record.sha256 for name, record in second.manifest.files.items()}
    return _some(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
