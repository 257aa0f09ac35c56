"""What an image is: a pinned software environment, described by images/<name>/image.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.names import StageKind
from orchestrator.spec.numbers import Count

Variant = Literal["cpu", "cuda"]
"""Which hash-locked requirements an image is built from."""


_Module = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
_File = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]


@dataclass(frozen=True)
class RecordedRecipe:
    """What an image was made of when a run used it: enough to find it where it is built.

    Attributes:
        recipe: Its recipe hash.
        lock: The hash of its lock.
        packages: Name to version of everything that the lock pins.
    """

    recipe: str
    lock: str
    packages: Mapping[str, str]


class VariantSpec(StrictModel):
    """One variant of an image."""

    base: str
    """The default base image; a site can put its own as a build argument."""
    requirements: _File
    """File name of the hash-locked requirements."""
    note: str = ""
    """What a user must know about this variant, such as a pairing that the framework's authors do not test."""


class ImageSpec(StrictModel):
    """One file images/<name>/image.yaml."""

    name: Name
    """Names the folder, the image and its module."""
    title: str
    """What it holds, in one line."""
    python: str = Field(pattern=r"^3\.\d+$")
    """Minor version of the interpreter, such as '3.8'."""
    module: _Module
    """Module that is run with the path of stage.json: python -m MODULE."""
    code: tuple[_Module, ...] = Field(min_length=1)
    """Packages that are copied into the image: 'stagekit', 'netkit', the image's own, 'orchestrator.infer', …"""
    without: tuple[_Module, ...] = ()
    """Packages inside those that are not copied, as they run beside the orchestrator and need what it needs."""
    kinds: tuple[StageKind, ...] = Field(min_length=1)
    """The stages that its program runs."""
    behaviours: dict[StageKind, Count] = Field(default_factory=dict)
    """Stage kind to the version of its behaviour, raised where the same stage would give other results. It stands in
    keys. A kind without one has the hash of the image's code in its keys: every change of the code runs it again."""
    pinned_threads: tuple[StageKind, ...] = ()
    """The kinds whose bits depend on the number of processor threads: it is in their keys, and the same everywhere."""
    pinned_memory: tuple[StageKind, ...] = ()
    """The kinds whose bits depend on the memory that they may use, such as inference, whose tiles follow from it: the
    budget is in their keys."""
    variants: dict[Variant, VariantSpec] = Field(min_length=1)
    """The locks it can be built from."""

    _folder: Path | None = PrivateAttr(default=None)
    _recorded: Mapping[str, RecordedRecipe] = PrivateAttr(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """The folder of a plug-in's image; None for one of this project."""
        return self._folder

    @property
    def recorded(self) -> Mapping[str, RecordedRecipe]:
        """Of an image whose files are gone, what a run recorded of it, by variant; else empty."""
        return self._recorded

    def placed(self, folder: Path) -> "ImageSpec":
        """Return the image of a plug-in, whose files lie in a folder."""
        copy = self.model_copy()
        copy._folder = folder
        return copy

    def as_recorded(self, recipes: Mapping[str, RecordedRecipe]) -> "ImageSpec":
        """Return the image as a run recorded it; it can be found where it is built, and not be built."""
        copy = self.model_copy()
        copy._recorded = dict(recipes)
        return copy

    @model_validator(mode="after")
    def _only_its_own_kinds(self) -> "ImageSpec":
        named = {
            "behaviours": self.behaviours,
            "pinned_threads": self.pinned_threads,
            "pinned_memory": self.pinned_memory,
        }
        for field, kinds in named.items():
            unknown = sorted(set(kinds) - set(self.kinds))
            if unknown:
                raise ValueError(f"{field} names {', '.join(unknown)}, which is not among its kinds")
        return self
