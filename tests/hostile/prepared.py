"""A prepared dataset of one small picture, as stages that read datasets get it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.hostile.guarded import Place
from tests.photos.photo_files import HEIGHT, WIDTH, values, write_png


def write_prepared(place: Place, change: Callable[[Any], object] = lambda _document: None) -> Path:
    """Write it, after a change of its document, and return its folder."""
    folder = place.given / "dataset"
    (folder / "blended").mkdir(parents=True)
    write_png(folder / "blended" / "a.png", values(8, 3))
    item = {"id": "a", "blended": "blended/a.png", "height": HEIGHT, "width": WIDTH, "origin": "a.jpg", "notes": []}
    document = {"name": "small", "title": "Small", "role": "photos", "items": [item], "warnings": []}
    change(document)
    (folder / "dataset.json").write_text(json.dumps(document), encoding="utf-8")
    return folder
