"""Replaces the names in an experiment by what they name, and checks that everything is there."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import SpecError
from orchestrator.spec.authors_choice import ResolvedAuthors, authors_problems, resolved_authors
from orchestrator.spec.checkpoint import checkpoint_problem
from orchestrator.spec.checks import Draft, full_recipe, known_datasets, name_problems
from orchestrator.spec.dataset import Dataset, PreparedDataset, ScenesDataset
from orchestrator.spec.document import Document, Location, place_of, read_document
from orchestrator.spec.entrants import AnyChoice, AuthorsChoice, ModelChoice, PredictionsChoice, ProgramChoice
from orchestrator.spec.experiment import Experiment, Validation
from orchestrator.spec.images import image_problems
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.load import experiment_library
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_network import ResolvedOnnx, onnx_problems, resolved_onnx
from orchestrator.spec.predictions import ResolvedPredictions, predictions_problems, resolved_predictions
from orchestrator.spec.prepared import DATA_VARIABLE, INDEX, data_home, prepared_folder, prepared_of
from orchestrator.spec.problems import Place, Problem, spec_error
from orchestrator.spec.program_choice import ResolvedProgram, resolved_program
from orchestrator.spec.recipe import Recipe
from orchestrator.spec.scoring import chosen_metrics
from orchestrator.spec.stage_names import stage_name
from orchestrator.spec.weights import FEATURES_VARIABLE, weights_folder
from stagekit.measures import metrics


@dataclass(frozen=True)
class ResolvedModel:
    """A model of the comparison with everything that its training needs to know."""

    label: str
    spec: ModelSpec
    recipe: Recipe
    """The paper's recipe with the overrides."""
    overrides: dict[str, tuple[Any, Any]]
    """Field to the paper's value and this comparison's, as plain values; only where they differ."""
    seed: int
    checkpoint: Path | None = None
    """Absolute path of the weights that are adopted instead of trained."""
    entry: str | None = None
    """Which weights to take where the checkpoint holds several sets."""
    group: str = ""
    """What the comparison calls the network of which this is one of several seeds; empty where it stands alone."""

    @property
    def weights_stage(self) -> str:
        """Name of the stage that leaves the weights."""
        return stage_name("train" if self.checkpoint is None else "adopt", self.label)


Entrant = ResolvedModel | ResolvedOnnx | ResolvedPredictions | ResolvedProgram | ResolvedAuthors
"""Whatever stands in the table."""


@dataclass(frozen=True)
class Resolved:
    """An experiment with all names replaced."""

    experiment: Experiment
    path: Path
    entrants: tuple[Entrant, ...]
    """In the experiment's order."""
    datasets: dict[str, Dataset]
    """Those that are used, with absolute folders."""
    features: dict[str, Path] = field(default_factory=dict)
    """File name of the pretrained weights to their path; empty where features are random."""
    library: Library = field(default_factory=built_in)
    """What it was resolved with: this project's own, and that of plug-ins."""

    @property
    def models(self) -> tuple[ResolvedModel, ...]:
        """The entrants that are networks of model specs."""
        return tuple(entrant for entrant in self.entrants if isinstance(entrant, ResolvedModel))

    @property
    def onnx_files(self) -> tuple[ResolvedOnnx, ...]:
        """The entrants that are networks in ONNX files."""
        return tuple(entrant for entrant in self.entrants if isinstance(entrant, ResolvedOnnx))

    @property
    def programs(self) -> tuple[ResolvedProgram, ...]:
        """The entrants that are programs in an image of their own."""
        return tuple(entrant for entrant in self.entrants if isinstance(entrant, ResolvedProgram))

    @property
    def predictions(self) -> tuple[ResolvedPredictions, ...]:
        """The entrants whose answers another program has written."""
        return tuple(entrant for entrant in self.entrants if isinstance(entrant, ResolvedPredictions))

    @property
    def authors(self) -> tuple[ResolvedAuthors, ...]:
        """The entrants that are authors' programs as they are."""
        return tuple(entrant for entrant in self.entrants if isinstance(entrant, ResolvedAuthors))

    @property
    def validation(self) -> Validation | None:
        """How trainings are validated; None where they are not, or where every model adopts its weights."""
        return _validation(self.experiment)

    def snapshots(self, model: ResolvedModel) -> tuple[int, ...]:
        """Return the epochs, counted from 1, whose weights a training keeps for validation.

        The last epoch is left out: its weights are the final ones.
        """
        if self.validation is None or model.checkpoint is not None:
            return ()
        every = self.validation.every
        return tuple(range(every, model.recipe.epochs, every))


