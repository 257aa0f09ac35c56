"""A run that was never computed: a spec, and a store that holds an artifact of the right form for every stage."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from orchestrator.execute.command import RunRequest, planned, recorded_overrides
from orchestrator.execute.comparison import Comparison
from orchestrator.execute.events import Planned, StateChanged, recorder
from orchestrator.execute.run import RunOptions
from orchestrator.execute.run_record import DocumentWriter, planned_document
from orchestrator.plan.keys import Identity, stage_identity
from orchestrator.plan.stage import Stage
from orchestrator.spec.names import StageKind
from orchestrator.store.runs import start_run
from orchestrator.store.store import Artifact, Store
from stagekit import StageContext

SPEC = """\
name: {name}
models:
  - {{model: errnet2019, recipe: {{epochs: {epochs}, weight_vgg: 0.2}}}}
  - {{model: ibcln2020, name: taken, weights: {{checkpoint: released.pth}}}}
features: random
metrics: [psnr]
test: [skimage-test]
train: {{synthetic: skimage-train}}
memory: 4GiB
seed: {seed}
"""

SIZE = (31, 47)
FACTS = {
    "engine": "local",
    "recipe": "0" * 64,
    "environment": {"reference": "local environment", "python": "3.11.9"},
    "started": 1_760_000_000.0,
    "seconds": 12.5,
    "warnings": ["a warning of the stage"],
    "memory": {"every_s": 0.5, "bytes": [2**28, 2**29, 2**28], "budget_bytes": 4 * 2**30},
}

Files = Mapping[str, Any]


def picture(seed: int) -> np.ndarray:
    """Return a picture, uint8, (H, W, 3): noise over a gradient."""
    height, width = SIZE
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    return (noise + np.linspace(0, 190, width)[None, :, None]).astype(np.uint8)


def keep_run(
    store: Store,
    folder: Path,
    *,
    name: str = "first",
    epochs: int = 5,
    seed: int = 3,
    better: float = 0.0,
    leave: str = "",
    unmeasured: str = "",
    file: str = "",
) -> Comparison:
    """Write a spec into the folder and keep a result of each of its stages; return it with their identities.

    better: added to every PSNR of the networks; leave: begin of the names of stages that get no result; unmeasured: the
    entrant that has a reason in place of every score; file: what the user's own file of the picture 'two' is called
    """
    (folder / "released.pth").write_bytes(b"weights")
    spec = folder / f"{name}.yaml"
    spec.write_text(SPEC.format(name=name, epochs=epochs, seed=seed), encoding="utf-8")
    return keep(RunRequest(spec, store.root), store, better=better, leave=leave, unmeasured=unmeasured, file=file)


def keep(
    request: RunRequest,
    store: Store,
    *,
    better: float = 0.0,
    leave: str = "",
    unmeasured: str = "",
    file: str = "",
    left_out: Mapping[str, str] | None = None,
) -> Comparison:
    """Keep a result of each stage of what was asked for, as `keep_run` does.

    left_out: of every folder of photographs, what is said of a file that could not be used
    """
    comparison = planned(request)
    record = recorder(store.run(comparison.resolved.experiment.name))
    document = planned_document(comparison, recorded_overrides(request, RunOptions()))
    writer = DocumentWriter(store, start_run(store, document))
    record(Planned(tuple(stage.name for stage in comparison.plan.stages), {}))
    artifacts: dict[str, Artifact] = {}
    identities: dict[str, Identity] = {}
    for stage in comparison.plan.stages:
        if any(needed not in artifacts for needed in stage.inputs.values()):
            continue
        results = {needed: artifacts[needed].digests for needed in stage.inputs.values()}
        identity = identities[stage.name] = stage_identity(stage, comparison.programs[stage.image], results)
        for listen in (record, writer.listen):
            listen(StateChanged(stage.name, "running", {"key": identity.key}))
        if leave and stage.name.startswith(leave):
            continue
        artifacts[stage.name] = store.artifact(identity.key) or _kept(
            stage, identity, store, better, unmeasured, file, left_out
        )
        writer.listen(StateChanged(stage.name, "done", {"key": identity.key}))
    return replace(comparison, identities=identities)


def _kept(
    stage: Stage,
    identity: Identity,
    store: Store,
    better: float,
    unmeasured: str,
    file: str,
    left_out: Mapping[str, str] | None = None,
) -> Artifact:
    # Every result has a content of its own, as weights have: what reads it is another stage then, too.
    files = {**_FILES[stage.kind](stage, better), "made-of.txt": identity.key.encode()}
    if stage.kind == "prepare" and file:
        files["dataset.json"]["items"][1]["origin"] = file
    if stage.settings.get("each_alone") and stage.kind == "prepare" and left_out:
        files["dataset.json"]["left_out"] = [left_out]
    if stage.kind == "evaluate" and stage.name.split("/")[1] == unmeasured:
        for item in files["scores.json"]["items"]:
            item.update({metric: {"not_measured": "it has no such picture"} for metric in stage.settings["metrics"]})
    output = store.staging(identity.key) / "output"
    for path, content in files.items():
        _write(output / path, content)
    return store.commit(identity, {**FACTS, "image": stage.image, "device": stage.device}, list(files))


def left_by(context: StageContext) -> None:
    """Leave what `keep_run` keeps, as the program of an image."""
    request = context.request
    stage = Stage(request.stage, cast(StageKind, request.kind), "", request.settings)
    for file, content in {**_FILES[request.kind](stage, 0.0), "made-of.txt": request.stage.encode()}.items():
        _write(Path(context.output(file)), content)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(json.dumps(content), encoding="utf-8")


def _dataset(stage: Stage, _better: float) -> Files:
    name = stage.name.split("/")[1]
    photos = stage.settings["dataset"]["kind"] == "photos"
    items, pictures = [], {}
    for index, item in enumerate(("one", "two", "three")):
        layers = ("blended",) if photos else ("blended", "transmission")
        files = {layer: f"{layer}/{index}.png" for layer in layers}
        items.append({"id": item, **files, "height": SIZE[0], "width": SIZE[1], "origin": f"{item}.png"})
        pictures |= {file: picture(index * 2 + number) for number, file in enumerate(files.values())}
    return {
        "dataset.json": {"name": name, "title": "", "role": "photos" if photos else "pairs", "items": items},
        **pictures,
    }


def _training(_stage: Stage, _better: float) -> Files:
    steps = [{"step": 1, "epoch": 0, "losses": {"pixel": 0.5}, "rate": 1e-4, "seconds": 0.5}]
    facts = {"steps": 1, "epochs": 1, "samples": 1, "seconds": 9.0, "features": "random", "parameters": 5}
    return {"curves.json": {"steps": steps}, "train.json": facts}


def _overlap(_stage: Stage, _better: float) -> Files:
    compared = {"name": "layers", "pictures": 3}
    found = {"action": "stop", "train": {"synthetic": compared}, "test": [compared], "overlaps": [], "dropped": {}}
    return {"overlap.json": found}


def _adoption(_stage: Stage, _better: float) -> Files:
    return {"adopt.json": {"format": "released", "tensors": 2, "parameters": 7}}


def _export(_stage: Stage, _better: float) -> Files:
    checks = [{"height": 8, "width": 9, "output": "transmission", "error": 2e-6}]
    facts = {"inputs": ["image"], "outputs": ["transmission"], "opset": 16, "tolerance": 1e-4}
    return {"network.onnx": b"onnx", "export.json": {**facts, "checks": checks, "native": "torch 1.12.1"}}


def _predictions(stage: Stage, _better: float) -> Files:
    _, label, dataset = stage.name.split("/")
    items, pictures = [], {}
    for index, item in enumerate(("one", "two", "three")):
        file = f"transmission/{index}.png"
        said = {"id": item, "transmission": file, "height": SIZE[0], "width": SIZE[1], "seconds": 0.25}
        items.append({**said, "min": 0.0, "max": 1.0})
        pictures[file] = picture(50 + index)
    head = {"model": label, "dataset": dataset, "mode": "exact", "label": "exact", "runtime": {"onnxruntime": "1.20"}}
    return {"predictions.json": {**head, "items": items}, **pictures}


def _scores(stage: Stage, better: float) -> Files:
    _, label, dataset = stage.name.split("/")[:3]
    first = {"input": 18.0, "errnet2019": 22.0 + better, "taken": 21.0 + better}.get(label, 0.0)
    metrics = list(stage.settings["metrics"])
    items = [
        {"id": item, **dict.fromkeys(metrics, "inf" if label == "truth" else first + index)}
        for index, item in enumerate(("one", "two", "three"))
    ]
    said = {name: stage.settings[name] for name in ("protocol", "version") if name in stage.settings}
    return {"scores.json": {"model": label, "dataset": dataset, **said, "metrics": metrics, "items": items}}


def _measured(stage: Stage, better: float) -> Files:
    _, label, dataset = stage.name.split("/")[:3]
    first = {"input": 60.0, "truth": 0.0}.get(label, 40.0 - better)
    items = [{"id": item, "value": first + index} for index, item in enumerate(("one", "two", "three"))]
    return {"measure.json": {"metric": stage.settings["metric"], "dataset": dataset, "items": items}}


_FILES: Mapping[str, Callable[[Stage, float], Files]] = {
    "prepare": _dataset,
    "overlap": _overlap,
    "train": _training,
    "adopt": _adoption,
    "export": _export,
    "infer": _predictions,
    "predict": _predictions,
    "evaluate": _scores,
    "measure": _measured,
}
KINDS = tuple(_FILES)
"""The kinds of stages that `left_by` knows."""
