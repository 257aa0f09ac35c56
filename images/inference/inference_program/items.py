"""The pictures of a prepared dataset, by its list."""

from dataclasses import dataclass
from typing import Literal

from orchestrator.photos.photo import MOST_PIXELS
from stagekit import BadInput, StageContext
from stagekit.results.dataset import DatasetFile


@dataclass(frozen=True)
class Item:
    """A picture of the dataset, with its size in pixels.

    Attributes:
        blended: Its path.
        alpha: Path of its transparency, None where it has none.
        kind: Of file that results of a photograph become.
    """

    id: str
    blended: str
    height: int
    width: int
    alpha: str | None = None
    kind: Literal["png", "tiff"] = "png"

    @property
    def words(self) -> str:
        """The item as messages name it."""
        return f"{self.id} ({self.height} x {self.width} pixels)"

    @property
    def megapixels(self) -> float:
        """How large it is."""
        return self.height * self.width / 1e6


def read_items(context: StageContext) -> tuple[str, list[Item]]:
    """Return the name and the items of the prepared dataset.

    Raises:
        BadInput: where it is not as it should be, has no pictures, none with a reflection in them, or one that is too
            large.
    """
    dataset = DatasetFile.load(context.input("dataset"))
    items = [
        Item(item.id, item.blended, item.height, item.width, item.alpha, item.kind)
        for item in dataset.items
        if item.blended is not None
    ]
    if len(items) < len(dataset.items):
        raise BadInput("the dataset has no blended pictures", "infer datasets of pairs or photos")
    if not items:
        raise BadInput(f"dataset {dataset.name!r} has no pictures", "put pictures into its folder")
    large = next((item for item in items if item.height * item.width > MOST_PIXELS), None)
    if large is not None:
        raise BadInput(
            f"picture {large.words} is too large: {MOST_PIXELS / 1e6:.0f} million pixels are the most",
            "prepare the dataset again",
        )
    return dataset.name, items
