"""Adds a protocol with a metric of its own to the table, before anything reads it, and goes through all that reads it.

usage: python own_protocol.py FOLDER
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from stagekit import measures

MEAN_ERROR = measures.Metric(
    "mean_error",
    "tests.stagekit.own_protocol:mean_error",
    measures.Scale("Mean error", "levels", 1, "lower", 0.0),
    "mean of the absolute differences",
)


def mean_error(prediction: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(prediction.astype(float) - truth).mean())


def main(folder: Path) -> None:
    house = measures.PROTOCOLS[measures.HOUSE]
    own = replace(house, name="own2026", version=7, title="My own", metrics=(MEAN_ERROR, house.metrics[0]))
    measures.PROTOCOLS[own.name] = own
    planned(folder)
    evaluated(folder)
    reported(folder)


def planned(folder: Path) -> None:
    """The planner evaluates every control and network by it."""
    from orchestrator.plan.plan import experiment_plan
    from orchestrator.spec.experiment import Experiment
    from orchestrator.spec.resolve import resolve

    wishes = {"name": "own", "models": ["zhang2018"], "train": "skimage-train", "test": ["skimage-test"]}
    chosen = {"features": "random", "metrics": ["psnr"], "protocols": ["own2026", "standard"]}
    resolved = resolve(Experiment.model_validate({**wishes, **chosen}), folder / "spec.yaml")
    stages = {stage.name: stage for stage in experiment_plan(resolved, lambda _path: "0" * 64).stages}
    stage = stages["evaluate/zhang2018/skimage-test/own2026"]
    assert (stage.settings["version"], stage.settings["metrics"]) == (7, ["mean_error", "psnr"])
    assert "evaluate/truth/skimage-test/own2026" in stages


def evaluated(folder: Path) -> None:
    """The evaluation computes it, and its files hold it."""
    from orchestrator.metrics.evaluate import picture_scores
    from orchestrator.metrics.pictures import control_pictures
    from orchestrator.metrics.protocol import asked_protocol, chosen_metrics
    from orchestrator.metrics.scores import write_scores
    from orchestrator.report.artifacts import read_scores
    from stagekit.results.dataset import DatasetFile, DatasetItem
    from stagekit.results.scores import PictureScores, ScoresFile
    from tests.metrics.conftest import picture, save

    paths = ("blended/a.png", "transmission/a.png")
    for path in paths:
        save(folder / path, picture(path))
    DatasetFile("postcard", "pairs", (DatasetItem("a", 40, 50, "", (), *paths),)).save(folder)
    metrics = chosen_metrics(asked_protocol("own2026", 7, {}), ["mean_error", "psnr"])
    names = tuple(metric.name for metric in metrics)
    for control in measures.CONTROLS:
        scores = picture_scores(control_pictures(folder, control).items, metrics, lambda: None)
        items = (PictureScores("a", scores["a"]),)
        write_scores(folder, ScoresFile(control, "postcard", "own2026", 7, names, items), parquet=False)
        difference = mean_error(picture(paths[0]), picture(paths[1])) if control == measures.INPUT else 0.0
        assert read_scores(folder).items[0].values["mean_error"] == difference


def reported(folder: Path) -> None:
    """The report ranks by it and shows it with its title, unit and digits; programs find it too."""
    from orchestrator.execute.rankings import with_rankings
    from orchestrator.report.content import PictureScores, Scores
    from orchestrator.report.render import render_report
    from orchestrator.spec.scoring import chosen_protocol
    from tests.report.report_sample import comparison

    content = comparison(folder / "sample", height=24, width=32)
    names = ("mean_error", "psnr")
    results = []
    for place, result in enumerate(content.results):
        given = next(iter(result.scores.values()), None)
        if not isinstance(given, Scores):
            results.append(result)
        if isinstance(given, Scores):
            items = tuple(PictureScores(item.id, dict.fromkeys(names, 1.25 + place)) for item in given.items)
            found = {**result.scores, "own2026": Scores("own2026", 7, names, items)}
            results.append(replace(result, scores=found))
    protocols = (chosen_protocol("own2026", ("psnr",)), *content.protocols)
    index = render_report(with_rankings(replace(content, results=tuple(results), protocols=protocols)), folder / "out")
    page = index.read_text(encoding="utf-8")
    assert "own2026 v7" in page
    assert "Mean error" in page
    assert "levels" in page
    assert '"mean_error"' in (index.parent / "report.json").read_text(encoding="utf-8")
    shown = [text for path in (folder / "out").rglob("*.html") for text in [path.read_text(encoding="utf-8")]]
    assert any('"decimals":1' in text and '"Mean error"' in text for text in shown)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
