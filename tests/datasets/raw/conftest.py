"""A data folder of the test's own, and datasets prepared into it through the commands' functions."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.execute.data import PrepareRequest, Reporter, prepare_set
from orchestrator.spec.prepared import prepared_folder


@dataclass(frozen=True)
class PreparedSet:
    """What a preparation left."""

    folder: Path
    index: dict[str, Any]
    text: str

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.index["items"]]

    def item(self, name: str) -> dict[str, Any]:
        return next(item for item in self.index["items"] if item["id"] == name)

    def pixels(self, name: str, layer: str) -> np.ndarray:
        with Image.open(self.folder / self.item(name)["layers"][layer]["file"]) as picture:
            assert (picture.format, picture.mode) == ("PNG", "RGB")
            return np.array(picture)


@pytest.fixture
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder; nothing is in it."""
    home = tmp_path / "data"
    monkeypatch.setenv("SIRR_DATA", str(home))
    return home


def left(name: str, text: str = "") -> PreparedSet:
    """Return a prepared set by name."""
    folder = prepared_folder(name)
    return PreparedSet(folder, json.loads((folder / "index.json").read_text(encoding="utf-8")), text)


@pytest.fixture
def prepared(data_home: Path) -> Callable[..., PreparedSet]:
    """Return a function that prepares a published set from a raw folder."""

    def prepare(name: str, source: Path | None, **wishes: Any) -> PreparedSet:
        variant = prepare_set(PrepareRequest(name, source, **wishes), Reporter())
        return left(wishes.get("called") or name, variant.text)

    return prepare
