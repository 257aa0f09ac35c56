"""Checks what a single field cannot tell: names of models and datasets, recipes, roles and labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.spec.dataset import Dataset, DatasetRole, PreparedDataset, dataset_role
from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.entrants import AnyChoice, AuthorsChoice, ModelChoice, PredictionsChoice, ProgramChoice
from orchestrator.spec.experiment import Experiment, TrainingData
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.plain_words import count
from orchestrator.spec.prepared import added_datasets
from orchestrator.spec.problems import Problem, listed, suggestion
from orchestrator.spec.program_choice import known_instead, program_problems
from orchestrator.spec.recipe import Recipe, RecipeInvalid
from orchestrator.spec.score_names import score_problems
from stagekit.measures import CONTROLS

RESERVED_LABELS = tuple(CONTROLS)
"""The controls: built-in 'networks' that every comparison contains."""

_ROLES: Mapping[DatasetRole, str] = {
    "layers": "layers to blend, without pairs",
    "pairs": "pairs with truth",
    "photos": "photographs without truth",
}


@dataclass(frozen=True)
class Draft:
    """The fields of an experiment that name something; None stands for what is missing or wrong by itself."""

    models: Sequence[AnyChoice | None]
    train: TrainingData | None
    test: Sequence[str | None]
    datasets: Mapping[str, Dataset | None]
    home: Path | None = None
    """The data folder; None for the environment's, or the default."""
    library: Library = field(default_factory=built_in)
    """What can be named besides the experiment's own datasets."""
    metrics: Sequence[str | None] = ()
    protocols: Sequence[str | None] = ()

    @classmethod
    def of(cls, experiment: Experiment, home: Path | None, library: Library) -> "Draft":
        """Return the draft of an experiment whose fields are all right by themselves."""
        named = (experiment.models, experiment.train, experiment.test, experiment.datasets)
        return cls(*named, home, library, experiment.metrics, experiment.protocols)


def name_problems(draft: Draft, document: Document | None) -> list[Problem]:
    """Return every mistake in names, roles, labels and recipes.

    Args:
        document: The file that the draft was read from, for positions; None where there is none.
    """
    scores = score_problems(draft.metrics, draft.protocols, draft.library, document)
    return [*_model_problems(draft, document), *_dataset_problems(draft, document), *scores]


def full_recipe(choice: ModelChoice, library: Library) -> Recipe:
    """Return the paper's recipe with the choice's overrides, checked by the model's schema.

    Raises:
        RecipeInvalid: Where an override does not fit.
    """
    return _checked_recipe(choice, library, None, ())


def _checked_recipe(choice: ModelChoice, library: Library, document: Document | None, prefix: Location) -> Recipe:
    spec = library.model(choice.model)
    return spec.schema_of_recipes.recipe({**spec.paper_recipe.values, **choice.recipe}, document, prefix)


def _model_problems(draft: Draft, document: Document | None) -> Iterator[Problem]:
    labels: dict[str, int] = {}
    for number, choice in enumerate(draft.models):
        if choice is None:
            continue
        place = place_of(document, ("models", number, "name" if choice.name else _field(choice)))
        taken = next((label for label in (choice.label, *choice.labels) if label in labels), None)
        if choice.label in RESERVED_LABELS:
            words = f"a model cannot be called {choice.label!r}: that is one of the controls"
            yield Problem(words, place, "give it another name")
        elif taken is not None:
            words = f"two models are called {taken!r}, number {labels[taken]} and number {number + 1}"
            yield Problem(words, place, "give one of them a name of its own, such as 'name: second'")
        for label in {choice.label, *choice.labels}:
            labels.setdefault(label, number + 1)
        if isinstance(choice, PredictionsChoice):
            yield from _set_problems(number, choice, draft, document)
        elif isinstance(choice, ProgramChoice):
            yield from program_problems(number, choice, draft.library, document)
        elif isinstance(choice, OnnxChoice | AuthorsChoice):
            continue  # its files are looked at once all names are right
        elif choice.model not in draft.library.model_names:
            yield Problem(_unknown_model(choice.model, draft.library), place_of(document, ("models", number, "model")))
        else:
            yield from _recipe_problems(number, choice, draft.library, document)


def _unknown_model(name: str, library: Library) -> str:
    if name in library.program_names:
        return f"{name!r} is a program, and no model: write {{program: {name}}}"
    return f"there is no model {name!r}{known_instead(name, 'model', library)}"


def _field(choice: AnyChoice) -> str:
    """Return the field that says what an entrant is."""
    kinds = {OnnxChoice: "onnx", PredictionsChoice: "predictions", ProgramChoice: "program", AuthorsChoice: "program"}
    return kinds.get(type(choice), "model")


def _set_problems(number: int, choice: PredictionsChoice, draft: Draft, document: Document | None) -> Iterator[Problem]:
    tested = [name for name in draft.test if name is not None]
    for name in choice.sets:
        if name not in tested:
            close = suggestion(name, tested) or f"; there are {listed(tested)}"
            place = place_of(document, ("models", number, "sets", name), name=True)
            yield Problem(f"there is no test dataset {name!r}{close}", place)


def _recipe_problems(
    number: int, choice: ModelChoice, library: Library, document: Document | None
) -> Iterator[Problem]:
    try:
        _checked_recipe(choice, library, document, ("models", number, "recipe"))
    except RecipeInvalid as error:
        yield from error.problems


