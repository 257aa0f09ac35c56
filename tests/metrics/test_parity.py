"""The three protocols give the reference numbers, to 1e-6 of their value."""

from __future__ import annotations

import pytest

from orchestrator.metrics import course2024, errnet2019, standard
from tests.metrics.conftest import PARITY, parity_pictures

TAGS = sorted(PARITY)


@pytest.mark.parametrize("tag", TAGS)
def test_standard_gives_the_reference_numbers(tag: str) -> None:
    prediction, truth = parity_pictures(tag)
    expected = PARITY[tag]["rgb"]
    assert standard.psnr(prediction, truth) == pytest.approx(expected["psnr_over_all_channels"], rel=1e-6)
    found = standard.ssim(prediction, truth)
    assert found == pytest.approx(expected["ssim_gaussian_sigma1.5_channel_mean"], rel=1e-6)


@pytest.mark.parametrize("metric", ["psnr", "ssim", "lmse", "ncc"])
@pytest.mark.parametrize("tag", TAGS)
def test_errnet2019_gives_the_reference_numbers(tag: str, metric: str) -> None:
    found = getattr(errnet2019, metric)(*parity_pictures(tag))
    assert found == pytest.approx(PARITY[tag]["errnet2019"][metric], rel=1e-6)


@pytest.mark.parametrize("tag", TAGS)
def test_course2024_gives_the_reference_numbers(tag: str) -> None:
    prediction, truth = parity_pictures(tag)
    expected = PARITY[tag]["course2024"]
    assert course2024.psnr(prediction, truth) == pytest.approx(expected["psnr"], rel=1e-6)
    assert course2024.ssim(prediction, truth) == pytest.approx(expected["ssim"], rel=1e-6)
    without = course2024.psnr_without_wraparound(prediction, truth)
    assert without == pytest.approx(expected["psnr_grey_without_wraparound"], rel=1e-6)
