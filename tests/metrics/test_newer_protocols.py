"""The protocols of newer papers give the numbers of the packages that their programs call."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.metrics

from orchestrator.metrics import ntire2026, standard
from orchestrator.metrics.evaluate import perceptual_scores, picture_scores
from orchestrator.metrics.multiscale import ms_ssim
from orchestrator.metrics.pictures import control_pictures
from orchestrator.metrics.protocol import function_of
from stagekit.measures import PROTOCOLS
from stagekit.results.scores import NotMeasured, Score
from tests.metrics.conftest import WritePictures, metrics_of, picture

INNER = np.s_[4:-4, 4:-4]
SIZES = {"even": (176, 208, 0.2), "odd": (187, 173, 0.35), "mixed": (162, 201, 0.6), "small": (40, 50, 0.3)}
"""Height, width, and the share of another picture in the prediction."""

PIQ = {"even": 0.9309439792560369, "odd": 0.8244290788467238, "mixed": 0.5582618854844585, "opposite": 0.0}
"""multi_scale_ssim of piq 0.8.0, in double precision."""

PYIQA = {
    "even": (27.318939114045058, 0.9446529083962756),
    "odd": (22.301815444000837, 0.8435216120605592),
    "mixed": (17.93193530764953, 0.6515558266898757),
    "small": (21.422244091606256, 0.8294316564757066),
    "opposite": (9.683634110866935, 0.03325783672333234),
}
"""psnr and ssim of pyiqa 0.1.16 without four pixels along each side, in double precision."""


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a prediction and its truth; the opposite of a picture has opposite contrasts everywhere."""
    if name == "opposite":
        truth = picture("opposite/truth", 170, 190)
        return 255 - truth, truth
    height, width, share = SIZES[name]
    truth, other = picture(f"{name}/truth", height, width), picture(f"{name}/other", height, width)
    return np.round(truth * (1 - share) + other * share).astype(np.uint8), truth


@pytest.mark.parametrize("name", PIQ)
def test_ms_ssim_is_that_of_piq(name: str) -> None:
    assert ms_ssim(*pair(name)) == pytest.approx(PIQ[name], abs=2e-8)


@pytest.mark.parametrize("name", PYIQA)
def test_ntire2026_gives_the_numbers_of_pyiqa(name: str) -> None:
    prediction, truth = (pixels[INNER] for pixels in pair(name))
    psnr, ssim = PYIQA[name]
    assert ntire2026.psnr(prediction, truth) == pytest.approx(psnr, abs=1e-6)
    assert ntire2026.ssim(prediction, truth) == pytest.approx(ssim, abs=5e-7)


def test_a_window_with_opposite_contrasts_counts_as_nothing_in_ntire2026_alone() -> None:
    prediction, truth = pair("opposite")
    found, usual = ntire2026.ssim(prediction, truth), standard.ssim(prediction, truth)
    assert isinstance(found, float)
    assert isinstance(usual, float)
    assert usual < 0 < found


@pytest.mark.parametrize("name", SIZES)
def test_windowseat2025_gives_the_numbers_of_scikit_image(name: str) -> None:
    prediction, truth = pair(name)
    protocol = PROTOCOLS["windowseat2025"]
    scaled = [pixels.astype(np.float32) / np.float32(255) for pixels in (truth, prediction)]
    psnr = skimage.metrics.peak_signal_noise_ratio(*scaled, data_range=1.0)
    ssim = skimage.metrics.structural_similarity(*scaled, data_range=1.0, channel_axis=-1)
    assert function_of(protocol.metric("psnr"))(prediction, truth) == pytest.approx(psnr, rel=1e-6)
    assert function_of(protocol.metric("ssim"))(prediction, truth) == pytest.approx(ssim, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(160, 300), (300, 160)])
def test_ms_ssim_of_pictures_too_small_for_five_scales_is_not_measured(height: int, width: int) -> None:
    score = ms_ssim(picture("a", height, width), picture("b", height, width))
    assert isinstance(score, NotMeasured)
    assert "less than MS-SSIM needs (161 x 161)" in score.not_measured
    assert isinstance(ms_ssim(picture("a", 161, 161), picture("b", 161, 161)), float)


def test_ms_ssim_tells_what_stands_in_the_last_row_and_column() -> None:
    prediction, truth = pair("odd")
    for place in (np.s_[-1], np.s_[:, -1], np.s_[0], np.s_[:, 0]):
        changed = prediction.copy()
        changed[place] = 255 - changed[place]
        assert ms_ssim(changed, truth) != ms_ssim(prediction, truth)


def test_pictures_are_scored_without_their_borders_where_the_protocol_says_so(write_dataset: WritePictures) -> None:
    comparisons = control_pictures(write_dataset("1"), "input")
    found = picture_scores(comparisons.items, metrics_of("ntire2026", ("psnr", "ssim")), lambda: None, border=4)["1"]
    blended, truth = (picture(f"{layer}/1")[INNER] for layer in ("blended", "transmission"))
    assert found == {"psnr": ntire2026.psnr(blended, truth), "ssim": ntire2026.ssim(blended, truth)}
    whole = picture_scores(comparisons.items, metrics_of("standard", ("psnr",)), lambda: None)["1"]
    assert whole["psnr"] == standard.psnr(picture("blended/1"), picture("transmission/1"))


class _Shape:
    """Answers how many pixels it is shown."""

    def distances(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> list[Score]:
        return [float(truth[..., 0].size) for _, truth in pairs]


def test_lpips_is_shown_pictures_without_their_borders_too(write_dataset: WritePictures) -> None:
    comparisons = control_pictures(write_dataset("1"), "input")
    assert perceptual_scores(comparisons.items, _Shape(), lambda: None, border=4)["1"] == 32 * 42
    assert perceptual_scores(comparisons.items, _Shape(), lambda: None)["1"] == 40 * 50
    too_small = perceptual_scores(comparisons.items, _Shape(), lambda: None, border=20)["1"]
    assert isinstance(too_small, NotMeasured)
    assert "a picture without 20 pixels along each side" in too_small.not_measured
