"""`index.json`: the form of what a uniform dataset is told by; whoever wrote it is not trusted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from stagekit.results.form import BY_ID, ID, INSIDE, NOT_EMPTY, PIXELS, Form, Unknown

LAYERS = ("blended", "transmission", "reflection")


@dataclass(frozen=True)
class IndexPicture:
    """A picture file of a uniform dataset.

    Attributes:
        file: Its path in the dataset's folder.
        sha256: Of its content.
    """

    file: str = field(metadata=INSIDE)
    sha256: str = field(metadata=NOT_EMPTY)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class IndexItem:
    """A scene.

    Attributes:
        id: Unique in the dataset; files of later stages are called after it.
        height: Pixels.
        width: Pixels.
        origin: What the user's file was called.
        notes: What was done to its pictures.
        layers: Its pictures, by layer.
    """

    id: str = field(metadata=ID)
    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    origin: str
    notes: tuple[str, ...]
    layers: Mapping[str, IndexPicture]
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class IndexVariant:
    """Which form of a published dataset it is.

    Attributes:
        text: In words.
    """

    text: str
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class PreparedIndex(Form):
    """A uniform dataset.

    Attributes:
        role: 'pairs' are trained on and scored, 'layers' blended for training.
        items: Its scenes, in the order in which everything shows them.
        warnings: What a reader must know.
        variant: Which form of a published dataset it is.
    """

    FILE_NAME: ClassVar[str] = "index.json"

    role: Literal["layers", "pairs"]
    items: tuple[IndexItem, ...] = field(metadata=BY_ID)
    warnings: tuple[str, ...]
    variant: IndexVariant
    unknown: Unknown = field(default_factory=dict)

    def contradictions(self) -> Iterator[str]:
        """Yield which scenes have pictures of layers that there are none of, or none at all."""
        for item in self.items:
            other = sorted(set(item.layers) - set(LAYERS))
            if other or not item.layers:
                found = ", ".join(repr(name) for name in other) or "no layer"
                yield f"item {item.id!r} has {found}; layers are {', '.join(LAYERS)}"
