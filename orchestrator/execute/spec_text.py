"""A drafted experiment as YAML with comments, for people who go on writing it."""

import json
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.execute.found import FoundEntrant, FoundSet
from orchestrator.execute.spec_draft import BUILT_IN_LAYERS, Draft, Trained, answers_of
from orchestrator.spec.weights import FEATURES_VARIABLE
from stagekit.measures import HOUSE, PROTOCOLS

_PLAIN = re.compile(r"(?:[A-Za-z_]|\.{0,2}/)[A-Za-z0-9_./-]*")
_WORDS_OF_YAML = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", ".inf", ".nan"}
_COLUMN = 22
"""Where comments behind short values begin."""


def spec_text(draft: Draft, target: Path) -> str:
    """Return the file's text.

    Args:
        target: Where it will lie; its paths are written as seen from there.
    """
    base = target.absolute().parent
    parts = (
        [
            _comment(f"Show what it would do: sirr-orch plan {shlex.quote(str(target))}"),
            "# Every field that there is: docs/reference/spec.md",
        ],
        [f"name: {scalar(draft.name)}"],
        [f"plugins: [{', '.join(scalar(_seen(folder, base)) for folder in draft.plugins)}]"] if draft.plugins else [],
        ["# Who is compared. The unchanged input and the truth are always in the table too.", "models:"],
    )
    entrants = [line for one in draft.trained for line in _trained(one)]
    entrants += [line for one in draft.entrants for line in _entrant(one, draft, base)]
    entrants += [f"  - program: {scalar(name)}{' ' * 4}# not trained" for name in draft.programs]
    blocks = ["\n".join(part) for part in parts if part]
    blocks[-1] += "\n" + "\n".join(entrants)
    blocks += ["\n".join(_training(draft)), "\n".join(_tests(draft, base)), "\n".join(_settings(draft))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _trained(model: Trained) -> Iterator[str]:
    yield f"  - model: {scalar(model.name)}"
    if not model.recipe:
        return
    yield "    # A trial that ends in minutes on a CPU. Without 'recipe:' the published values count, which stand"
    yield "    # beside these: that is work for a GPU, and weeks on a CPU."
    yield "    recipe:"
    for name, (value, published) in model.recipe.items():
        told = "every pair" if published is None else _inline(published)
        yield f"      {scalar(name)}: {_inline(value)}".ljust(_COLUMN + 6) + _comment(f"published: {told}", after=True)


def _entrant(one: FoundEntrant, draft: Draft, base: Path) -> Iterator[str]:
    path = scalar(_seen(one.path, base))
    title = [f"    title: {scalar(one.title)}"] if one.title else []
    if one.kind == "checkpoint":
        yield f"  - model: {scalar(one.model)}"
        yield f"    name: {scalar(one.name)}"
        if one.name in draft.blind:
            yield "    # It sees by feature weights that are not there: until they are, its answers mean nothing."
        yield f"    weights: {{checkpoint: {path}}}"
    elif one.kind == "onnx":
        yield from [f"  - onnx: {path}", f"    name: {scalar(one.name)}", *title]
        yield "    # Taken as it is: RGB of 0 to 1, and its answer is the picture. Where that is wrong, say so:"
        yield "    #   range: [0, 255]     channels: bgr     multiple_of: 8     residual: subtract"
    else:
        yield from [f"  - predictions: {path}", f"    name: {scalar(one.name)}", *title]
        answers = dict(answers_of(one, draft.tests))
        if answers:
            yield "    sets:             # the folder inside for each test dataset; null: there are none"
            yield from (
                f"      {scalar(name)}: {'null' if inside is None else scalar(inside)}"
                for name, inside in answers.items()
            )


def _training(draft: Draft) -> Iterator[str]:
    if not draft.trained:
        return
    yield "# What is trained on: clean photographs that are blended in pairs, and real pairs where there are some."
    if draft.real is None:
        yield (
            f"train: {BUILT_IN_LAYERS}".ljust(_COLUMN)
            + "  # a few scenes, built in. Published sets: sirr-orch data list"
        )
    else:
        yield f"train: {{synthetic: {BUILT_IN_LAYERS}, real: {scalar(draft.real)}}}"


def _tests(draft: Draft, base: Path) -> Iterator[str]:
    yield "# What is compared on: pairs are scored, photographs are shown."
    yield f"test: [{', '.join(map(scalar, draft.tests))}]"
    if draft.sets:
        yield "datasets:"
    for one in draft.sets:
        yield from _dataset(one, base)


def _dataset(one: FoundSet, base: Path) -> Iterator[str]:
    yield f"  {scalar(one.name)}:".ljust(_COLUMN) + _comment(one.words, after=True)
    if one.title:
        yield f"    title: {scalar(one.title)}"
    yield f"    kind: {one.kind}"
    if one.kind == "prepared":
        yield "    role: pairs"
    yield f"    folder: {scalar(_seen(one.folder, base))}"
    yield from (f"    {layer}: {scalar(pattern)}" for layer, pattern in one.patterns.items())


def _settings(draft: Draft) -> Iterator[str]:
    if draft.lacking:
        yield _comment(f"Published weights that networks need are not there: {', '.join(draft.lacking)}.")
        yield "# With random ones all runs, for trying it out: such scores can be compared with nothing. See sirr-orch"
        yield f"# weights list; with the files, and {FEATURES_VARIABLE} set to their folder, remove this line:"
        yield "features: random"
    if draft.metrics is not None:
        absent = [metric.name for metric in PROTOCOLS[HOUSE].metrics if metric.name not in draft.metrics]
        yield f"# Without {', '.join(absent)}, whose published weights are not there. With them, remove this line:"
        yield f"metrics: [{', '.join(map(scalar, draft.metrics))}]"


def _seen(path: Path, base: Path) -> str:
    """Return a path as seen from a folder, absolute where they have nothing but the root in common."""
    if Path(os.path.commonpath([path, base])) == Path(path.anchor):
        return str(path)
    seen = os.path.relpath(path, base)
    return f"./{seen}" if seen.startswith("~") else seen


def _comment(text: str, *, after: bool = False) -> str:
    """Return a text as a comment that ends with its line, whatever stands in it.

    Args:
        after: A value stands before it on the line.
    """
    return ("  # " if after else "# ") + "".join(letter if letter.isprintable() else "?" for letter in text)


def _inline(value: Any) -> str:
    """Return a recipe's value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(name)}: {_inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return scalar(value) if isinstance(value, str) else json.dumps(value)


def scalar(text: str) -> str:
    """Return a text as a value of YAML that is read as this text, whatever stands in it."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    return '"' + "".join(map(_character, text)) + '"'


def _character(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
