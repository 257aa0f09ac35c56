"""What travels with this project: model and program specs, image descriptions and the dataset catalogue."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import SpecError
from orchestrator.resources import data_folder, images_folder, model_specs_folder, program_specs_folder
from orchestrator.spec.dataset import CatalogueEntry
from orchestrator.spec.document import read_document
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.problems import Problem, listed, spec_error, suggestion
from orchestrator.spec.program import ProgramSpec
from orchestrator.spec.validation import validated

_Spec = TypeVar("_Spec", ModelSpec, ProgramSpec)


@cache
def model_spec_names() -> tuple[str, ...]:
    """Return the names of all model specs, sorted."""
    return tuple(sorted(path.stem for path in model_specs_folder().glob("*.yaml")))


@cache
def load_model_spec(name: str) -> ModelSpec:
    """Return one model spec.

    Raises:
        SpecError: Where there is none of this name, or the file is wrong.
    """
    _check_known("model", name, model_spec_names())
    return _loaded(ModelSpec, model_specs_folder() / f"{name}.yaml")


@cache
def program_spec_names() -> tuple[str, ...]:
    """Return the names of all program specs, sorted."""
    return tuple(sorted(path.stem for path in program_specs_folder().glob("*.yaml")))


@cache
def load_program_spec(name: str) -> ProgramSpec:
    """Return one program spec.

    Raises:
        SpecError: Where there is none of this name, or the file is wrong.
    """
    _check_known("program", name, program_spec_names())
    return _loaded(ProgramSpec, program_specs_folder() / f"{name}.yaml")


@cache
def image_names() -> tuple[str, ...]:
    """Return the names of all images, sorted."""
    return tuple(sorted(path.parent.name for path in images_folder().glob("*/image.yaml")))


@cache
def load_image(name: str) -> ImageSpec:
    """Return the description of one image.

    Raises:
        SpecError: Where there is none of this name, or the file is wrong.
    """
    path = images_folder() / name / "image.yaml"
    _check_known("image", name, image_names())
    image = validated(ImageSpec, read_document(path))
    _check_name(image.name, path.parent)
    return image


@cache
def load_catalogue() -> dict[str, CatalogueEntry]:
    """Return the dataset catalogue, by name. The result is shared: do not change it.

    Raises:
        SpecError: Where a file is wrong.
    """
    entries = {}
    for path in sorted(data_folder().glob("*.yaml")):
        entry = validated(CatalogueEntry, read_document(path))
        _check_name(entry.name, path)
        entries[entry.name] = entry
    return entries


def _loaded(kind: type[_Spec], path: Path) -> _Spec:
    spec = validated(kind, read_document(path))
    _check_name(spec.name, path)
    return spec


def _check_known(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise SpecError(f"there is no {kind} {name!r}{suggestion(name, known)}", hint=f"choose {listed(known)}")


def _check_name(name: str, path: Path) -> None:
    if name not in {path.stem, path.name}:
        raise spec_error([Problem(f"the name {name!r} differs from the file's name {path.stem!r}")], path)