def resolve(experiment: Experiment, path: Path, home: Path | None = None, library: Library | None = None) -> Resolved:
    """Return the experiment with all names replaced.

    Args:
        path: The file it was read from; relative folders start there. It may have been changed or removed since, then
            mistakes have no positions.
        home: The data folder; None for the environment's, or the default.
        library: What can be named besides what the experiment's own plug-ins bring; None: what this project has.

    Raises:
        SpecError: Lists every unknown name, wrong recipe, wrong role, missing folder and missing feature file.
    """
    document = _document(path)
    library = experiment_library(experiment, path, library)
    draft = Draft.of(experiment, home, library)
    problems = name_problems(draft, document)
    known = known_datasets(experiment.datasets, library, home)
    place = _Place(path, data_home(home), library)
    datasets = {name: _with_folder(name, known[name], experiment, place) for name in _used(experiment) if name in known}
    problems += [
        problem for name, dataset in datasets.items() for problem in _folder_problems(name, dataset, document, place)
    ]
    problems += _weights_problems(experiment, path, library, document)
    problems += authors_problems(experiment, path, library, document)
    problems += predictions_problems(experiment, path, document)
    problems += onnx_problems(experiment, path, document)
    problems += image_problems(experiment, library, document)
    problems += _inference_problems(experiment, document)
    problems += _overlap_problems(experiment, document)
    features, missing = _features(experiment, path, library, document)
    problems += missing
    if problems:
        raise spec_error(problems, path)
    entrants = tuple(
        entrant for choice in experiment.models for entrant in _entrants(choice, experiment, path, library)
    )
    return Resolved(experiment, path, entrants, datasets, features, library)


def _document(path: Path) -> Document | None:
    try:
        return read_document(path)
    except SpecError:
        return None


def _entrants(choice: AnyChoice, experiment: Experiment, path: Path, library: Library) -> Iterator[Entrant]:
    if isinstance(choice, PredictionsChoice):
        yield resolved_predictions(choice, experiment, path)
    elif isinstance(choice, OnnxChoice):
        yield resolved_onnx(choice, path)
    elif isinstance(choice, ProgramChoice):
        yield resolved_program(choice, library)
    elif isinstance(choice, AuthorsChoice):
        yield resolved_authors(choice, path)
    else:
        yield from _models(choice, experiment, path, library)


def _models(choice: ModelChoice, experiment: Experiment, path: Path, library: Library) -> Iterator[ResolvedModel]:
    """Yield the runs of a model: one, or one for every seed."""
    spec = library.model(choice.model)
    recipe = full_recipe(choice, library)
    paper, own = spec.paper_recipe.values, recipe.values
    overrides = {name: (paper.get(name), value) for name, value in own.items() if paper.get(name) != value}
    seeds = choice.seeds or (experiment.seed if choice.seed is None else choice.seed,)
    group = choice.label if choice.seeds else ""
    for label, seed in zip(choice.labels, seeds, strict=True):
        entry = None if choice.weights is None else choice.weights.entry
        yield ResolvedModel(label, spec, recipe, overrides, seed, _checkpoint(choice, path), entry, group)


def _checkpoint(choice: ModelChoice, path: Path) -> Path | None:
    if choice.weights is None:
        return None
    return Path(os.path.normpath(path.absolute().parent / choice.weights.checkpoint.expanduser()))


