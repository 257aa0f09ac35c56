"""The pictures of a prepared dataset, by its list."""

import json
from dataclasses import dataclass
from pathlib import Path

from stagekit import BadInput, StageContext


@dataclass(frozen=True)
class Item:
    """A picture of the dataset. blended: its path; size in pixels."""

    id: str
    blended: str
    height: int
    width: int

    @property
    def words(self) -> str:
        """The item as messages name it."""
        return f"{self.id} ({self.height} x {self.width} pixels)"

    @property
    def megapixels(self) -> float:
        """How large it is."""
        return self.height * self.width / 1e6


def read_items(context: StageContext) -> tuple[str, list[Item]]:
    """Return the name and the items of the prepared dataset."""
    path = Path(context.input("dataset", "dataset.json"))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name = str(document["name"])
        items = [Item(item["id"], item["blended"], item["height"], item["width"]) for item in document["items"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"the dataset has no blended pictures, or is no prepared dataset: {error!r}",
            "infer datasets of pairs or photos",
        ) from error
    if not items:
        raise BadInput(f"dataset {name!r} has no pictures", "put pictures into its folder")
    return name, items
