"""Made-up comparisons for the report's tests: a plausible one, and one with hostile text everywhere."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data as photographs
from skimage.transform import resize

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import (
    Dataset,
    Export,
    Model,
    NotMeasured,
    Override,
    Paper,
    Picture,
    PicturePrediction,
    PictureScores,
    Predictions,
    ReportContent,
    Result,
    Scores,
    TilePlan,
    Validation,
    ValidationPoint,
)
from orchestrator.report.overlap_content import Overlap
from orchestrator.report.stage_content import (
    EnvironmentRecord,
    MachineRecord,
    MemoryOverTime,
    SoftwareList,
    StageFile,
    StageRecord,
)
from orchestrator.report.training_content import CurveStep, Training
from orchestrator.spec.explained import ExplainedTable
from orchestrator.spec.published_numbers import PublishedTable
from orchestrator.spec.scoring import chosen_protocol

METRICS = ("psnr", "ssim", "lpips")
PROTOCOLS = tuple(chosen_protocol(name, METRICS) for name in ("standard", "errnet2019", "course2024"))
"""Ends a script, opens tags, quotes, an entity, letters of other scripts, a direction change, a template."""

MACHINE = MachineRecord(
    "AMD EPYC 7763 64-Core Processor",
    "x86_64",
    ("sse4_2", "avx", "avx2", "fma"),
    8,
    64 * 2**30,
    "Linux 6.8.0",
    "docker",
    2,
    None,
    None,
    None,
)

_PAPERS = {
    "zhang2018": ("Zhang 2018", "Single Image Reflection Separation with Perceptual Losses", "CVPR 2018"),
    "errnet2019": ("ERRNet 2019", "Single Image Reflection Removal Exploiting Misaligned Training Data", "CVPR 2019"),
    "ibcln2020": ("IBCLN 2020", "Single Image Reflection Removal through Cascaded Refinement", "CVPR 2020"),
}
_LOSSES = {
    "zhang2018": ("feature", "adversarial", "exclusion", "discriminator"),
    "errnet2019": ("pixel", "vgg", "adversarial"),
    "ibcln2020": ("residual", "multi-scale", "vgg", "adversarial"),
}
_QUALITY = {"zhang2018": 0.55, "errnet2019": 0.35, "ibcln2020": 0.2}


@dataclass(frozen=True)
class Sample:
    """Pictures as float arrays in [0, 1], (H, W, 3), of a scene and of what is reflected in the glass."""

    id: str
    transmission: np.ndarray
    reflection: np.ndarray

    @property
    def blended(self) -> np.ndarray:
        return np.clip(0.8 * self.transmission + 0.45 * self.reflection, 0, 1)


def scenes(height: int, width: int) -> list[Sample]:
    """Return blends of photographs that scikit-image carries."""
    pictures = [photographs.coffee(), photographs.astronaut(), photographs.chelsea(), photographs.rocket()]
    sized = [resize(picture, (height, width), anti_aliasing=True) for picture in pictures]
    names = ("coffee", "astronaut", "chelsea", "rocket")
    return [Sample(names[i], sized[i], sized[(i + 1) % len(sized)]) for i in range(len(sized))]


def picture(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((np.clip(array, 0, 1) * 255).round().astype(np.uint8)).save(path)
    return path


def pairs(folder: Path, samples: list[Sample], name: str = "skimage-test", title: str = "Held-out scenes") -> Dataset:
    """Return a dataset of pairs whose pictures lie in the folder."""
    items = []
    for number, sample in enumerate(samples):
        layers = {"blended": sample.blended, "transmission": sample.transmission, "reflection": sample.reflection}
        paths = {layer: picture(folder / layer / f"{number}.png", array) for layer, array in layers.items()}
        height, width = sample.blended.shape[:2]
        notes = ("converted from grey",) if number == 2 else ()
        items.append(Picture(sample.id, **paths, height=height, width=width, origin=f"{sample.id}.png", notes=notes))
    return Dataset(name, title, "pairs", tuple(items), "photographs of scikit-image 0.24, blended as in IBCLN")


def photos(folder: Path, samples: list[Sample], name: str = "photos", title: str = "My photographs") -> Dataset:
    """Return a dataset of photographs without truth."""
    items = []
    for number, sample in enumerate(samples):
        path = picture(folder / "blended" / f"{number}.png", sample.blended)
        height, width = sample.blended.shape[:2]
        items.append(Picture(f"IMG {sample.id}", path, None, None, height, width, f"IMG {sample.id}.jpg"))
    return Dataset(name, title, "photos", tuple(items), warnings=("1 file was skipped: notes.txt is no picture",))


def predictions(folder: Path, dataset: Dataset, samples: list[Sample], label: str, said: str = "exact") -> Predictions:
    """Return answers that leave some of the reflection, more or less as the label deserves."""
    items = []
    left = _QUALITY.get(label, 0.5)
    for number, (item, sample) in enumerate(zip(dataset.items, samples, strict=True)):
        answer = sample.transmission * (1 - left * 0.2) + left * 0.45 * sample.reflection
        steps = [answer + 0.2 * (3 - step) / 3 * sample.reflection for step in (1, 2)] if label == "ibcln2020" else []
        paths = [picture(folder / f"step{n}" / f"{number}.png", step) for n, step in enumerate(steps)]
        reflection = None
        if label != "errnet2019":
            reflection = picture(folder / "reflection" / f"{number}.png", sample.blended - answer + 0.1)
        path = picture(folder / "transmission" / f"{number}.png", answer)
        items.append(
            PicturePrediction(
                item.id,
                path,
                reflection,
                tuple(paths),
                item.height,
                item.width,
                0.42 + left,
                -0.03,
                1.08,
                peak_bytes=int(1.4 * 2**30),
                plan=TilePlan(4, 12 + number, 0.5, int(1.6 * 2**30), 0 if number else 2**28),
            )
        )
    return Predictions("whole", said, tuple(items), {"onnxruntime": "1.20.0"})


def scores(dataset: Dataset, label: str, folder: Path | None = None) -> dict[str, Scores | NotMeasured]:
    """Return plausible scores by protocol; the truth's are perfect. folder: gets the tables"""
    found: dict[str, Scores | NotMeasured] = {}
    for protocol in PROTOCOLS:
        items = []
        for number, item in enumerate(dataset.items):
            left = {"input": 0.45, **_QUALITY}.get(label, 0.5) + 0.03 * number
            values: dict[str, float | NotMeasured] = {
                "psnr": 26 - 14 * left,
                "ssim": 1 - left / 3,
                "lpips": left / 2,
                "lmse": left / 20,
                "ncc": 1 - left / 10,
                "psnr_grey": 25.5 - 14 * left,
                "ssim_grey": 1 - left / 2,
                "wrapped": left / 4,
            }
            if label == "truth":
                perfect = {"psnr": math.inf, "psnr_grey": math.inf, "ssim": 1.0, "ssim_grey": 1.0, "ncc": 1.0}
                values = {name: perfect.get(name, 0.0) for name in values}
            items.append(PictureScores(item.id, {metric.name: values[metric.name] for metric in protocol.metrics}))
        table = None
        if folder is not None:
            table = folder / f"{protocol.name}.parquet"
            folder.mkdir(parents=True, exist_ok=True)
            table.write_bytes(b"PAR1")
        names = tuple(metric.name for metric in protocol.metrics)
        found[protocol.name] = Scores(protocol.name, protocol.version, names, tuple(items), (), table)
    return found


