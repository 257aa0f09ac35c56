"""Scoring predictions: the stage's settings and folders go to orchestrator.metrics."""

import os
from pathlib import Path
from typing import Any, Dict, Tuple

from orchestrator.metrics.evaluate import perceptual_scores, picture_scores
from orchestrator.metrics.pictures import ScoredPictures, control_pictures, network_pictures
from orchestrator.metrics.protocol import asked_protocol, chosen_metrics, function_of
from orchestrator.metrics.scores import incomplete_notes, write_scores
from stagekit import BadInput, StageContext
from stagekit.measures import Metric
from stagekit.results.scores import NotMeasured, PictureScores, Score, ScoresFile

MISSING = "AlexNet weights missing, put %s into the folder that SIRR_FEATURES names"

RANDOM_NOTE = (
    "%s was computed with random AlexNet features: it is not the published %s, "
    "and its values are comparable only among themselves"
)


def evaluate(context: StageContext) -> None:
    """Write the scores of a network's predictions, or of a control, on a dataset of pairs."""
    names: Tuple[str, ...] = tuple(context.setting("metrics"))
    protocol = asked_protocol(context.setting("protocol"), context.setting("version"), context.request.settings)
    metrics = chosen_metrics(protocol, names)
    plain, perceptual = [[metric for metric in metrics if bool(metric.features) == kind] for kind in (False, True)]
    pictures = _pictures(context, floats=protocol.floats)
    step = _Steps(context, len(pictures.items) * (1 + len(perceptual)))
    workers = context.request.threads or len(os.sched_getaffinity(0))
    scores = picture_scores(pictures.items, plain, step, workers, border=protocol.border)
    notes: Tuple[str, ...] = ()
    for metric in perceptual:
        distances, said = _distances(context, pictures, step, metric, protocol.border)
        scores = {name: {**found, metric.name: distances[name]} for name, found in scores.items()}
        notes = (*notes, *said)
    incomplete = tuple(incomplete_notes(scores))
    for note in incomplete:
        context.warn(note)
    write_scores(
        Path(context.output()),
        ScoresFile(
            model=context.setting("model"),
            dataset=pictures.dataset,
            protocol=protocol.name,
            version=protocol.version,
            metrics=names,
            items=tuple(PictureScores(identifier, values) for identifier, values in scores.items()),
            notes=(*notes, *incomplete),
            fault=protocol.fault,
        ),
    )


class _Steps:
    """Counts pictures, and stops the work on request."""

    def __init__(self, context: StageContext, total: int) -> None:
        self._context, self._total, self._done = context, total, 0

    def __call__(self) -> None:
        self._done += 1
        self._context.progress(self._done, self._total, "pictures")
        if self._context.stop_requested:
            self._context.interrupt()


def _pictures(context: StageContext, *, floats: bool) -> ScoredPictures:
    dataset = Path(context.input("dataset"))
    if context.setting("control"):
        return control_pictures(dataset, context.setting("model"))
    return network_pictures(dataset, Path(context.input("predictions")), floats=floats)


def _distances(
    context: StageContext, pictures: ScoredPictures, step: _Steps, metric: Metric, border: int
) -> Tuple[Dict[str, Score], Tuple[str, ...]]:
    """Return a metric of the features that the settings ask for, and what is to be said about it."""
    kind = context.setting("features")
    if kind not in ("pretrained", "random"):
        raise BadInput("there are no features %r; there are random and pretrained" % kind)
    if kind == "pretrained" and "features" not in context.request.inputs:
        absent: Dict[str, Score] = {item.id: NotMeasured(MISSING % metric.features) for item in pictures.items}
        return absent, ()
    distance = _perceptual(context, kind, metric)
    scores = perceptual_scores(pictures.items, distance, step, swapped=metric.exchanged, border=border)
    title = metric.scale.title
    return scores, (RANDOM_NOTE % (title, title),) if kind == "random" else ()


def _perceptual(context: StageContext, kind: str, metric: Metric) -> Any:
    import torch  # noqa: PLC0415 - slow to import, and needed by LPIPS only

    from metrics_program.features import published_features, random_features  # noqa: PLC0415 - imports PyTorch

    # Scores shall not depend on how many processors a machine has; sums of several threads end in other last digits.
    torch.set_num_threads(1)
    features = random_features() if kind == "random" else published_features(context.input("features"))
    return function_of(metric)(features, context.request.device)
