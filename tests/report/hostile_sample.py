"""A comparison in which every text from outside is hostile."""

from pathlib import Path

from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import (
    Model,
    NotMeasured,
    Override,
    Paper,
    PictureScores,
    ReportContent,
    Result,
    Scores,
    Validation,
    ValidationPoint,
)
from orchestrator.report.overlap_content import Overlap, OverlapPair
from orchestrator.report.stage_content import EnvironmentRecord, MachineRecord, MemoryOverTime, StageRecord
from orchestrator.report.training_content import CurveStep, Training
from tests.report.report_sample import (
    METRICS,
    PROTOCOLS,
    Sample,
    comparison,
    explained,
    pairs,
    photos,
    predictions,
    published,
    sbom,
    scenes,
    scores,
)

HOSTILE = "</script><b>x\"' & ünï \u202e <img src=x onerror=alert(1)> {{ 7*7 }}"


def hostile(folder: Path) -> ReportContent:
    """Return a comparison in which every text from outside is hostile, and much was not measured."""
    samples = [Sample(f"{HOSTILE}{i}", s.transmission, s.reflection) for i, s in enumerate(scenes(31, 47)[:2])]
    dataset = pairs(folder / "pairs", samples, name=f"../{HOSTILE}", title=HOSTILE)
    own = photos(folder / "photos", samples, name="a/b?c#d%20", title="")
    label, other = f"a {HOSTILE}", "ibcln2020"
    partial = scores(dataset, label)
    standard = partial["standard"]
    assert isinstance(standard, Scores)
    first = PictureScores(standard.items[0].id, {**standard.items[0].values, "lpips": NotMeasured(HOSTILE)})
    items = (first, *standard.items[1:])
    base = comparison(folder / "base", height=24, width=32)
    hostile_model = Model(
        label,
        HOSTILE,
        Paper(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        (Override(HOSTILE, HOSTILE, HOSTILE),),
        0,
        Training((CurveStep(1, 0, {HOSTILE: 1.0, "nan": None}, 1e-4, 0.5),), 1, 1, 1, 0.5, "random", 1, (HOSTILE,)),
        NotMeasured(HOSTILE),
        Validation(dataset.name, (ValidationPoint(1, NotMeasured(HOSTILE)), ValidationPoint(2, standard))),
    )
    broken = Model(other, "IBCLN", hostile_model.paper, (), 0, NotMeasured(HOSTILE), NotMeasured(HOSTILE))
    content = ReportContent(
        name=HOSTILE,
        note=HOSTILE,
        protocols=PROTOCOLS,
        features="random",
        seed=0,
        device="cpu",
        engine=HOSTILE,
        models=(hostile_model, broken),
        datasets=(dataset, own),
        test=(dataset.name, own.name),
        results=(
            Result(
                label,
                dataset.name,
                predictions(folder / "p", dataset, samples, label, said=f"approximate: {HOSTILE}"),
                {**partial, "standard": Scores("standard", 1, METRICS, items, (HOSTILE,))},
            ),
            Result(other, dataset.name, NotMeasured(HOSTILE), {"standard": NotMeasured(HOSTILE)}),
            Result("input", dataset.name, None, scores(dataset, "input")),
        ),
        overlap=Overlap("accept", HOSTILE, 2, 2, (OverlapPair(HOSTILE, HOSTILE, HOSTILE, HOSTILE),)),
        stages=(
            StageRecord(
                f"train/{HOSTILE}",
                "train",
                "failed",
                "0" * 64,
                HOSTILE,
                "1" * 64,
                "local",
                "cpu",
                started=1_790_000_000.0,
                seconds=61.5,
                reasons=(HOSTILE,),
                warnings=(HOSTILE,),
                message=HOSTILE,
                hint=HOSTILE,
                memory=MemoryOverTime(0.5, (2**29, 2**30, None, 3 * 2**29), 2**30),
                machine=MachineRecord(
                    HOSTILE, HOSTILE, (HOSTILE,), 1, 2**30, HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE
                ),
            ),
            StageRecord("export/x", "export", "skipped", "2" * 64, "x", None, None, "cpu", message=HOSTILE),
        ),
        environments=(
            EnvironmentRecord(
                HOSTILE,
                "cpu",
                "local",
                HOSTILE,
                HOSTILE,
                {HOSTILE: HOSTILE},
                {HOSTILE: HOSTILE},
                sbom(HOSTILE, HOSTILE),
            ),
        ),
        spec=HOSTILE,
        spec_name=HOSTILE,
        commands=(HOSTILE,),
        program=base.program,
        warnings=(HOSTILE,),
        published=(published(dataset.name, HOSTILE),),
        explained=(explained(dataset.name, HOSTILE),),
    )
    return with_rankings(content)
