"""A made-up comparison as wide as they get: five networks on six datasets of pairs."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import PictureScores, ReportContent, Result, Scores
from orchestrator.report.stage_content import StageRecord
from tests.report.report_sample import MACHINE, comparison, model, pairs, predictions, scenes

NETWORKS = ("zhang2018", "errnet2019", "ibcln2020", "yang2019", "dong2021")
TITLES = {"yang2019": "Yang 2019, convex", "dong2021": "Dong 2021, location-aware"}
DATASETS = {
    "real20": "Real 20 (Zhang et al.)",
    "nature": "Nature",
    "postcard": "SIR2 postcard",
    "objects": "SIR2 solid objects",
    "wild": "SIR2 wild scenes",
    "unaligned": "Unaligned, static cameras",
}
_LEAD = {"zhang2018": -1.5, "errnet2019": 0.9, "ibcln2020": 2.4, "yang2019": -3.0, "dong2021": 2.3, "input": 0.0}


def wide_comparison(folder: Path, *, height: int = 60, width: int = 90, pictures: int = 12) -> ReportContent:
    """Return it; every dataset holds the same few photographs under other names."""
    base = comparison(folder / "base", height=24, width=32)
    draw = np.random.default_rng(3)
    shown = scenes(height, width)
    datasets, results = [], []
    for number, (name, title) in enumerate(DATASETS.items()):
        samples = [replace(shown[index % len(shown)], id=f"{name}-{index}") for index in range(pictures)]
        dataset = pairs(folder / name, samples, name=name, title=title)
        datasets.append(dataset)
        base_db = 19 + number + draw.normal(0, 2.5, pictures)
        for label in (*NETWORKS, "input", "truth"):
            values = base_db + _LEAD.get(label, 0.0) + draw.normal(0, 0.9, pictures)
            scored = tuple(
                PictureScores(item.id, _scores(label, float(value)))
                for item, value in zip(dataset.items, values, strict=True)
            )
            answers = predictions(folder / label / name, dataset, samples, label) if label in NETWORKS else None
            found = Scores("standard", 1, ("psnr", "ssim", "lpips"), scored)
            results.append(Result(label, name, answers, {"standard": found}))
    models = tuple(replace(model(label), title=TITLES.get(label, model(label).title)) for label in NETWORKS)
    content = replace(
        base,
        name="five-on-six",
        features="pretrained",
        protocols=base.protocols[:1],
        models=models,
        datasets=tuple(datasets),
        test=tuple(DATASETS),
        results=tuple(results),
        stages=tuple(_stages()),
        published=(),
        explained=(),
    )
    return with_rankings(content)


def _scores(label: str, psnr: float) -> dict[str, float]:
    if label == "truth":
        return {"psnr": math.inf, "ssim": 1.0, "lpips": 0.0}
    return {"psnr": psnr, "ssim": 1 - math.exp(-psnr / 12), "lpips": math.exp(-psnr / 14)}


def _stages() -> list[StageRecord]:
    """Return stages that name their inputs; half of the machines were busy."""
    found: dict[str, dict[str, str]] = {f"prepare/{name}": {} for name in DATASETS}
    for label in NETWORKS:
        found[f"train/{label}"] = {}
        found[f"export/{label}"] = {"weights": f"train/{label}"}
        for name in DATASETS:
            infer = f"infer/{label}/{name}"
            found[infer] = {"network": f"export/{label}", "dataset": f"prepare/{name}"}
            found[f"evaluate/{label}/{name}/standard"] = {"predictions": infer, "truth": f"prepare/{name}"}
    return [
        StageRecord(
            name,
            name.split("/")[0],
            "done",
            f"{number:04x}" * 16,
            "metrics",
            "ab" * 32,
            "docker",
            "cpu",
            1_760_000_000 + 3600 * number,
            12.5 * number + 0.4,
            machine=MACHINE,
            inputs=inputs,
            load=0.3 if number % 2 else 7.5,
            log=f"runs/five-on-six/logs/{name.replace('/', '_')}.log",
        )
        for number, (name, inputs) in enumerate(found.items())
    ]
