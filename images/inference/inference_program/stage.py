"""The stage `infer`: one network, one dataset, a picture and a line of facts for each of its items."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from orchestrator.infer.network import DeviceMissing, MemoryShort, Network, NetworkError, cascade_steps
from orchestrator.infer.run import EXACT, Answer, Settings, infer
from PIL import Image

from stagekit import BadInput, OutOfMemory, StageContext, StageError, write_atomically

_TILES_HINT = "raise the experiment's memory, or write inference: {mode: tiles}, whose results are approximate"


def infer_dataset(context: StageContext) -> None:
    """Write the predictions of a network for every picture of a dataset.

    Raises: BadInput where the network or a picture cannot be used, OutOfMemory, StageError where an answer is not
    finite or the device is missing, Interrupted on request; pictures that are done are not run again then.
    """
    request = context.request
    network = _network(context)
    dataset = json.loads(Path(context.input("dataset", "dataset.json")).read_text(encoding="utf-8"))
    settings = Settings(**context.setting("inference"))
    items = dataset["items"]
    total = sum(item["height"] * item["width"] for item in items)
    pixels, facts = 0, []
    for item in items:
        fact = _recorded(context, item)
        if fact is None:
            fact = _inferred(context, network, settings, item)
        pixels += item["height"] * item["width"]
        facts.append(fact)
        context.progress(pixels / 1e6, total / 1e6, "megapixels", {"seconds": fact["seconds"]})
        if context.stop_requested and len(facts) < len(items):
            context.interrupt()
    labels = {str(fact.pop("label")) for fact in facts}
    approximate = sorted(labels - {EXACT})
    content = {
        "model": context.setting("model"),
        "dataset": dataset["name"],
        "mode": settings.mode,
        "label": approximate[0] if approximate else EXACT,
        "items": facts,
        "runtime": {**network.runtime, "device": request.device},
        "warnings": [],
    }
    with write_atomically(context.output("predictions.json"), "w") as stream:
        json.dump(content, stream, indent=1, allow_nan=False)


def _network(context: StageContext) -> Network:
    path = Path(context.input("network"))
    request = context.request
    try:
        return Network(
            path / "network.onnx" if path.is_dir() else path,
            device=request.device,
            threads=request.threads,
            memory_bytes=request.memory_bytes,
        )
    except DeviceMissing as error:
        raise StageError(
            str(error), "build the image's cuda variant and give the stage a GPU, or run on the CPU"
        ) from error
    except NetworkError as error:
        raise BadInput(str(error), "export the network again, or name another file") from error


def _inferred(context: StageContext, network: Network, settings: Settings, item: Mapping[str, Any]) -> dict[str, Any]:
    """Run one picture, write its layers, and return its facts, which are kept for a run that takes over."""
    with Image.open(context.input("dataset", item["blended"])) as stored:
        profile = stored.info.get("icc_profile")
        picture = np.asarray(stored.convert("RGB"), np.float32) / 255
    began = time.monotonic()
    name = f"{item['id']} ({item['height']} x {item['width']} pixels)"
    try:
        answer = infer(network, picture, settings)
    except MemoryShort as error:
        raise OutOfMemory(f"memory did not suffice for picture {name}: {error}", _TILES_HINT) from error
    except NetworkError as error:
        raise BadInput(
            f"the network refused picture {name}: {error}", "leave the picture out, or use another network"
        ) from error
    except MemoryError as error:
        raise OutOfMemory(f"memory did not suffice for picture {name}", _TILES_HINT) from error
    seconds = time.monotonic() - began
    wrong = [output for output, values in answer.outputs.items() if not np.isfinite(values).all()]
    if wrong:
        raise StageError(
            f"the network's {wrong[0]} of picture {name} holds values that are not finite",
            "train the network longer or with a lower rate: its weights have lost their footing",
        )
    fact = {**_written(context, item, answer, profile), "seconds": round(seconds, 4), "label": answer.label}
    with write_atomically(context.work("done", f"{item['id']}.json"), "w") as stream:
        json.dump(fact, stream)
    return fact


def _written(context: StageContext, item: Mapping[str, Any], answer: Answer, profile: bytes | None) -> dict[str, Any]:
    outputs = answer.outputs
    transmission = outputs["transmission"]
    fact: dict[str, Any] = {
        "id": item["id"],
        "transmission": _layer(context, "transmission", item["id"], transmission, profile),
        "height": item["height"],
        "width": item["width"],
        "min": float(transmission.min()),
        "max": float(transmission.max()),
    }
    if "reflection" in outputs:
        fact["reflection"] = _layer(context, "reflection", item["id"], outputs["reflection"], profile)
    steps = cascade_steps(tuple(outputs))
    if steps:
        fact["steps"] = [
            _layer(context, "steps", f"{item['id']}-{number}", outputs[step], profile)
            for number, step in enumerate(steps, 1)
        ]
    return fact


def _layer(
    context: StageContext, folder: str, name: str, values: npt.NDArray[np.float32], profile: bytes | None
) -> str:
    """Write one layer as 8-bit PNG, clipped to [0, 1] and rounded, and return its path in the output."""
    pixels = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    relative = f"{folder}/{name}.png"
    with write_atomically(context.output(relative)) as stream:
        Image.fromarray(pixels).save(stream, "PNG", icc_profile=profile)
    return relative


def _recorded(context: StageContext, item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the facts of a picture that an interrupted run has done."""
    path = Path(context.work("done", f"{item['id']}.json"))
    if not path.is_file():
        return None
    fact: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fact
