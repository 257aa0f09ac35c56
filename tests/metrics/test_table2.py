"""The unprocessed input of CEILNet's table 2 scores what was found independently."""

import math

import numpy as np
import pytest

from orchestrator.metrics.evaluate import picture_scores
from orchestrator.metrics.ranking import Mean, ranking
from tests.metrics.conftest import metrics_of
from tests.metrics.table2 import table2_comparisons


def means(protocol: str, *names: str) -> tuple[list[str], dict[str, Mean]]:
    """Return the pictures' names, and the mean of every metric of the unprocessed input."""
    comparisons = table2_comparisons()
    scores = picture_scores(comparisons, metrics_of(protocol, names), lambda: None, workers=2)
    arrays = {name: np.array([[of_picture[name] for of_picture in scores.values()]]) for name in names}
    return list(scores), {name: ranking({name: array}, "higher").means[name] for name, array in arrays.items()}


@pytest.mark.slow
def test_input_under_standard() -> None:
    _, found = means("standard", "psnr", "ssim")
    assert found["psnr"].value == pytest.approx(14.07, abs=0.005)
    assert found["ssim"].value == pytest.approx(0.774, abs=0.0005)
    assert len(found["psnr"].finite) == len(found["ssim"].finite) == 100


@pytest.mark.slow
def test_input_under_errnet2019_is_a_mean_over_99_and_names_the_other() -> None:
    names, found = means("errnet2019", "psnr", "ssim")
    assert found["psnr"].value == pytest.approx(14.62, abs=0.005)
    assert found["ssim"].value == pytest.approx(0.754, abs=0.0005)
    assert len(found["psnr"].finite) == 99
    assert [names[index] for index in found["psnr"].infinite] == ["2009_000653"]


@pytest.mark.slow
def test_input_under_course2024_looks_best_where_nothing_was_done() -> None:
    _, found = means("course2024", "psnr", "psnr_grey", "ssim", "ssim_grey", "wrapped")
    assert found["psnr"].value == pytest.approx(29.66, abs=0.005)
    assert found["psnr_grey"].value == pytest.approx(14.27, abs=0.005)
    assert found["ssim"].value == pytest.approx(0.840, abs=0.0005)
    assert found["ssim_grey"].value == pytest.approx(0.780, abs=0.0005)
    assert found["wrapped"].value is not None
    assert math.isclose(found["wrapped"].value, 0.7, abs_tol=0.2)
