"""`dataset.json`: the pictures of a prepared dataset."""

from dataclasses import dataclass, field
from typing import ClassVar, Iterator, Literal, Mapping, Optional, Tuple

from stagekit.results.form import BY_ID, ID, INSIDE, NOT_EMPTY, PIXELS, Form, Unknown
from stagekit.results.left_out import LeftOut

Role = Literal["layers", "pairs", "photos"]
"""What a dataset holds: unpaired layers, pairs with truth, or photographs without truth."""

NEEDED_LAYERS: Mapping[str, Tuple[str, ...]] = {
    "layers": (),
    "pairs": ("blended", "transmission"),
    "photos": ("blended",),
}
"""Which pictures every item of a role has."""


@dataclass(frozen=True)
class DatasetItem:
    """A picture of a dataset, or several that belong together.

    Attributes:
        id: Unique in the dataset; files of later stages are called after it.
        height: Pixels.
        width: Pixels.
        origin: What the user's file is called.
        notes: What was done to the picture, such as 'was grey'.
        blended: The picture with its reflection, a PNG file.
        transmission: The scene without the reflection.
        reflection: The reflection alone.
        alpha: A photograph's transparency, grey, kept apart.
        bits: Depth of a value in these files.
        kind: Which kind of file results of a photograph become.
    """

    id: str = field(metadata=ID)
    height: int = field(metadata=PIXELS)
    width: int = field(metadata=PIXELS)
    origin: str = ""
    notes: Tuple[str, ...] = ()
    blended: Optional[str] = field(default=None, metadata=INSIDE)
    transmission: Optional[str] = field(default=None, metadata=INSIDE)
    reflection: Optional[str] = field(default=None, metadata=INSIDE)
    alpha: Optional[str] = field(default=None, metadata=INSIDE)
    bits: Literal[8, 16] = 8
    kind: Literal["png", "tiff"] = "png"
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetFile(Form):
    """A prepared dataset, written by `prepare`.

    Attributes:
        name: As the experiment calls it.
        role: 'pairs' are trained on and scored, 'photos' shown, 'layers' blended for training.
        items: In the order in which everything shows them.
        title: For people.
        warnings: What a reader must know, such as files that were left out.
        variant: Which form of a published dataset it is, in words; empty where it has no forms.
        left_out: Files of the user that could not be used, where the stage was told to go on without them.
    """

    FILE_NAME: ClassVar[str] = "dataset.json"

    name: str = field(metadata=NOT_EMPTY)
    role: Role
    items: Tuple[DatasetItem, ...] = field(metadata=BY_ID)
    title: str = ""
    warnings: Tuple[str, ...] = ()
    variant: str = ""
    left_out: Optional[Tuple[LeftOut, ...]] = None
    unknown: Unknown = field(default_factory=dict)

    def contradictions(self) -> Iterator[str]:
        """Yield which items lack a picture that their role needs."""
        for item in self.items:
            lacking = [layer for layer in NEEDED_LAYERS[self.role] if getattr(item, layer) is None]
            if lacking:
                yield "item %r of role %r has no %s picture" % (item.id, self.role, " and no ".join(lacking))
