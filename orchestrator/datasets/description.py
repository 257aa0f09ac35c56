"""What a stage's settings say about a dataset, as types."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from stagekit import BadInput


@dataclass(frozen=True)
class SceneDescription:
    """A rectangle of one of scikit-image's photographs, in pixels."""

    picture: str
    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class ScenesDescription:
    """Rectangles to be blended in the way of `blend`, or, where that is None, to be left as layers."""

    transmissions: tuple[SceneDescription, ...]
    reflections: tuple[SceneDescription, ...]
    blend: str | None
    seed: int


@dataclass(frozen=True)
class PairsDescription:
    """Patterns of blended pictures and their layers; {id} tells which belong together."""

    blended: str
    transmission: str
    reflection: str | None


@dataclass(frozen=True)
class LayersDescription:
    """Patterns of clean photographs, and of those that are only reflected."""

    pictures: str
    reflections: str | None


@dataclass(frozen=True)
class PhotosDescription:
    """Pattern of photographs without truth."""

    pictures: str


@dataclass(frozen=True)
class UniformDescription:
    """A folder that is uniform already, as its ``index.json`` says."""

    role: str


FolderDescription = PairsDescription | LayersDescription | PhotosDescription | UniformDescription
"""Of what lies in a folder of the user's."""

Description = ScenesDescription | FolderDescription

_KINDS: Mapping[
    str,
    type[ScenesDescription]
    | type[PairsDescription]
    | type[LayersDescription]
    | type[PhotosDescription]
    | type[UniformDescription],
] = {
    "scenes": ScenesDescription,
    "pairs": PairsDescription,
    "layers": LayersDescription,
    "photos": PhotosDescription,
    "prepared": UniformDescription,
}
_T = TypeVar("_T")


def dataset_description(settings: Mapping[str, Any]) -> Description:
    """Return the description in a stage's setting `dataset`.

    Raises:
        BadInput: Where its kind is unknown or a field is missing.
    """
    kind = str(settings.get("kind"))
    if kind not in _KINDS:
        raise BadInput(f"dataset has the kind {kind!r}; known are {', '.join(_KINDS)}")
    chosen = dict(settings)
    for name in ("transmissions", "reflections"):
        if kind == "scenes":
            chosen[name] = tuple(_taken(SceneDescription, scene, "scene") for scene in chosen.get(name, ()))
    return _taken(_KINDS[kind], chosen, f"dataset of kind {kind!r}")


def _taken(cls: type[_T], values: Mapping[str, Any], what: str) -> _T:
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    missing = [name for name in names if name not in values]
    if missing:
        raise BadInput(f"{what} has no {', '.join(missing)}", "use an image built with this orchestrator's version")
    return cls(**{name: values[name] for name in names})
