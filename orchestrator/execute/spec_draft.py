"""An experiment in the making: what of all that was found stands in it, and with which settings."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.execute.found import Findings, FoundEntrant, FoundSet
from orchestrator.spec.library import Library
from orchestrator.spec.problems import listed, suggestion
from orchestrator.spec.weights import weights_folder
from stagekit.measures import HOUSE, PROTOCOLS

BUILT_IN_TEST, BUILT_IN_LAYERS = "skimage-test", "skimage-train"
"""Datasets that need no files: what is compared on where nothing was found, and what trainings blend."""


@dataclass(frozen=True)
class Trained:
    """A model that is trained in minutes.

    Attributes:
        recipe: Field to its value and the published one.
    """

    name: str
    title: str
    recipe: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Draft:
    """What a spec will say.

    Attributes:
        tests: Names of test datasets, found and known ones.
        real: Dataset of real pairs to train on besides; None: none.
        metrics: Of the protocol; None: all of it.
        lacking: File names of feature weights that networks need and that are not there: they are random then.
        plugins: Folders, absolute.
        blind: Adopted networks that see by such weights, and whose answers mean nothing without.
    """

    name: str
    trained: tuple[Trained, ...]
    programs: tuple[str, ...]
    entrants: tuple[FoundEntrant, ...]
    tests: tuple[str, ...]
    sets: tuple[FoundSet, ...]
    real: str | None = None
    metrics: tuple[str, ...] | None = None
    lacking: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()
    blind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What was asked for by name.

    Attributes:
        models: Models to train, and programs.
        tests: Datasets that are known already.
    """

    models: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


def drafted(name: str, findings: Findings, wanted: Wanted, library: Library, plugins: Sequence[Path] = ()) -> Draft:
    """Return an experiment of what was found and what is wanted.

    Where nothing but pictures was found, a model that is trained in minutes takes part, and a program that is not
    trained always does, unless models are named.

    Raises:
        SpecError: For a name that is neither a model's nor a program's.
    """
    models, programs = _named(wanted.models, library)
    if not wanted.models:
        programs = [library.default_program.name]
        models = [] if findings.entrants else [_first_model(library)]
    trained = tuple(_trained(model, library) for model in models)
    training = [one for one in findings.sets if one.of_training]
    real = training[0] if trained and training else None
    for one in training:
        if one is not real:
            why = "its name says that it is to be trained on" + ("" if trained else ", and nothing is trained here")
            findings.leave_out(one.folder, f"{why}: --model MODEL trains one, 'test:' compares on it")
    tested = [one for one in findings.sets if not one.of_training]
    tests = (*dict.fromkeys(wanted.tests), *(one.name for one in tested)) or (BUILT_IN_TEST,)
    sets = (*tested, *([real] if real else []))
    metrics, lacking, blind = _features(trained, findings.entrants, library)
    return Draft(
        name,
        trained,
        tuple(programs),
        tuple(findings.entrants),
        tests,
        sets,
        real.name if real else None,
        metrics,
        lacking,
        tuple(plugins),
        blind,
    )


def _named(names: Sequence[str], library: Library) -> tuple[list[str], list[str]]:
    for name in names:
        known = (*library.model_names, *library.program_names)
        if name not in known:
            close = suggestion(name, known) or f"; there are {listed(known)}"
            raise SpecError(f"there is no model or program {name!r}{close}", hint="correct --model")
    models = [name for name in dict.fromkeys(names) if name in library.model_names]
    return models, [name for name in dict.fromkeys(names) if name not in library.model_names]


def _first_model(library: Library) -> str:
    """Return the model that a first comparison trains: one that needs no feature weights to answer."""
    own = [name for name in library.model_names if library.plugin_of("model", name) is None]
    return next((name for name in own if not library.model(name).sees_features), own[0])


def _trained(name: str, library: Library) -> Trained:
    spec = library.model(name)
    paper = spec.paper_recipe.values
    recipe = {field: (value, paper.get(field)) for field, value in (spec.brief or spec.trial).items()}
    return Trained(name, spec.title, recipe)


def _features(
    trained: Sequence[Trained], entrants: Sequence[FoundEntrant], library: Library
) -> tuple[tuple[str, ...] | None, tuple[str, ...], tuple[str, ...]]:
    """Return the metrics that can be measured, feature weights that networks lack, and adopted networks blind by it."""
    metrics = PROTOCOLS[HOUSE].metrics
    able = tuple(metric.name for metric in metrics if not metric.features or _there(metric.features))
    needed = [file for model in trained for file in library.model(model.name).features]
    blind = []
    for one in entrants:
        spec = library.model(one.model) if one.model else None
        if spec is not None and spec.sees_features:
            needed += spec.features
            blind += [one.name] if not all(map(_there, spec.features)) else []
    lacking = tuple(dict.fromkeys(file for file in needed if not _there(file)))
    if lacking:
        able = tuple(metric.name for metric in metrics if not metric.features)
    return (None if len(able) == len(metrics) else able), lacking, tuple(blind)


def _there(file: str) -> bool:
    folder = weights_folder()
    return folder is not None and (folder / file).is_file()


def answers_of(entrant: FoundEntrant, tests: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield for each test dataset the folder of predictions, None where there are none; nothing where it is plain."""
    if len(tests) == 1 and entrant.answers.get(tests[0]) == ".":
        return
    if all(entrant.answers.get(name) == name for name in tests):
        return
    for name in tests:
        yield name, entrant.answers.get(name)
