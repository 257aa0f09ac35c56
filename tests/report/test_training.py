"""The training page: what a training needed, validation curves, adopted weights."""

import json
import math
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from orchestrator.report.content import NotMeasured, PictureScores, ReportContent, Scores, Validation, ValidationPoint
from orchestrator.report.render import render_report
from orchestrator.report.training_content import Adoption, Memory
from orchestrator.report.views.header import OTHER_PRECISION
from orchestrator.report.views.training import training_view
from orchestrator.spec.scoring import chosen_protocol
from tests.report.hostile_sample import HOSTILE
from tests.report.report_sample import METRICS

GIB = 2**30
ADOPTED = Adoption("released", 36, 18_961_731, "errnet_060.pt", "5a" * 32, ("the optimiser was left out",))


def with_model(content: ReportContent, **changes: object) -> ReportContent:
    """Return the content with changes of its second model."""
    first, second, third = content.models
    return replace(content, models=(first, replace(second, **changes), third))


def scored(*values: float | NotMeasured, metric: str = "psnr") -> Scores:
    return Scores("standard", 1, (metric,), tuple(PictureScores(str(n), {metric: v}) for n, v in enumerate(values)))


def validated(content: ReportContent, *points: ValidationPoint, metric: str = "psnr") -> ReportContent:
    validation = Validation("skimage-test", points)
    return replace(with_model(content, validation=validation), protocols=(chosen_protocol("standard", (metric,)),))


def text_of(path: Path) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", path.read_text(encoding="utf-8"))).split())


def test_a_validated_training_has_a_curve_of_every_metric(plausible: ReportContent) -> None:
    every = tuple(
        ValidationPoint(epoch, Scores("standard", 1, METRICS, (PictureScores("a", dict(values)),)))
        for epoch, values in (
            (2, {"psnr": 20.5, "ssim": 0.81, "lpips": 0.2}),
            (3, {"psnr": 23.25, "ssim": 0.9, "lpips": 0.1}),
        )
    )
    view = training_view(with_model(plausible, validation=Validation("skimage-test", every)))
    charts = [chart for chart in view.models[1].charts if chart.key.startswith("validation")]
    assert [chart.title for chart in charts] == [
        "Validation PSNR ↑ on Held-out scenes",
        "Validation SSIM ↑ on Held-out scenes",
        "Validation LPIPS, random features ↓ on Held-out scenes",
    ]
    assert charts[0].caption == "epoch 2: 20.50 dB; epoch 3: 23.25 dB"
    figure = view.figures[charts[0].key]
    assert (figure["xTitle"], figure["data"][0]["x"], figure["data"][0]["y"]) == ("epoch", [2, 3], [20.5, 23.25])
    assert not [chart for chart in view.models[0].charts if chart.key.startswith("validation")]


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        pytest.param(NotMeasured("export failed"), "epoch 2: not measured: export failed", id="no-result"),
        pytest.param(scored(20.0, NotMeasured("too small")), "epoch 2: not measured: too small", id="one-picture"),
        pytest.param(scored(), "epoch 2: not measured: no picture was scored", id="no-picture"),
        pytest.param(scored(20.0, metric="ssim"), "epoch 2: not measured: the evaluation has no", id="no-metric"),
        pytest.param(scored(math.inf), "epoch 2: all pictures are identical to the truth", id="identical"),
    ],
)
def test_an_epoch_that_cannot_stand_beside_the_others_is_a_gap_with_a_reason(
    plausible: ReportContent, scores: Scores | NotMeasured, said: str
) -> None:
    points = (ValidationPoint(2, scores), ValidationPoint(4, scored(21.0, 22.0)))
    view = training_view(validated(plausible, *points))
    chart = view.models[1].charts[-1]
    assert said in chart.caption
    assert "epoch 4: 21.50 dB" in chart.caption
    assert view.figures[chart.key]["data"][0]["y"] == [None, 21.5]


def test_identical_pictures_are_left_out_of_an_epochs_mean_and_counted(plausible: ReportContent) -> None:
    view = training_view(validated(plausible, ValidationPoint(2, scored(20.0, math.inf))))
    chart = view.models[1].charts[-1]
    assert chart.caption == "epoch 2: 20.00 dB (1 of 2 finite)"
    assert view.figures[chart.key]["data"][0]["y"] == [20.0]