def _dataset_problems(draft: Draft, document: Document | None) -> Iterator[Problem]:
    for taken in sorted(draft.library.catalogue.keys() & draft.datasets.keys()):
        if not isinstance(draft.datasets[taken], PreparedDataset | None):
            words = f"{taken!r} is a dataset of the catalogue: published numbers stand beside that name in reports"
            yield Problem(words, place_of(document, ("datasets", taken), name=True), "give this one another name")
    if draft.train is not None:
        yield from _role_problems(draft, draft.train.synthetic, ("train", "synthetic"), ("layers",), document)
        for field in ("real", "unaligned"):
            name = getattr(draft.train, field)
            if name is not None:
                yield from _role_problems(draft, name, ("train", field), ("pairs",), document)
        yield from _unaligned_problems(draft, draft.train, document)
        yield from _validation_problems(draft, draft.train, document)
    trained = {draft.train.synthetic, draft.train.real, draft.train.unaligned} if draft.train else set()
    seen: set[str] = set()
    for number, name in enumerate(draft.test):
        location = ("test", number)
        if name is None:
            continue
        if name in seen:
            yield Problem(f"dataset {name!r} is listed twice", place_of(document, location), "remove one of the two")
        elif name in trained:
            words = f"dataset {name!r} is trained on and tested on: its scores would mean nothing"
            yield Problem(words, place_of(document, location), "test on pictures that no network has seen")
        else:
            yield from _role_problems(draft, name, location, ("pairs", "photos"), document)
        seen.add(name)


def _unaligned_problems(draft: Draft, train: TrainingData, document: Document | None) -> Iterator[Problem]:
    if train.unaligned is not None:
        return
    for number, choice in enumerate(draft.models):
        recipe = _recipe(choice, draft.library) if isinstance(choice, ModelChoice) and choice.weights is None else None
        if choice is not None and recipe is not None and recipe.uses_unaligned:
            words = f"model {choice.label!r} is trained on unaligned pairs too, and 'train' names none"
            hint = "write train: {unaligned: DATASET, ...}, or choose a model that does without"
            yield Problem(words, place_of(document, ("models", number, "model")), hint)


def _validation_problems(draft: Draft, train: TrainingData, document: Document | None) -> Iterator[Problem]:
    if train.validation is None:
        return
    name, location = train.validation.dataset, ("train", "validation", "dataset")
    if name in {train.synthetic, train.real, train.unaligned}:
        words = f"dataset {name!r} is trained on and validated on: its scores would mean nothing"
        yield Problem(words, place_of(document, location), "validate on pictures that no network is trained on")
        return
    found = list(_role_problems(draft, name, location, ("pairs",), document))
    yield from found
    if not found and name not in draft.test and name not in draft.datasets:
        words = f"dataset {name!r} is validated on, and is neither tested on nor described in this file"
        yield Problem(words, place_of(document, location), "add it to 'test:', or describe it under 'datasets:'")
    for number, choice in enumerate(draft.models):
        recipe = _recipe(choice, draft.library) if isinstance(choice, ModelChoice) and choice.weights is None else None
        if choice is not None and recipe is not None and recipe.steps is not None:
            bound = f"model {choice.label!r} stops after {count(recipe.steps, 'step')}"
            words = f"{bound}: which epochs it reaches is not known"
            hint = "for validation bound the training by 'epochs' and 'limit' instead of 'steps'"
            yield Problem(words, place_of(document, ("models", number, "recipe", "steps")), hint)


def _recipe(choice: ModelChoice, library: Library) -> Recipe | None:
    """Return a choice's recipe; None where it is wrong by itself."""
    try:
        return full_recipe(choice, library)
    except (SpecError, RecipeInvalid):
        return None


def _role_problems(
    draft: Draft, name: str, location: Location, roles: tuple[DatasetRole, ...], document: Document | None
) -> Iterator[Problem]:
    if name in draft.datasets and draft.datasets[name] is None:
        return
    own = {other: dataset for other, dataset in draft.datasets.items() if dataset is not None}
    known = known_datasets(own, draft.library, draft.home)
    if name not in known:
        close = suggestion(name, known) or f"; there are {listed(known) or 'none'}"
        yield Problem(
            f"there is no dataset {name!r}{close}",
            place_of(document, location),
            "describe datasets of your own under 'datasets:', or make them with: sirr-orch data add"
            if not close.startswith("; did")
            else None,
        )
        return
    role = dataset_role(known[name])
    if role not in roles:
        wanted = " or ".join(_ROLES[other] for other in roles)
        fitting = [other for other, dataset in known.items() if dataset_role(dataset) in roles]
        words = f"dataset {name!r} holds {_ROLES[role]}; {_use(location)} needs {wanted}"
        hint = f"choose {listed(fitting)}" if fitting else "describe such a dataset under 'datasets:'"
        yield Problem(words, place_of(document, location), hint)


def _use(location: Location) -> str:
    if "validation" in location:
        return "validation"
    return {"synthetic": "training", "real": "training on real pairs", "unaligned": "training on unaligned pairs"}.get(
        str(location[-1]), "testing"
    )


def known_datasets(own: Mapping[str, Dataset], library: Library, home: Path | None = None) -> dict[str, Any]:
    """Return all datasets by name.

    An experiment's own stand before those of the data folder; where they have a name of the catalogue, they are that
    dataset, prepared elsewhere.
    """
    return {**added_datasets(home), **{name: entry.dataset for name, entry in library.catalogue.items()}, **own}
