"""The viewer of a dataset's pictures, and the data from which scripts fill it, the gallery and the plots."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.report import numbers
from orchestrator.report.address import href
from orchestrator.report.content import Dataset, NotMeasured, PicturePrediction, Predictions, ReportContent
from orchestrator.report.lookup import NO_RESULT, entrants, picture_names, predictions
from orchestrator.report.thumbnails import THUMBNAIL_ENDING
from orchestrator.report.views.layers import TRANSMISSION, Layer, ShownPicture, ShownPictures
from orchestrator.report.views.measures import measures, plain_values
from stagekit.measures import INPUT, TRUTH

DIGITS = 9
"""Layers that a digit key chooses."""

Island = dict[str, Any]
"""What a page's scripts read, as plain JSON; documented in `static/pictures.js`, which reads it."""


@dataclass(frozen=True)
class ViewerView:
    """The viewer, empty, and the data that fills it.

    Attributes:
        protocols: By which the pictures have scores, if any.
    """

    protocols: tuple[str, ...]
    island: Island


def viewer_view(content: ReportContent, dataset: Dataset, shown: ShownPictures) -> ViewerView:
    """Return the viewer of a dataset's page."""
    scored = measures(content, dataset)
    names = picture_names(dataset)
    found = {model.label: predictions(content, model.label, dataset.name) for model in content.models}
    island: Island = {
        "entrants": [
            {"label": entrant.label, "title": entrant.title, "control": entrant.control}
            for entrant in entrants(content)
        ],
        "unchanged": INPUT,
        "metrics": [measure.plain for measure in scored],
        "scores": [plain_values(content, dataset, measure) for measure in scored],
        "layers": [
            {
                "key": layer.key,
                "title": layer.title,
                "full": layer.full_title,
                "label": layer.label,
                "path": href(layer.path),
                "digit": digit,
            }
            for layer, digit in zip(shown.layers, _digits(shown.layers), strict=True)
        ],
        "thumbnail": THUMBNAIL_ENDING,
        "pictures": [_picture(picture, names[picture.picture.id], shown.layers, found) for picture in shown.pictures],
    }
    return ViewerView(tuple(dict.fromkeys(measure.protocol for measure in scored)), island)


def _digits(layers: tuple[Layer, ...]) -> Iterator[int]:
    """Yield each layer's digit key, 0 for none: what is compared most comes first."""
    titles = (INPUT, TRUTH, TRANSMISSION)
    order = [layer for title in titles for layer in layers if layer.title == title]
    order += [layer for layer in layers if layer.title not in titles]
    keys = {layer.key: number for number, layer in enumerate(order[:DIGITS], 1)}
    return (keys.get(layer.key, 0) for layer in layers)


def _picture(
    shown: ShownPicture, name: str, layers: tuple[Layer, ...], found: Mapping[str, Predictions | NotMeasured]
) -> dict[str, Any]:
    item = shown.picture
    files = [shown.shown.get(layer.key) for layer in layers]
    return {
        "number": shown.number,
        "anchor": shown.anchor,
        "name": name,
        "size": numbers.size(item.height, item.width),
        "height": item.height,
        "width": item.width,
        "apart": None if shown.apart is None else round(shown.apart, 3),
        "origin": item.origin,
        "notes": list(item.notes),
        "folder": shown.folder,
        "endings": [None if file is None else file.href[file.href.rindex(".") :] for file in files],
        "sizes": {
            layer.key: numbers.size(file.height, file.width)
            for layer, file in zip(layers, files, strict=True)
            if file is not None and (file.height, file.width) != (item.height, item.width)
        },
        "answers": [_answer(item.id, one) for one in found.values()],
    }


def _answer(item: str, found: Predictions | NotMeasured) -> dict[str, str]:
    """Return what is to say of a network's answer, and why there is none."""
    if isinstance(found, NotMeasured):
        return {"said": "", "missing": found.why}
    if item in found.failed:
        return {"said": "", "missing": f"the picture {found.failed[item]}"}
    for answer in found.items:
        if answer.id == item:
            label = () if found.label == "exact" else (found.label,)
            return {"said": " · ".join((*label, *_cost(answer))), "missing": ""}
    return {"said": "", "missing": NO_RESULT.why}


def _cost(answer: PicturePrediction) -> Iterator[str]:
    if answer.seconds is not None:
        yield numbers.duration(answer.seconds)
    if answer.peak_bytes is not None:
        yield f"{answer.peak_bytes / 2**30:.1f} GiB of memory"
    if answer.plan is not None:
        segments = numbers.count(answer.plan.segments, "segment")
        yield f"{segments}, {numbers.count(answer.plan.tiles, 'tile')}"
