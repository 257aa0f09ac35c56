"""Defects of a published comparison, by their numbers: each cannot happen here, or is seen.

The numbers are those of a list of twenty: the manual comparison that this program replaces wrapped around in 8-bit
arithmetic (1), drew a conclusion from that (2), had three SSIMs in one table (3), and so on. Those that concern data
stand beside this file.
"""

import csv
import io
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from skimage.metrics import peak_signal_noise_ratio

from orchestrator.environments.recipe import context_files
from orchestrator.execute.rankings import with_rankings
from orchestrator.metrics import course2024, errnet2019, standard
from orchestrator.metrics.evaluate import perceptual_scores
from orchestrator.metrics.pictures import ScoredPicture, read_pictures
from orchestrator.metrics.protocol import function_of
from orchestrator.plan.plan import Plan
from orchestrator.report.content import NotMeasured, ReportContent, Result, Scores
from orchestrator.report.render import render_report
from orchestrator.report.views.published import published_view
from orchestrator.report.views.summary import summary_view
from orchestrator.spec.load import load_image
from stagekit.measures import PROTOCOLS
from stagekit.results.scores import NotMeasured as NoScore
from stagekit.results.scores import Score
from tests.metrics.conftest import picture, save
from tests.metrics.table2 import table2_comparisons
from tests.plan.conftest import planned  # noqa: F401 - a fixture
from tests.report.report_sample import comparison, published