def _named(table: PublishedTable, dataset: str) -> PublishedTable:
    """Return the table with rows of a dataset whose name no file may have."""
    return table.model_copy(update={"rows": tuple(row.model_copy(update={"dataset": dataset}) for row in table.rows)})


def published(dataset: str, text: str = "Somebody 2020, table 1") -> PublishedTable:
    """Return a published table with numbers that can be compared and numbers that cannot."""
    table = PublishedTable.model_validate(
        {
            "name": "somebody",
            "title": text,
            "kind": "paper",
            "source": text,
            "evidence": "paper",
            "protocol": "errnet2019",
            "notes": [text],
            "rows": [
                {"network": "errnet2019", "dataset": "d", "n": 4, "psnr": 22.89, "ssim": 0.803},
                {"network": "errnet2019", "dataset": "d", "n": 179, "psnr": 21.5, "variant": text},
                {"network": "zhang2018", "dataset": "d", "n": 4, "psnr": 19.5, "altered": text},
                {"network": text, "dataset": "d", "n": 4, "psnr": 20.1, "note": text},
            ],
        }
    )
    return _named(table, dataset)


def explained(dataset: str, text: str = "An old table") -> ExplainedTable:
    """Return a table to be explained, with one cell of which something is known."""
    table = ExplainedTable.model_validate(
        {
            "protocol": "course2024",
            "title": text,
            "source": text,
            "conclusion": text,
            "verdict": text,
            "networks": [
                {"model": "zhang2018", "protocol": "course2024", "training": text, "faults": {"psnr": text}},
                {"model": "errnet2019", "protocol": "errnet2019", "training": text},
            ],
            "datasets": [{"name": "d", "claimed": 199, "logged": 198, "note": text}, {"name": "elsewhere"}],
            "cells": [{"dataset": "d", "model": "zhang2018", "printed": "29.32", "note": text}],
        }
    )
    return table.model_copy(
        update={
            "datasets": (table.datasets[0].model_copy(update={"name": dataset}), *table.datasets[1:]),
            "cells": (table.cells[0].model_copy(update={"dataset": dataset}),),
        }
    )


