"""What a dataset is: where its pictures come from and what they are."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.numbers import Offset, Pixels, Seed
from orchestrator.spec.published import Published

Synthesis = Literal["zhang", "errnet", "ibcln"]
"""The three published ways of blending a transmission and a reflection."""

DatasetRole = Literal["layers", "pairs", "photos"]
"""What a prepared dataset holds: unpaired layers to blend, pairs with truth, or photographs without truth."""


def _inside(pattern: str) -> str:
    if not pattern or pattern.startswith("/") or ".." in PurePosixPath(pattern).parts:
        raise ValueError(f"pattern {pattern!r} does not lie inside the folder: write it relative to it, without '..'")
    return pattern


def _with_id(pattern: str) -> str:
    if "{id}" not in pattern:
        raise ValueError(f"pattern {pattern!r} has no {{id}}: put it where the name of the pair is, as in '{{id}}.*'")
    return pattern


Pattern = Annotated[str, AfterValidator(_inside)]
"""Of files inside of a folder."""

PairPattern = Annotated[Pattern, AfterValidator(_with_id)]
"""The same, with {id} where the name of the pair is."""


class Scene(StrictModel):
    """A rectangle of one photograph."""

    picture: str
    """File name of the photograph inside the source, such as 'coffee.png'."""
    top: Offset
    """First row of the rectangle, in pixels."""
    left: Offset
    """First column of the rectangle, in pixels."""
    height: Pixels
    """Rows."""
    width: Pixels
    """Columns."""


class _Described(StrictModel):
    title: str = ""
    """What the report calls the dataset; the name where empty."""
    source: str = ""
    """Where the pictures come from: address, paper, licence. Shown in the report."""


class ScenesDataset(_Described):
    """Rectangles of the photographs that scikit-image carries in its package, blended or left as layers."""

    kind: Literal["scenes"]
    """Always 'scenes'."""
    transmissions: tuple[Scene, ...] = Field(min_length=1)
    """The scenes behind the glass."""
    reflections: tuple[Scene, ...] = Field(min_length=1)
    """The scenes that are reflected; the n-th is blended with the n-th transmission, starting over at the end."""
    blend: Synthesis | None = None
    """How the pairs are blended; None leaves them unpaired, for training."""
    seed: Seed = 0
    """Seed of the blending's random draws."""


class PairsDataset(_Described):
    """A folder of blended pictures with their transmission and, where known, their reflection."""

    kind: Literal["pairs"]
    """Always 'pairs'."""
    folder: Path
    """Where the pictures lie; a relative path starts at the file that names it."""
    blended: PairPattern = "blended/{id}.*"
    """Pattern of the blended pictures inside the folder; {id} names the pair."""
    transmission: PairPattern = "transmission/{id}.*"
    """Pattern of the transmissions."""
    reflection: PairPattern | None = None
    """Pattern of the reflections; None where the dataset has none."""

    @model_validator(mode="after")
    def _of_different_files(self) -> "PairsDataset":
        patterns = {"blended": self.blended, "transmission": self.transmission, "reflection": self.reflection}
        first: dict[str | None, str] = {}
        for part, pattern in patterns.items():
            if pattern is not None and first.setdefault(pattern, part) != part:
                raise ValueError(f"{first[pattern]} and {part} have one pattern, {pattern!r}: they are different files")
        return self


class LayersDataset(_Described):
    """A folder of clean photographs from which training pairs are blended."""

    kind: Literal["layers"]
    """Always 'layers'."""
    folder: Path
    """Where the pictures lie; a relative path starts at the file that names it."""
    pictures: Pattern = "*.*"
    """Pattern of the pictures; they serve as transmissions and, unless `reflections` is given, as reflections too."""
    reflections: Pattern | None = None
    """Pattern of the pictures that serve as reflections only."""


class PhotosDataset(_Described):
    """A folder of photographs with reflections and without truth: compared by eye, never scored."""

    kind: Literal["photos"]
    """Always 'photos'."""
    folder: Path
    """Where the pictures lie; a relative path starts at the file that names it."""
    pictures: Pattern = "*.*"
    """Pattern of the photographs."""


class PreparedDataset(_Described):
    """A dataset that `sirr-orch data prepare` or `sirr-orch data add` has made uniform already."""

    kind: Literal["prepared"]
    """Always 'prepared'."""
    role: Literal["layers", "pairs"]
    """What it holds."""
    folder: Path | None = None
    """Where it lies; None: in the data folder, under its name. A relative path starts at the file that names it."""


Dataset = Annotated[
    ScenesDataset | PairsDataset | LayersDataset | PhotosDataset | PreparedDataset, Field(discriminator="kind")
]


def dataset_role(dataset: Dataset) -> DatasetRole:
    """Return what the prepared dataset will hold."""
    match dataset:
        case PreparedDataset(role=role):
            return role
        case ScenesDataset(blend=None) | LayersDataset():
            return "layers"
        case ScenesDataset() | PairsDataset():
            return "pairs"
        case PhotosDataset():
            return "photos"


class CatalogueEntry(StrictModel):
    """One file of the dataset catalogue, data/*.yaml."""

    name: Name
    """How experiments name the dataset; equals the file's name."""
    dataset: Dataset
    """What it is."""
    published: Published | None = None
    """What is known of its raw files; None for what needs none."""