FLOOR = 10 * math.log10(255**2 / 249)
"""24.169 dB: the wrapped formula can never fall below, for 249 is the largest of the squares modulo 256."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> ReportContent:
    return comparison(tmp_path_factory.mktemp("comparison"), height=24, width=32)


@given(arrays(np.uint8, (4, 5, 3)), arrays(np.uint8, (4, 5, 3)))
def test_defect_01_psnr_does_not_wrap_around(prediction: np.ndarray, truth: np.ndarray) -> None:
    if (prediction == truth).all():
        assert standard.psnr(prediction, truth) == math.inf
        return
    expected = peak_signal_noise_ratio(truth.astype(float), prediction.astype(float), data_range=255)
    assert standard.psnr(prediction, truth) == pytest.approx(expected, abs=1e-9)
    channels = [standard.psnr(prediction[..., c], truth[..., c]) for c in range(3)]
    assert errnet2019.psnr(prediction, truth) == pytest.approx(np.mean(channels))


@given(arrays(np.uint8, (12, 13, 3)), arrays(np.uint8, (12, 13, 3)))
@settings(max_examples=50)
def test_defect_01_the_wrapped_formula_saturates_and_is_known_to(prediction: np.ndarray, truth: np.ndarray) -> None:
    wrong = course2024.psnr(prediction, truth)
    assert wrong >= FLOOR - 1e-9
    if course2024.wrapped(prediction, truth) == 0:
        assert wrong == course2024.psnr_without_wraparound(prediction, truth)


@pytest.mark.parametrize("levels", [16, 32, 48, 64, 128])
def test_defect_01_differences_that_the_wrapped_formula_does_not_see(levels: int) -> None:
    truth = np.zeros((12, 13, 3), np.uint8)
    assert course2024.psnr(truth + np.uint8(levels), truth) == math.inf
    assert course2024.wrapped(truth + np.uint8(levels), truth) == 1
    assert standard.psnr(truth + np.uint8(levels), truth) == pytest.approx(20 * math.log10(255 / levels))


Change = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@pytest.mark.parametrize(
    ("change", "true", "wrapped"),
    [
        pytest.param(lambda blended, truth, other, draw: blended, 14.27, 29.66, id="unprocessed input"),
        pytest.param(
            lambda blended, truth, other, draw: blended // 2 + truth // 2 + (blended & truth & 1),
            20.35,
            29.99,
            id="half-way between input and truth",
        ),
        pytest.param(lambda blended, truth, other, draw: other, 8.97, 27.91, id="another picture's truth"),
        pytest.param(lambda blended, truth, other, draw: np.zeros_like(truth), 6.58, 27.96, id="black picture"),
        pytest.param(
            lambda blended, truth, other, draw: draw.integers(0, 256, truth.shape, np.uint8),
            9.69,
            27.90,
            id="random noise",
        ),
    ],
)
def test_defect_01_the_saturation_is_reproduced_on_table_2(change: Change, true: float, wrapped: float) -> None:
    pairs = [read_pictures(item) for item in table2_comparisons()]
    pictures = [pair for pair in pairs if not isinstance(pair, NoScore)]
    draw = np.random.default_rng(1)
    scores = []
    for index, (blended, truth) in enumerate(pictures):
        prediction = change(blended, truth, pictures[(index + 1) % len(pictures)][1], draw)
        scores.append((course2024.psnr_without_wraparound(prediction, truth), course2024.psnr(prediction, truth)))
    means = np.mean(scores, axis=0)
    assert means[0] == pytest.approx(true, abs=0.006)
    assert means[1] == pytest.approx(wrapped, abs=0.006)


def test_defect_02_a_saturated_number_stands_in_no_table_with_an_honest_one(content: ReportContent) -> None:
    for table in summary_view(content).tables:
        protocol = next(protocol for protocol in content.protocols if protocol.label == table.name)
        assert bool(table.fault) == bool(protocol.fault)
        assert not (table.fault and (table.any_best or table.any_beside))
    assert summary_view(content).tables[0].fault == ""
    faulty = [found for found in content.rankings if PROTOCOLS[found.protocol].fault]
    assert faulty
    assert not any(found.best or found.pairs or found.beside for found in faulty)


def test_defect_02_faulty_scores_are_marked_in_every_file(content: ReportContent, tmp_path: Path) -> None:
    render_report(content, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text(encoding="utf-8"))))
    for protocol in content.protocols:
        own = [row for row in rows if row["protocol"] == protocol.name]
        assert own
        assert all(bool(row["fault"]) == bool(protocol.fault) for row in own)
    for page in tmp_path.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert len(re.findall("course2024 v1", text)) == len(re.findall("course2024 v1, faulty", text)), page.name


def test_defect_03_every_ssim_is_named_by_its_protocol(content: ReportContent) -> None:
    definitions = {
        metric.definition for protocol in PROTOCOLS.values() for metric in protocol.metrics if metric.name == "ssim"
    }
    assert len(definitions) == 4  # WindowSeat's is ERRNet's, of rounded pictures
    tables = summary_view(content).tables
    assert len({table.name for table in tables}) == len(tables) == 3


def test_defect_03_the_constants_explain_what_the_table_printed() -> None:
    pairs = [pair for pair in map(read_pictures, table2_comparisons()[::4]) if not isinstance(pair, NoScore)]

    def mean(sigma: float, k2: float) -> float:
        return float(np.mean([course2024.grey_ssim(*pair, sigma=sigma, k2=k2) for pair in pairs]))

    usual, both = mean(1.5, 0.03), mean(0.5, 0.04)
    assert usual < mean(1.5, 0.04) < mean(0.5, 0.03) < both
    assert both - usual == pytest.approx(0.06, abs=0.02)
    assert both == pytest.approx(float(np.mean([course2024.ssim(*pair) for pair in pairs])))


@pytest.mark.parametrize("protocol", ["standard", "errnet2019"])
@pytest.mark.parametrize("name", ["psnr", "ssim"])
def test_defect_04_colours_count(protocol: str, name: str) -> None:
    truth = picture("truth", 30, 41)
    shifted = truth.astype(int)
    shifted += (10, -2, -16)
    prediction = np.clip(shifted, 0, 255).astype(np.uint8)
    metric = function_of(PROTOCOLS[protocol].metric(name))
    assert metric(prediction, truth) != metric(truth, truth)
    grey = np.abs(course2024.grey(prediction).astype(int) - course2024.grey(truth))
    assert np.median(grey) <= 1


class _Red:
    """Answers the mean of the first channel."""

    def distances(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[Score]:
        return [float(prediction[..., 0].mean()) for prediction, _ in pairs]


def test_defect_05_lpips_is_fed_red_first(tmp_path: Path) -> None:
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 0] = 200
    save(tmp_path / "red.png", red)
    items = [ScoredPicture("red", tmp_path / "red.png", tmp_path / "red.png")]
    assert perceptual_scores(items, _Red(), lambda: None) == {"red": 200.0}
    assert perceptual_scores(items, _Red(), lambda: None, swapped=True) == {"red": 0.0}


def test_defect_10_the_code_that_computes_a_score_is_in_its_key() -> None:
    files = set(context_files(load_image("metrics"), "cpu"))
    metrics = Path(standard.__file__).parent
    assert {f"orchestrator/metrics/{path.name}" for path in metrics.glob("*.py")} <= {
        name.removeprefix("code/") for name in files
    }


def test_defect_12_scores_of_the_same_pictures_are_the_same_again() -> None:
    prediction, truth = picture("a", 33, 47), picture("b", 33, 47)
    for protocol in PROTOCOLS.values():
        for metric in (function_of(metric) for metric in protocol.metrics if not metric.features):
            assert metric(prediction, truth) == metric(prediction, truth)


def test_defect_15_a_cell_without_a_number_says_why(content: ReportContent) -> None:
    why = NotMeasured("infer/zhang2018/skimage-test failed: memory did not suffice for 1935 x 2942 pixels")
    results = tuple(
        replace(result, scores=dict.fromkeys(result.scores, why)) if result.label == "zhang2018" else result
        for result in content.results
    )
    for table in summary_view(with_rankings(replace(content, results=results))).tables:
        cells = next(row for row in table.rows if row.label == "zhang2018").cells
        assert [cell.text for cell in cells] == [f"not measured: {why.why}"]
        assert all(cell.value for row in table.rows if row.label != "zhang2018" for cell in row.cells)


def test_defect_16_doing_nothing_is_in_every_comparison(
    planned: Callable[..., tuple[Plan, object]],  # noqa: F811 - the fixture
) -> None:
    plan, _ = planned(test=["skimage-test"], protocols=list(PROTOCOLS))
    stages = {stage.name for stage in plan.stages if stage.kind == "evaluate"}
    for protocol in PROTOCOLS:
        assert {f"evaluate/{control}/skimage-test/{protocol}" for control in ("input", "truth")} <= stages


def test_defect_16_unequal_training_is_told_beside_the_scores(content: ReportContent, tmp_path: Path) -> None:
    text = render_report(content, tmp_path).read_text(encoding="utf-8")
    for words in ("Trained for", "240 samples", "2 values differ"):
        assert words in text


def test_defect_17_the_number_of_pictures_is_counted_not_claimed(content: ReportContent) -> None:
    kept = content.datasets[0].items[:3]
    fewer = replace(content.datasets[0], items=kept)
    results = []
    for result in content.results:
        scores = {
            name: replace(scores, items=scores.items[:3]) if isinstance(scores, Scores) else scores
            for name, scores in result.scores.items()
        }
        results.append(Result(result.label, result.dataset, result.predictions, scores))
    changed = with_rankings(replace(content, datasets=(fewer, content.datasets[1]), results=tuple(results)))
    for table in summary_view(changed).tables:
        assert [dataset.pictures for dataset in table.datasets] == ["3 pictures"]
        assert {row.cells[-1].text for row in (*table.rows, *table.controls)} == {"3"}


def test_defect_17_numbers_over_other_counts_are_not_set_against_each_other(content: ReportContent) -> None:
    view = published_view(replace(content, published=(published("skimage-test"),)))
    lines = {line.n: line for network in view.datasets[0].networks if network.own for line in network.lines}
    assert lines["4"].numbers[0].difference
    assert not lines["179"].numbers[0].difference
    assert lines["179"].numbers[0].why == "179 pictures there, 4 here"


def test_defect_19_all_networks_are_scored_against_the_same_truth(
    planned: Callable[..., tuple[Plan, object]],  # noqa: F811 - the fixture
) -> None:
    plan, _ = planned(test=["skimage-test"])
    truths = {stage.inputs["dataset"] for stage in plan.stages if stage.kind == "evaluate"}
    assert truths == {"prepare/skimage-test"}


def test_infinite_channel_makes_no_mean_infinite_in_silence() -> None:
    truth = picture("truth", 30, 41)
    prediction = truth.copy()
    prediction[..., :2] = 255 - prediction[..., :2]
    assert errnet2019.psnr(prediction, truth) == math.inf
    assert math.isfinite(standard.psnr(prediction, truth))
