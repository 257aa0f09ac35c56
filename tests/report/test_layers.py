"""What of every picture is put into a report, and how far the networks' answers are apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest

from orchestrator.report.content import Picture, ReportContent
from orchestrator.report.pictures import AssetWriter, Shown
from orchestrator.report.thumbnails import COARSE_PX
from orchestrator.report.views.layers import ShownPicture, shown_pictures


@pytest.fixture
def placed(plausible: ReportContent, tmp_path: Path) -> Callable[[int], tuple[ShownPicture, ...]]:
    return lambda index: shown_pictures(plausible, plausible.datasets[index], AssetWriter(tmp_path).place).pictures


def answered(*levels: int) -> ShownPicture:
    """Return a picture whose answers are each of one level everywhere."""
    shown = {
        f"network {number}/transmission": Shown("", "", 3, 4, bytes([level]) * (3 * COARSE_PX**2))
        for number, level in enumerate(levels)
    }
    picture = Picture("one", None, None, None, 3, 4, "one.png")
    return ShownPicture(1, picture, "pictures/one", {"input": Shown("", "", 3, 4), **shown})


def test_answers_are_apart_by_the_mean_over_all_pairs() -> None:
    assert answered(0, 255).apart == 255
    assert answered(10, 20, 50).apart == pytest.approx((10 + 40 + 30) / 3)
    assert answered(7, 7).apart == 0


@pytest.mark.parametrize("levels", [(), (9,)])
def test_one_answer_is_apart_from_nothing(levels: tuple[int, ...]) -> None:
    assert answered(*levels).apart is None


def test_sketches_are_of_the_pictures(placed: Callable[[int], tuple[ShownPicture, ...]]) -> None:
    first = placed(0)[0]
    sketch = np.frombuffer(first.shown["truth"].sketch, np.uint8).reshape(COARSE_PX, COARSE_PX, 3)
    assert sketch.std() > 10
    assert first.shown["true reflection"].sketch == b""
    assert first.apart is not None
    assert 1 < first.apart < 60


def test_layers_are_grouped_by_network_and_say_what_they_are(plausible: ReportContent, tmp_path: Path) -> None:
    found = shown_pictures(plausible, plausible.datasets[0], AssetWriter(tmp_path).place)
    assert [layer.key for layer in found.layers] == [
        "input",
        "truth",
        "true reflection",
        "zhang2018/transmission",
        "zhang2018/reflection",
        "errnet2019/transmission",
        "ibcln2020/transmission",
        "ibcln2020/reflection",
        "ibcln2020/step 1",
        "ibcln2020/step 2",
    ]
    assert found.layers[-1].path == PurePosixPath("03-ibcln2020/step-2")
    assert found.layers[-1].full_title == "IBCLN 2020, step 2"


def test_picture_without_input_is_left_out_and_keeps_the_others_numbers(
    plausible: ReportContent, tmp_path: Path
) -> None:
    dataset = plausible.datasets[0]
    items = (replace(dataset.items[0], blended=None), *dataset.items[1:])
    found = shown_pictures(plausible, replace(dataset, items=items), AssetWriter(tmp_path).place)
    assert [picture.anchor for picture in found.pictures] == ["picture-2", "picture-3", "picture-4"]
