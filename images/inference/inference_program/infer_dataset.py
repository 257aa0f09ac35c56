"""The stage `infer`: one network, one dataset, a picture and a line of facts for each of its items."""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from inference_program.items import Item, read_items
from inference_program.layers import Layers, NotFinite, read_picture
from inference_program.opened import EXPORT_AGAIN, Answered, Opened, opened
from orchestrator.infer.graphs.region import Size
from orchestrator.infer.modes import EXACT, Settings
from orchestrator.infer.onnx_network import MemoryShort, NetworkError, PictureRefused
from stagekit import (
    BadInput,
    Interrupted,
    OutOfMemory,
    StageContext,
    StageError,
    peak_bytes,
    reset_peak,
    write_atomically,
)
from stagekit.results.apart import save_apart
from stagekit.results.left_out import LeftOut
from stagekit.results.predictions import PredictionsFile

_MEMORY_HINT = "raise the experiment's memory, or its inference to mode 'exact', which keeps to the memory there is"

_FAR_BEYOND = 16.0
"""An answer that large is no picture of 0 to 1, however badly a network is trained."""


def infer_dataset(context: StageContext) -> None:
    """Write the predictions of a network for every picture of a dataset.

    Raises:
        BadInput: Where the network or a picture cannot be used.
        OutOfMemory: Where memory does not suffice for a picture.
        StageError: Where an answer is not finite or the device is missing.
        Interrupted: On request; pictures that are done are not run again then.
    """
    settings = _settings(context)
    name, items = read_items(context)
    network = opened(context, settings, [Size(item.height, item.width) for item in items])
    if settings.short_edge is None:
        _warn_of_padding(context, network, items)
    progress = _Progress(context, sum(item.megapixels for item in items))
    answers = _Answers(context, name, settings.mode, {**network.runtime, "device": context.request.device})
    for item in items:
        seconds = answers.add(item, partial(_inferred, context, network, settings, item, progress.within(item)))
        progress.add(item, {} if seconds is None else {"seconds": seconds}, last=item is items[-1])
    save_apart(answers.document(), context.output(), context.facts())


class _Answers:
    """What is known of the pictures that are done, and of those that failed where each counts for itself.

    The document is kept in the work folder too, from picture to picture: so results can be taken as they come.
    """

    def __init__(self, context: StageContext, dataset: str, mode: str, runtime: Mapping[str, Any]) -> None:
        self._context = context
        self._each_alone = bool(context.request.settings.get("each_alone"))
        self._head = {"model": context.setting("model"), "dataset": dataset, "mode": mode, "runtime": runtime}
        self._facts: list[dict[str, Any]] = []
        self._labels: list[str] = []
        self._failed: list[tuple[LeftOut, StageError]] = []
        self._warned = False
        self._left_out: set[str] = set()

    def add(self, item: Item, infer: Callable[[], dict[str, Any]]) -> float | None:
        """Take the facts of a picture, computed where they are not there; return its seconds, None where it failed."""
        try:
            fact = _recorded(self._context, item) or infer()
        except Interrupted:
            raise
        except StageError as error:
            if not self._each_alone or isinstance(error.__cause__, MemoryError):
                raise  # the machine's memory is not the picture's fault: the next start takes it up
            self._failed.append((LeftOut(item.id, f"gave no result: {error.message}"), error))
            return None
        self._labels.append(str(fact.pop("label")))
        self._warn_of_outputs(fact.pop("left_out", ()), fact.pop("kept", ""))
        self._warn_of_range(float(fact["max"]))
        self._facts.append(fact)
        if self._each_alone:
            self.document().save(self._context.work())
        return float(fact["seconds"])

    def _warn_of_range(self, most: float) -> None:
        if most > _FAR_BEYOND and not self._warned:
            self._warned = True
            self._context.warn(
                f"the network answers with values up to {most:.4g}, where 0 to 1 is meant; what is beyond is cut off: "
                "export it with its answers divided, by 255 perhaps"
            )

    def _warn_of_outputs(self, names: Iterable[str], kept: str) -> None:
        """Say which of the network's outputs no arrays are kept of."""
        new = [name for name in names if name not in self._left_out]
        self._left_out |= set(new)
        if new:
            outputs = f"output{'s' if len(new) > 1 else ''} {', '.join(new)}"
            self._context.warn(f"no array is kept of the network's {outputs}: kept are {kept}")

    def document(self) -> PredictionsFile:
        """Return what is to be written.

        Raises:
            StageError: Where no picture has an answer: that of the first.
        """
        if not self._facts and self._failed:
            raise self._failed[0][1]
        label = next((label for label in self._labels if label != EXACT), EXACT)
        document = {**self._head, "label": label, "items": self._facts}
        if self._failed:
            document["failed"] = [asdict(left_out) for left_out, _error in self._failed]
        return PredictionsFile.decode(document)