def training(label: str, points: int = 120) -> Training:
    """Return noisy falling losses; the learning rate halves in the middle."""
    draw = np.random.default_rng(len(label))
    steps = []
    for index in range(1, points + 1):
        losses = {
            name: float((2 - 0.4 * order) * math.exp(-index / 60) + 0.2 + 0.08 * draw.random())
            for order, name in enumerate(_LOSSES.get(label, ("loss",)))
        }
        seconds = index * 0.4 * (1 + len(label) % 3) + 0.1 * draw.random()
        steps.append(CurveStep(index, index // 40, losses, 1e-4 if index <= points // 2 else 5e-5, seconds))
    return Training(tuple(steps), points, 3, points * 2, steps[-1].seconds, "random", 18_961_731, ())


def model(label: str) -> Model:
    title, paper, venue = _PAPERS.get(label, (label, "A paper", "CVPR"))
    return Model(
        label,
        title,
        Paper(paper, "A. Author, B. Author", venue, "https://example.org/program (MIT)"),
        (Override("steps", "none", "120"), Override("crop", "224", "96")),
        seed=7,
        training=training(label),
        export=Export(16, "torch 1.12.1", 1e-4, 2.31e-6, 4),
        validation=validation() if label == "ibcln2020" else None,
        spec=label,
        sees_features=True,
    )


def validation() -> Validation:
    """Return scores that get better; those of the second epoch are missing."""
    found = [
        Scores(
            "standard", 1, METRICS, (PictureScores("a", {"psnr": 20 + n, "ssim": 0.8 + n / 20, "lpips": 0.3 - n / 20}),)
        )
        for n in range(3)
    ]
    why = NotMeasured("export/ibcln2020@2 failed: memory did not suffice")
    return Validation(
        "skimage-test", tuple(ValidationPoint(n + 1, why if n == 1 else value) for n, value in enumerate(found))
    )


def memory(number: int) -> MemoryOverTime | None:
    """Return what a stage held: a gap, no budget and no record are among them."""
    if number % 5 == 4:
        return None
    held = [int(2**30 * (0.3 + 0.9 * math.sin(index / 9 + number) ** 2)) for index in range(40)]
    gap = [None if number % 4 == 3 and 10 < index < 15 else value for index, value in enumerate(held)]
    return MemoryOverTime(0.5, tuple(gap), None if number % 3 == 2 else 2**31)


def stages(labels: tuple[str, ...], tests: tuple[str, ...]) -> tuple[StageRecord, ...]:
    """Return a run's stages, one of them resumed."""
    names = [f"prepare/{name}" for name in tests]
    names += [f"{kind}/{label}" for label in labels for kind in ("train", "export")]
    names += [f"infer/{label}/{name}" for label in labels for name in tests]
    names += [f"evaluate/{label}/{name}/standard" for label in labels for name in tests]
    image = {"prepare": "metrics", "evaluate": "metrics", "infer": "inference"}
    return tuple(
        StageRecord(
            name,
            name.split("/")[0],
            "stored" if name.startswith("prepare") else "done",
            f"{number:02x}" * 32,
            image.get(name.split("/")[0], name.split("/")[1]),
            "ab" * 32,
            "docker",
            "cpu",
            1_760_000_000 + 60 * number,
            3.2 * number + 0.4,
            "checkpoint at step 40" if name == f"train/{labels[-1]}" else None,
            ("it has not run yet",),
            memory=memory(number),
            attempts=2 if name.startswith("export") else 1,
            machine=MACHINE,
            files={"scores.json": StageFile("cd" * 32, 812)} if name.startswith("evaluate") else {},
            digest=f"{number + 100:02x}" * 32,
        )
        for number, name in enumerate(names)
    )


def sbom(name: str, text: str = '{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}') -> SoftwareList:
    """Return a list of software."""
    return SoftwareList(name, text)


def comparison(folder: Path, *, height: int = 96, width: int = 130) -> ReportContent:
    """Return a plausible comparison of three networks on a dataset of pairs and on photographs."""
    labels = tuple(_PAPERS)
    samples = scenes(height, width)
    held_out, own = pairs(folder / "pairs", samples), photos(folder / "photos", samples[:2])
    results = [
        Result(label, held_out.name, None, scores(held_out, label, folder / label / "scores"))
        for label in ("input", "truth")
    ]
    for label in labels:
        answers = predictions(folder / label / "pairs", held_out, samples, label)
        results.append(Result(label, held_out.name, answers, scores(held_out, label, folder / label / "scores")))
        results.append(Result(label, own.name, predictions(folder / label / "photos", own, samples[:2], label), {}))
    content = ReportContent(
        name="quickstart",
        note="Three networks, a few steps each, on photographs that scikit-image carries.",
        protocols=PROTOCOLS,
        features="random",
        seed=7,
        device="cpu",
        engine="docker",
        models=tuple(model(label) for label in labels),
        datasets=(held_out, own),
        test=(held_out.name, own.name),
        results=tuple(results),
        stages=stages(labels, (held_out.name, own.name)),
        environments=(
            EnvironmentRecord(
                "errnet2019",
                "cpu",
                "docker",
                "ab" * 32,
                "sha256:" + "cd" * 32,
                {"base": "python:3.8-slim", "python": "3.8.20", "torch": "1.12.1"},
                {"numpy": "1.24.4", "pillow": "10.4.0", "torch": "1.12.1"},
                sbom("errnet2019-docker-abababababab"),
            ),
            EnvironmentRecord("inference", "cpu", "docker", "ef" * 32, "sha256:" + "01" * 32, {"python": "3.11.9"}),
        ),
        spec="name: quickstart\nmodels: [zhang2018, errnet2019, ibcln2020]\ntrain: skimage-train\ntest: [photos]\n",
        spec_name="quickstart.yaml",
        commands=("sirr-orch build", "sirr-orch run quickstart.yaml"),
        program="sirr-orch 0.1.0",
        overlap=Overlap("stop", "", 13, 10, ()),
        published=(published(held_out.name),),
        explained=(explained(held_out.name),),
        sbom=sbom("sirr-orch"),
    )
    return with_rankings(content)
