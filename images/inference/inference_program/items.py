"""The pictures of a prepared dataset, by its list."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from stagekit import BadInput, StageContext


@dataclass(frozen=True)
class Item:
    """A picture of the dataset. blended: its path; size in pixels.

    alpha: path of its transparency, None where it has none; kind: of file that results of a photograph become
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


def _item(
    *,
    id: str,  # noqa: A002 - as the file has it
    blended: str,
    height: int,
    width: int,
    alpha: str | None = None,
    kind: Literal["png", "tiff"] = "png",
    **_others: object,
) -> Item:
    return Item(id, blended, height, width, alpha, kind)


def read_items(context: StageContext) -> tuple[str, list[Item]]:
    """Return the name and the items of the prepared dataset."""
    path = Path(context.input("dataset", "dataset.json"))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name = str(document["name"])
        items = [_item(**item) for item in document["items"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"the dataset has no blended pictures, or is no prepared dataset: {error!r}",
            "infer datasets of pairs or photos",
        ) from error
    if not items:
        raise BadInput(f"dataset {name!r} has no pictures", "put pictures into its folder")
    return name, items