class _Progress:
    """Tells how many megapixels are done, and stops the stage on request between two tiles or pictures."""

    def __init__(self, context: StageContext, total: float) -> None:
        self._context, self._total, self._done = context, total, 0.0

    def add(self, item: Item, metrics: Mapping[str, float], *, last: bool) -> None:
        self._done += item.megapixels
        self._report(self._total if last else self._done, metrics)
        if not last:
            self._stop_on_request()

    def within(self, item: Item) -> Callable[[float], None]:
        """Return the callback that reports which share of an item is done."""

        def progress(share: float) -> None:
            if share < 1:
                self._report(self._done + item.megapixels * share, {})
                self._stop_on_request()

        return progress

    def _report(self, done: float, metrics: Mapping[str, float]) -> None:
        self._context.progress(round(done, 4), round(self._total, 4), "megapixels", metrics)

    def _stop_on_request(self) -> None:
        if self._context.stop_requested:
            self._context.interrupt()


def _warn_of_padding(context: StageContext, network: Opened, items: list[Item]) -> None:
    """Say that pictures are made larger for a network that does not take their sizes."""
    sizes = dict.fromkeys(Size(item.height, item.width) for item in items)
    padded = {size: multiple for size in sizes if (multiple := network.size_multiple(size)) > 1}
    if padded:
        context.warn(
            f"the network takes multiples of {max(padded.values())} pixels alone: pictures of {len(padded)} of "
            f"{len(sizes)} sizes have their last row and column repeated, and the answers are cropped"
        )


def _settings(context: StageContext) -> Settings:
    try:
        return Settings.from_values(context.setting("inference"))
    except (TypeError, ValueError) as error:
        raise BadInput(str(error), "choose a larger tile, or a smaller overlap") from error


def _inferred(
    context: StageContext, network: Opened, settings: Settings, item: Item, progress: Callable[[float], None]
) -> dict[str, Any]:
    """Run one picture, write its layers, and return its facts, which are kept for a run that takes over."""
    prepared = read_picture(Path(context.input("dataset", item.blended)), Size(item.height, item.width))
    checkpoints = Path(context.work("checkpoints", item.id))
    reset_peak()
    began = time.monotonic()
    try:
        answer = network.answer(prepared.source, settings, progress, checkpoints)
    except (MemoryShort, MemoryError) as error:
        raise OutOfMemory(f"memory did not suffice for picture {item.words}: {error}", _MEMORY_HINT) from error
    except PictureRefused as error:
        raise BadInput(
            f"the network refused picture {item.words}: {error}", "leave the picture out, or use another network"
        ) from error
    except NetworkError as error:
        raise BadInput(str(error), EXPORT_AGAIN) from error
    seconds = time.monotonic() - began
    layers = Layers(context, item, prepared, bool(context.request.settings.get("as_photos")))
    paths = _written(layers, answer)
    arrays = bool(context.request.settings.get("arrays"))
    if arrays:
        layers.keep_arrays(answer.outputs)
    fact = {
        "id": item.id,
        **paths,
        "height": item.height,
        "width": item.width,
        "seconds": round(seconds, 4),
        "peak_bytes": peak_bytes(),
        "min": layers.ranges["transmission"].least,
        "max": layers.ranges["transmission"].most,
        "label": answer.label,
        **({"left_out": list(answer.left_out), "kept": answer.kept} if arrays else {}),
    }
    plan = network.plan_facts(Size(item.height, item.width)) if settings.short_edge is None else None
    if plan is not None:
        fact["plan"] = dict(plan)
    with write_atomically(context.work("done", f"{item.id}.json"), "w") as stream:
        json.dump(fact, stream)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return fact


def _written(layers: Layers, answer: Answered) -> dict[str, Any]:
    try:
        return layers.written(answer.outputs)
    except NotFinite as error:
        raise StageError(
            f"the network's {error} of picture {layers.item.words} holds values that are not finite",
            "train the network longer or with a lower rate: its weights have lost their footing",
        ) from error


def _recorded(context: StageContext, item: Item) -> dict[str, Any] | None:
    """Return the facts of a picture that an interrupted run has done."""
    path = Path(context.work("done", f"{item.id}.json"))
    if not path.is_file():
        return None
    fact: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fact if Path(context.output(fact["transmission"])).is_file() else None
