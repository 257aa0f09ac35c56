"""The stage `predict`: the method's answer to every picture of a dataset. A new method need not change this file."""

import time
from pathlib import Path

import cv2
import numpy as np

from program_template.method import without_reflection
from stagekit import BadInput, StageContext, peak_bytes, reset_peak, write_atomically
from stagekit.results.apart import save_apart
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.predictions import PredictionItem, PredictionsFile


def predict(context: StageContext) -> None:
    """Write the method's answer to every picture of a prepared dataset.

    Raises:
        BadInput: Where the dataset has no pictures with a reflection, or one cannot be read.
        Interrupted: On request, between two pictures.
    """
    dataset = DatasetFile.load(context.input("dataset"))
    if not dataset.items or any(item.blended is None for item in dataset.items):
        raise BadInput(f"dataset {dataset.name!r} has no blended pictures", "choose datasets of pairs or photos")
    items = []
    for done, item in enumerate(dataset.items, start=1):
        items.append(_answered(context, item))
        context.progress(done, len(dataset.items), "pictures")
        if context.stop_requested:
            context.interrupt()
    predictions = PredictionsFile(
        model=context.setting("model"),
        dataset=dataset.name,
        mode="whole",
        label="exact",
        items=tuple(items),
        runtime={"numpy": np.__version__, "opencv": cv2.__version__, "device": "cpu"},
    )
    save_apart(predictions, context.output(), context.facts())


def _answered(context: StageContext, item: DatasetItem) -> PredictionItem:
    pixels = _read(Path(context.input("dataset", str(item.blended))))
    most = np.float32(np.iinfo(pixels.dtype).max)
    reset_peak()
    began = time.monotonic()
    answer = without_reflection(pixels.astype(np.float32) / most, **context.setting("parameters"))
    seconds, peak = round(time.monotonic() - began, 4), peak_bytes()
    if context.request.settings.get("arrays"):  # for protocols that score unrounded answers
        with write_atomically(context.output("arrays", f"{item.id}.transmission.npy")) as stream:
            np.save(stream, np.ascontiguousarray(answer, "<f4"))
    name = f"transmission/{item.id}.png"
    _write(context.output(name), np.rint(np.clip(answer, 0, 1) * most).astype(pixels.dtype))
    low, high = float(answer.min()), float(answer.max())
    return PredictionItem(item.id, name, item.height, item.width, low, high, seconds=seconds, peak_bytes=peak)


def _read(path: Path) -> np.ndarray:
    """Return a prepared picture: uint8 or uint16, (H, W, 3), RGB."""
    stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 3 or stored.dtype not in (np.uint8, np.uint16):
        raise BadInput(f"{path.name} is no RGB picture of 8 or 16 bits", "prepare the dataset again")
    return np.ascontiguousarray(stored[..., ::-1])


def _write(path: str, pixels: np.ndarray) -> None:
    """Write a picture beside its name first, so that a program that is killed leaves no half of one."""
    _, content = cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    with write_atomically(path) as stream:
        stream.write(content.tobytes())