def test_validation_is_in_no_other_table(plausible: ReportContent, tmp_path: Path) -> None:
    content = replace(validated(plausible, ValidationPoint(2, scored(11.11))), protocols=plausible.protocols)
    render_report(content, tmp_path)
    for page in tmp_path.glob("*.html"):
        assert ("11.11" in page.read_text(encoding="utf-8")) == (page.name == "training.html"), page.name


def test_what_a_training_needed_is_told(plausible: ReportContent, tmp_path: Path) -> None:
    training = plausible.models[1].training
    memory = Memory("cuda", 7 * GIB, 8 * GIB, 224, 320, 2, ("activation checkpointing", "accumulation"))
    content = with_model(plausible, training=replace(training, seconds=200.0, waiting_s=50.0, memory=memory))
    render_report(content, tmp_path)
    said = (
        "at most 7.0 GiB of 8.0 GiB device memory for 320 \u00d7 224 pixels in batches of 2 "
        "with activation checkpointing and accumulation"
    )
    assert said in text_of(tmp_path / "training.html")
    assert said in text_of(tmp_path / "provenance.html")
    assert "25% of the time waiting for samples" in text_of(tmp_path / "training.html")


def test_adopted_weights_are_told_instead_of_curves(plausible: ReportContent, tmp_path: Path) -> None:
    render_report(with_model(plausible, training=ADOPTED, overrides=()), tmp_path)
    for name in ("training.html", "provenance.html"):
        said = text_of(tmp_path / name)
        for part in ("adopted", "errnet_060.pt", "5a" * 32, "18,961,731", "in the authors' format", *ADOPTED.notes):
            assert part in said, (name, part)
    assert "adopted: authors' format" in text_of(tmp_path / "index.html")
    assert "The recipe is the paper's." not in text_of(tmp_path / "provenance.html")
    figures = (tmp_path / "training.html").read_text(encoding="utf-8").partition('id="figures">')[2]
    assert not [key for key in json.loads(figures.partition("</script>")[0]) if key.startswith("loss-1-")]


def test_another_precision_than_the_papers_is_said_on_top(plausible: ReportContent, tmp_path: Path) -> None:
    note = "trained in mixed precision (bfloat16), which the paper did not do"
    training = replace(plausible.models[1].training, notes=(note, "7 samples were skipped"))
    render_report(with_model(plausible, training=training), tmp_path)
    before, _, _ = text_of(tmp_path / "index.html").partition("Scores")
    assert f"ERRNet 2019: {note}" in before
    assert "7 samples were skipped" not in before


def test_the_words_of_other_precision_are_those_of_the_images() -> None:
    source = (Path(__file__).parents[2] / "images/netkit/torch_training.py").read_text(encoding="utf-8")
    assert all(f"trained in {words}" in source or f"trained with {words}" in source for words in OTHER_PRECISION)


def test_hostile_adoption_and_validation_are_shown_as_they_are_written(
    plausible: ReportContent, tmp_path: Path
) -> None:
    hostile = replace(ADOPTED, checkpoint=HOSTILE, notes=(HOSTILE,))
    dataset = replace(plausible.datasets[0], title=HOSTILE)
    content = with_model(plausible, training=hostile)
    validation = Validation("skimage-test", (ValidationPoint(1, NotMeasured(HOSTILE)),))
    first = replace(plausible.models[0], validation=validation)
    render_report(
        replace(content, models=(first, *content.models[1:]), datasets=(dataset, *plausible.datasets[1:])), tmp_path
    )
    for name in ("training.html", "provenance.html"):
        page = (tmp_path / name).read_text(encoding="utf-8")
        assert "<b>x" not in page
        assert "onerror=alert(1)>" not in page
        assert "&lt;b&gt;x" in page


def test_a_dataset_that_is_only_validated_on_is_called_so(plausible: ReportContent, tmp_path: Path) -> None:
    own = replace(plausible.datasets[0], name="mine", title="Mine")
    content = with_model(plausible, validation=Validation("mine", (ValidationPoint(3, scored(20.0)),)))
    render_report(replace(content, datasets=(*plausible.datasets, own)), tmp_path)
    assert "pairs, validated on" in text_of(tmp_path / "provenance.html")