def _weights_problems(
    experiment: Experiment, path: Path, library: Library, document: Document | None
) -> Iterator[Problem]:
    for number, choice in enumerate(experiment.models):
        if not isinstance(choice, ModelChoice):
            continue
        checkpoint = _checkpoint(choice, path)
        if checkpoint is None:
            if experiment.train is None and choice.model in library.model_names:
                words = f"model {choice.label!r} is neither trained nor adopted"
                hint = "name a dataset under 'train:', or a checkpoint under the model's 'weights:'"
                yield Problem(words, place_of(document, ("models", number)), hint)
            continue
        place = place_of(document, ("models", number, "weights", "checkpoint"))
        wrong = checkpoint_problem(checkpoint)
        if wrong is not None:
            yield Problem(wrong, place, "correct the path; a relative path starts at the file that names it")
        shaping = library.model(choice.model).shaped_by if choice.model in library.model_names else ()
        if set(choice.recipe) - set(shaping):
            words = f"model {choice.label!r} adopts its weights: its recipe changes nothing"
            yield Problem(words, place_of(document, ("models", number, "recipe")), "leave the recipe out")


def _model_choices(experiment: Experiment) -> tuple[ModelChoice, ...]:
    return tuple(choice for choice in experiment.models if isinstance(choice, ModelChoice))


def _is_trained(experiment: Experiment) -> bool:
    """Whether some model is trained; where none is, the pictures to train on are not prepared."""
    return any(choice.weights is None for choice in _model_choices(experiment))


def _validation(experiment: Experiment) -> Validation | None:
    return experiment.train.validation if experiment.train is not None and _is_trained(experiment) else None


def _used(experiment: Experiment) -> tuple[str, ...]:
    train = experiment.train if _is_trained(experiment) else None
    trained = () if train is None else (train.synthetic, train.real, train.unaligned)
    validation = _validation(experiment)
    names = (*trained, *experiment.test, None if validation is None else validation.dataset)
    return tuple(dict.fromkeys(name for name in names if name is not None))


@dataclass(frozen=True)
class _Place:
    """Where relative folders start: the experiment's file, the data folder, and the files of the catalogue."""

    path: Path
    home: Path
    library: Library


def _with_folder(name: str, dataset: Dataset, experiment: Experiment, place: _Place) -> Dataset:
    """Return the dataset with an absolute folder; a relative one starts at the file that names it."""
    if isinstance(dataset, ScenesDataset):
        return dataset
    if dataset.folder is None:
        return dataset.model_copy(update={"folder": prepared_folder(name, place.home)})
    origin = place.path.absolute().parent if name in experiment.datasets else place.library.data_folder(name)
    folder = Path(os.path.normpath(origin / dataset.folder.expanduser()))
    return dataset.model_copy(update={"folder": folder})


def _folder_problems(name: str, dataset: Dataset, document: Document | None, origin: _Place) -> Iterator[Problem]:
    if isinstance(dataset, ScenesDataset):
        return
    folder = dataset.folder
    assert folder is not None  # `_with_folder` has filled it in
    place = place_of(document, ("datasets", name, "folder"))
    if isinstance(dataset, PreparedDataset) and not (folder / INDEX).is_file():
        yield _not_prepared(name, folder, document, origin)
    elif isinstance(dataset, PreparedDataset) and name in origin.library.catalogue and prepared_of(folder) != name:
        yield _prepared_of_another(name, folder, document)
    elif not folder.exists():
        hint = "create the folder or correct the path; a relative path starts at the file that names it"
        yield Problem(f"dataset {name!r}: there is no folder {str(folder)!r}", place, hint)
    elif not folder.is_dir():
        yield Problem(f"dataset {name!r}: {str(folder)!r} is a file", place, "name the folder that holds the pictures")
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield Problem(f"dataset {name!r}: {str(folder)!r} cannot be read", place, "check the folder's permissions")


def _prepared_of_another(name: str, folder: Path, document: Document | None) -> Problem:
    """Return the problem of other pictures under a published set's name, beside which its published numbers stand."""
    origin = prepared_of(folder)
    made = f"was prepared from {origin!r}" if origin else "was not prepared from its files"
    words = f"dataset {name!r} is one of the catalogue, and what lies in {str(folder)!r} {made}"
    hint = f"run: sirr-orch data prepare {name} --replace; other pictures need another name, which --as gives"
    return Problem(words, _place_of_name(name, document), hint)


