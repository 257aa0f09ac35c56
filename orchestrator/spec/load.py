"""Reads what users write, and what travels with the program."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from orchestrator.errors import SpecError
from orchestrator.spec.checks import Draft, name_problems
from orchestrator.spec.document import Document, place_of, read_document
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.library import (
    Library,
    Plugin,
    built_in,
    image_names,
    load_catalogue,
    load_image,
    load_model_spec,
    model_spec_names,
    plugins_of_experiment,
)
from orchestrator.spec.problems import Problem, spec_error
from orchestrator.spec.validation import validation_problems

__all__ = [
    "image_names",
    "load_catalogue",
    "load_experiment",
    "load_image",
    "load_model_spec",
    "model_spec_names",
]


def load_experiment(path: Path, home: Path | None = None, library: Library | None = None) -> Experiment:
    """Return the experiment of a YAML file.

    Where a field is wrong, names and recipes in the others are checked too, so that one look shows all mistakes; in a
    file without wrong fields that is left to `resolve`.

    Args:
        home: The data folder; None for the environment's, or the default.
        library: What can be named besides what the experiment's own plug-ins bring; None: what this project has.

    Raises:
        SpecError: Lists every mistake with file:line:column, the line and a caret.
    """
    document = read_document(path)
    try:
        return Experiment.model_validate(document.data)
    except ValidationError as error:
        problems = validation_problems(error, Experiment, document)
        plugins = plugins_of_experiment(_sound("plugins", document.data.get("plugins", ())) or (), path)
        try:
            known = (library or built_in()).extended(plugins)
        except SpecError as wrong:
            problems.append(_plugin_problem(wrong, plugins, document))
            raise spec_error(problems, path) from error
        problems += name_problems(_draft(document.data, home, known), document)
        raise spec_error(problems, path) from error


def experiment_library(experiment: Experiment, path: Path, library: Library | None = None) -> Library:
    """Return all that an experiment can name: what is known already, and what its own plug-ins bring.

    Args:
        path: The file it was read from; relative folders start there.
        library: What is known already; None: what this project has.

    Raises:
        SpecError: Where a plug-in is no such folder, or has a name that is taken; it shows the place in the file.
    """
    plugins = plugins_of_experiment(experiment.plugins, path)
    try:
        return (library or built_in()).extended(plugins)
    except SpecError as error:
        try:
            document = read_document(path)
        except SpecError:
            raise error from None
        raise spec_error([_plugin_problem(error, plugins, document)], path) from error


def _plugin_problem(error: SpecError, plugins: Sequence[Plugin], document: Document) -> Problem:
    """Return what is wrong with plug-ins as a mistake of the experiment that names them, with the file that is."""
    elsewhere = "" if error.where in {plugin.named_by for plugin in plugins} else f" ({error.where})"
    return Problem(error.message + elsewhere, place_of(document, ("plugins",)), error.hint)


def _draft(data: Mapping[str, Any], home: Path | None, library: Library) -> Draft:
    """Return what is right by itself in a faulty experiment."""
    models, test, datasets = (data.get(name) for name in ("models", "test", "datasets"))
    scores = {name: data.get(name) for name in ("metrics", "protocols")}
    named = {
        name: [_sound("test", [item], one=True) for item in found] if isinstance(found, list) else []
        for name, found in scores.items()
    }
    return Draft(
        models=[_sound("models", [item], one=True) for item in models] if isinstance(models, list) else [],
        train=_sound("train", data.get("train")),
        test=[_sound("test", [item], one=True) for item in test] if isinstance(test, list) else [],
        datasets={
            str(name): (_sound("datasets", {name: value}) or {}).get(name)
            for name, value in (datasets.items() if isinstance(datasets, dict) else ())
        },
        home=home,
        library=library,
        **named,
    )


def _sound(name: str, value: Any, *, one: bool = False) -> Any:
    """Return a field's value as its type, or None where it is wrong.

    Args:
        one: The only entry of a list.
    """
    field = Experiment.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, name, *field.metadata])  # type: ignore[arg-type]
    try:
        found = adapter.validate_python(value)
    except ValidationError:
        return None
    return found[0] if one else found
