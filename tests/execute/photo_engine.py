"""An engine that answers to every picture with its bytes, so that a test can tell whose result a file is."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import Selection
from orchestrator.execute import build
from stagekit import StageContext
from tests.engine.fake import FakeEngine, Faults

TRANSMISSION, REFLECTION = b"transmission of ", b"reflection of "


@contextlib.contextmanager
def photo_engine() -> Iterator[FakeEngine]:
    """Stand in for every engine while the block runs."""
    made = FakeEngine({"prepare": prepare, "infer": infer, "explain": explain, "release": release}, Faults())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "chosen_engine", lambda _name, _store: Selection(made, "engine: fake"))
        patch.setattr(
            build,
            "built_environments",
            lambda names, *_: {name: Environment("local", name, "0" * 64, "python") for name in names},
        )
        yield made


def prepare(context: StageContext) -> None:
    source = Path(context.input("source"))
    items = []
    for path, identifier in zip(sorted(source.iterdir()), safe_identifiers(sorted(os.listdir(source))), strict=True):
        Path(context.output("blended", identifier)).write_bytes(path.read_bytes())
        kind = "tiff" if path.read_bytes()[:4] == b"II*\0" else "png"
        items.append({**_item(identifier, path.name), "blended": f"blended/{identifier}", "kind": kind})
    _write(context, "dataset.json", {"name": "photos", "title": "", "role": "photos", "items": items})


def infer(context: StageContext) -> None:
    items = []
    for item in json.loads(Path(context.input("dataset", "dataset.json")).read_bytes())["items"]:
        blended = Path(context.input("dataset", item["blended"])).read_bytes()
        suffix = "tif" if item.get("kind") == "tiff" else "png"
        said = {"id": item["id"], "height": 3, "width": 4, "min": 0, "max": 1, "seconds": 1}
        for layer, words in (("transmission", TRANSMISSION), ("reflection", REFLECTION)):
            said[layer] = f"{layer}/{item['id']}.{suffix}"
            Path(context.output(said[layer])).write_bytes(words + blended)
            if context.request.settings.get("arrays"):
                Path(context.output("arrays", f"{item['id']}.{layer}.npy")).write_bytes(words + blended)
        items.append(said)
    head = {"model": "m", "dataset": "photos", "mode": "exact", "label": "exact", "runtime": {}}
    _write(context, "predictions.json", {**head, "items": items})


def explain(context: StageContext) -> None:
    _write(context, "plan.json", {"sizes": []})


def release(context: StageContext) -> None:
    Path(context.output("weights.pt")).write_bytes(b"released")
    _write(context, "release.json", {"files": ["weights.pt"], "notes": []})


def _item(identifier: str, origin: str) -> dict[str, object]:
    return {"id": identifier, "height": 3, "width": 4, "origin": origin}


def _write(context: StageContext, name: str, document: object) -> None:
    Path(context.output(name)).write_text(json.dumps(document), encoding="utf-8")
