"""An engine that answers to every picture with its bytes, so that a test can tell whose result a file is.

A picture that begins with DAMAGED cannot be prepared, one with REFUSED not be taken through the network; at one with
STOPPER the stage ends badly, until a file `go-on` lies in the folder where the command was typed.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.engine.protocol import Environment
from orchestrator.engine.select import Selection
from orchestrator.execute import build
from stagekit import BadInput, StageContext, StageError
from tests.engine.fake import FakeEngine, Faults, Handler

TRANSMISSION, REFLECTION = b"transmission of ", b"reflection of "
NOTES = ["turned upright", "first of 3 frames"]
DAMAGED, REFUSED, STOPPER = b"damaged", b"refused", b"stopper"


@contextlib.contextmanager
def photo_engine(others: Mapping[str, Handler] | None = None) -> Iterator[FakeEngine]:
    """Stand in for every engine while the block runs.

    others: programs of kinds of stages that answer otherwise
    """
    kinds = {"prepare": prepare, "wrap": wrap, "infer": infer, "explain": explain, "release": release}
    made = FakeEngine({**kinds, "predict": predict, "finish": finish, **(others or {})}, Faults())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "chosen_engine", lambda _name, _store: Selection(made, "engine: fake"))
        patch.setattr(
            build,
            "built_environments",
            lambda images, *_: {image.name: Environment("local", image.name, "0" * 64, "python") for image in images},
        )
        yield made


def ran(engine: FakeEngine) -> list[str]:
    """Return the stages that ran, without trials of the network for a hint."""
    return [stage for stage in engine.started if not stage.startswith("wrap/")]


def prepare(context: StageContext) -> None:
    source = Path(context.input("source"))
    items, left_out = [], []
    for path, identifier in zip(sorted(source.iterdir()), safe_identifiers(sorted(os.listdir(source))), strict=True):
        content = path.read_bytes()
        if content.startswith(DAMAGED):
            left_out.append({"name": path.name, "reason": "is damaged"})
            continue
        Path(context.output("blended", identifier)).write_bytes(content)
        kind = "tiff" if content[:4] == b"II*\0" else "png"
        items.append({**_item(identifier, path.name), "blended": f"blended/{identifier}", "kind": kind})
    if not items:
        raise BadInput("no picture can be used")
    document = {"name": "photos", "title": "", "role": "photos", "items": items, "left_out": left_out}
    _write(context.output("dataset.json"), document)


def wrap(context: StageContext) -> None:
    """Find nothing that would have to be said of a network's file."""
    for name in ("network.onnx", "wrap.json"):
        Path(context.output(name)).write_bytes(b"{}")


def infer(context: StageContext) -> None:
    head = {"model": "m", "dataset": "photos", "mode": "exact", "label": "exact", "runtime": {}}
    items, failed = [], []
    for item in json.loads(Path(context.input("dataset", "dataset.json")).read_bytes())["items"]:
        blended = Path(context.input("dataset", item["blended"])).read_bytes()
        if blended.startswith(REFUSED):
            failed.append({"name": item["id"], "reason": "gave no result"})
            continue
        if blended.startswith(STOPPER) and not Path("go-on").exists():
            raise StageError("the stage was struck")
        suffix = "tif" if item.get("kind") == "tiff" else "png"
        said = {"id": item["id"], "height": 3, "width": 4, "min": 0, "max": 1, "seconds": 1}
        for layer, words in (("transmission", TRANSMISSION), ("reflection", REFLECTION)):
            said[layer] = f"{layer}/{item['id']}.{suffix}"
            Path(context.output(said[layer])).write_bytes(words + blended)
            if context.request.settings.get("arrays"):
                Path(context.output("arrays", f"{item['id']}.{layer}.npy")).write_bytes(words + blended)
        items.append(said)
        _write(context.work("predictions.json"), {**head, "items": items})
        context.progress(len(items), 9, "pictures")
    _write(context.output("predictions.json"), {**head, "items": items, "failed": failed})


def predict(context: StageContext) -> None:
    """Answer a dataset as programs do: all of it or nothing, without kinds of files."""
    items = []
    for item in json.loads(Path(context.input("dataset", "dataset.json")).read_bytes())["items"]:
        blended = Path(context.input("dataset", item["blended"])).read_bytes()
        if blended.startswith(REFUSED):
            raise BadInput("the program refused a picture")
        if blended.startswith(STOPPER) and not Path("go-on").exists():
            raise StageError("the stage was struck")
        path = f"transmission/{item['id']}.png"
        Path(context.output(path)).write_bytes(TRANSMISSION + blended)
        items.append({"id": item["id"], "height": 3, "width": 4, "min": 0, "max": 1, "transmission": path})
    head = {"model": "m", "dataset": "photos", "mode": "whole", "label": "exact", "runtime": {}}
    _write(context.output("predictions.json"), {**head, "items": items})


def finish(context: StageContext) -> None:
    kinds = {
        item["id"]: item["kind"]
        for item in json.loads(Path(context.input("dataset", "dataset.json")).read_bytes())["items"]
    }
    document = json.loads(Path(context.input("predictions", "predictions.json")).read_bytes())
    for item in document["items"]:
        answer = Path(context.input("predictions", item["transmission"])).read_bytes()
        item["transmission"] = f"transmission/{item['id']}.{'tif' if kinds[item['id']] == 'tiff' else 'png'}"
        Path(context.output(item["transmission"])).write_bytes(answer)
    _write(context.output("predictions.json"), document)


def explain(context: StageContext) -> None:
    _write(context.output("plan.json"), {"sizes": []})


def release(context: StageContext) -> None:
    Path(context.output("weights.pt")).write_bytes(b"released")
    _write(context.output("release.json"), {"files": ["weights.pt"], "notes": []})


def _item(identifier: str, origin: str) -> dict[str, object]:
    return {"id": identifier, "height": 3, "width": 4, "origin": origin, "notes": NOTES}


def _write(path: str, document: object) -> None:
    Path(path).write_text(json.dumps(document), encoding="utf-8")
