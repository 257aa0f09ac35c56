"""The stage `predict`: the method's answer to every picture of a dataset."""

import os
import time

import cv2
import numpy as np
import scipy
from scipy import fft

from stagekit import BadInput, OutOfMemory, StageContext, peak_bytes, reset_peak, write_atomically
from stagekit.results.apart import save_apart
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.predictions import PredictionItem, PredictionsFile
from yang2019.suppression import suppressed

_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16))


def predict(context: StageContext) -> None:
    """Write the method's answer to every picture of a prepared dataset.

    Raises:
        BadInput: Where the dataset has no pictures with a reflection, or one cannot be read.
        OutOfMemory: Where memory does not suffice for a picture.
        Interrupted: On request, between two pictures.
    """
    dataset = DatasetFile.load(context.input("dataset"))
    if not dataset.items or any(item.blended is None for item in dataset.items):
        raise BadInput("dataset %r has no blended pictures" % dataset.name, "choose datasets of pairs or photos")
    total = sum(item.height * item.width for item in dataset.items) / 1e6
    items, done = [], 0.0
    with fft.set_workers(len(os.sched_getaffinity(0))):
        for item in dataset.items:
            items.append(_answered(context, item))
            done += item.height * item.width / 1e6
            context.progress(round(done, 4), round(total, 4), "megapixels", {"seconds": items[-1].seconds or 0.0})
            if context.stop_requested:
                context.interrupt()
    predictions = PredictionsFile(
        model=context.setting("model"),
        dataset=dataset.name,
        mode="whole",
        label="exact",
        items=tuple(items),
        runtime={"scipy": scipy.__version__, "numpy": np.__version__, "device": "cpu"},
    )
    save_apart(predictions, context.output(), context.facts())


def _answered(context: StageContext, item: DatasetItem) -> PredictionItem:
    path = context.input("dataset", str(item.blended))
    pixels = _read(path)
    most = float(np.iinfo(pixels.dtype).max)
    reset_peak()
    began = time.monotonic()
    try:
        answer = suppressed(pixels.astype(np.float32) / np.float32(most), context.setting("parameters")["threshold"])
    except MemoryError as error:
        hint = "raise the experiment's memory"
        raise OutOfMemory("memory did not suffice for picture %s" % item.id, hint) from error
    seconds, peak = round(time.monotonic() - began, 4), peak_bytes()
    if context.request.settings.get("arrays"):
        with write_atomically(context.output("arrays", "%s.transmission.npy" % item.id)) as stream:
            np.save(stream, np.ascontiguousarray(answer, "<f4"))
    name = "transmission/%s.png" % item.id
    rounded = np.rint(np.clip(answer, 0, 1) * np.float32(most)).astype(pixels.dtype)
    _write(context.output(name), rounded)
    low, high = float(answer.min()), float(answer.max())
    return PredictionItem(item.id, name, item.height, item.width, low, high, seconds=seconds, peak_bytes=peak)


def _read(path: str) -> np.ndarray:
    """Return a prepared picture: uint8 or uint16, (H, W, 3), RGB."""
    stored = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 3 or stored.dtype not in _TYPES:
        name = os.path.basename(path)
        raise BadInput("%s is no RGB picture of 8 or 16 bits" % name, "prepare the dataset again")
    return np.ascontiguousarray(stored[..., ::-1])


def _write(path: str, pixels: np.ndarray) -> None:
    coded, content = cv2.imencode(".png", pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not coded:
        raise BadInput("%s cannot be written as PNG" % os.path.basename(path))
    with write_atomically(path) as stream:
        stream.write(content.tobytes())