def _not_prepared(name: str, folder: Path, document: Document | None, origin: _Place) -> Problem:
    """Return the problem of a prepared dataset that is not there, with the command that makes it."""
    home = origin.home
    known = origin.library.catalogue.get(name)
    if known is None or known.published is None or folder != prepared_folder(name, home):
        make = "make it with: sirr-orch data add PATH --name " + name
    elif known.published.files:
        make = f"run: sirr-orch data fetch {name}, then: sirr-orch data prepare {name}"
    else:
        make = f"run: sirr-orch data prepare {name} --from PATH   (sirr-orch data fetch {name} says what to download)"
    words = f"dataset {name!r} is not prepared: there is no {INDEX} in {str(folder)!r}"
    return Problem(words, _place_of_name(name, document), f"{make}; {DATA_VARIABLE} names the data folder ({home})")


def _place_of_name(name: str, document: Document | None) -> Place | None:
    """Return where the experiment names a dataset."""
    if document is None or not isinstance(document.data, dict):
        return None
    tests, train = document.data.get("test"), document.data.get("train")
    if isinstance(tests, list) and name in tests:
        return place_of(document, ("test", tests.index(name)))
    if isinstance(train, dict):
        return next((place_of(document, ("train", field)) for field, value in train.items() if value == name), None)
    return place_of(document, ("train",)) if train == name else None


def _inference_problems(experiment: Experiment, document: Document | None) -> Iterator[Problem]:
    inference = experiment.inference
    if inference.mode == "tiles" and inference.overlap * 2 > inference.tile:
        words = f"inference.overlap {inference.overlap} is more than half of inference.tile {inference.tile}"
        yield Problem(words, place_of(document, ("inference", "overlap")), "choose larger tiles or less overlap")


def _overlap_problems(experiment: Experiment, document: Document | None) -> Iterator[Problem]:
    if experiment.drop_overlap and experiment.accept_overlap is not None:
        words = "accept_overlap and drop_overlap exclude each other: what is dropped does not overlap"
        yield Problem(words, place_of(document, ("accept_overlap",)), "remove one of the two")


def _features(
    experiment: Experiment, path: Path, library: Library, document: Document | None
) -> tuple[dict[str, Path], list[Problem]]:
    """Return the pretrained files that the experiment needs, and a problem for each that is not there."""
    if experiment.features == "random":
        return {}, []
    folder = _features_folder(experiment, path)
    names = _features_needed(experiment, library)
    files = {name: folder / name for name in names} if folder else {}
    absent = [name for name in names if name not in files or not files[name].is_file()]
    # What a metric lacks is no mistake: its scores then read 'not measured' and why.
    missed = {metric.features for metric in metrics() if metric.features in absent}
    absent = [name for name in absent if name not in missed]
    files = {name: path for name, path in files.items() if name not in missed}
    location: Location = ("features_folder",) if experiment.features_folder else ("features",)
    return files, [_missing_feature(name, folder, place_of(document, location), library) for name in absent]


def _features_folder(experiment: Experiment, path: Path) -> Path | None:
    named = experiment.features_folder
    if named is not None:
        return Path(os.path.normpath(path.absolute().parent / named.expanduser()))
    return weights_folder()


def _features_needed(experiment: Experiment, library: Library) -> list[str]:
    names: list[str] = []
    for choice in _model_choices(experiment):
        try:
            spec = library.model(choice.model)
        except SpecError:
            continue
        if spec.sees_features or choice.weights is None:
            names += spec.features
    for protocol in experiment.protocols:
        try:
            chosen = chosen_metrics(protocol, experiment.metrics, library)
        except SpecError:
            continue  # an unknown or wrong one is told by itself
        names += [metric.features for metric in chosen if metric.features]
    return list(dict.fromkeys(names))


def _missing_feature(name: str, folder: Path | None, place: Place | None, library: Library) -> Problem:
    there = f"not in {str(folder)!r}" if folder else f"{FEATURES_VARIABLE} is not set"
    known = next((file for file in library.released_files if file.name == name), None)
    address = known.address if known is not None else "its authors' page"
    target = f"put it into {str(folder)!r}" if folder else f"put it into a folder and set {FEATURES_VARIABLE} to it"
    random = "'features: random' in a spec, '--features random' with adopt"
    hint = f"fetch {address} and {target}; or try things out without ({random})"
    return Problem(f"the pretrained weights {name!r}: {there}", place, hint)
