"""Scoring predictions: the stage's settings and folders go to orchestrator.metrics."""

from pathlib import Path
from typing import Any, List, Tuple

from orchestrator.metrics.evaluate import Scores, picture_scores, write_scores
from orchestrator.metrics.pictures import Comparisons, control_comparisons, network_comparisons
from orchestrator.metrics.protocol import PERCEPTUAL, chosen_metrics

from stagekit import BadInput, StageContext

RANDOM_NOTE = (
    "LPIPS was computed with random AlexNet features: it is not the published LPIPS, "
    "and its values are comparable only among themselves"
)


def evaluate(context: StageContext) -> None:
    """Write the scores of a network's predictions, or of a control, on a dataset of pairs."""

    def step(done: int, total: int) -> None:
        context.progress(done, total, "pictures")
        if context.stop_requested:
            context.interrupt()

    names: List[str] = list(context.setting("metrics"))
    protocol = context.setting("protocol")
    comparisons = _comparisons(context)
    perceptual, notes = _perceptual(context) if PERCEPTUAL in names and protocol == "standard" else (None, ())
    metrics = chosen_metrics(protocol, names, perceptual)
    scores = picture_scores(comparisons, metrics, step)
    write_scores(
        Path(context.output("scores.json")),
        Scores(context.setting("model"), comparisons.dataset, protocol, tuple(names), scores, notes),
    )


def _comparisons(context: StageContext) -> Comparisons:
    dataset = Path(context.input("dataset"))
    if context.setting("control"):
        return control_comparisons(dataset, context.setting("model"))
    return network_comparisons(dataset, Path(context.input("predictions")))


def _perceptual(context: StageContext) -> Tuple[Any, Tuple[str, ...]]:
    """Return LPIPS with the features that the settings ask for, and what is to be said about it."""
    import torch  # noqa: PLC0415 - slow to import, and needed by LPIPS only
    from orchestrator.metrics.perceptual import PerceptualDistance  # noqa: PLC0415 - imports PyTorch

    from metrics_program.features import published_features, random_features  # noqa: PLC0415 - imports PyTorch

    if context.request.threads is not None:
        torch.set_num_threads(context.request.threads)
    kind = context.setting("features")
    if kind == "pretrained":
        return PerceptualDistance(published_features(context.input("features")), context.request.device), ()
    if kind == "random":
        return PerceptualDistance(random_features(), context.request.device), (RANDOM_NOTE,)
    raise BadInput("there are no features %r; there are random and pretrained" % kind)
