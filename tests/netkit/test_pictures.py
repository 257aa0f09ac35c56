"""Pictures are read, resized, cut and written without surprises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netkit.pictures import RESIZE_METHODS, crop, flip, read_picture, resize, write_picture
from netkit.seeded import seeded_image
from stagekit import BadInput


def test_written_picture_comes_back_rounded_to_8_bit(tmp_path: Path) -> None:
    picture = seeded_image("p", 13, 21) * 1.2 - 0.1
    write_picture(str(tmp_path / "p.png"), picture)
    np.testing.assert_allclose(read_picture(str(tmp_path / "p.png")), np.clip(picture, 0, 1), atol=0.5001 / 255)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_damaged_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "odd.png").write_bytes(content)
    with pytest.raises(BadInput, match=r"odd\.png cannot be read as a picture"):
        read_picture(str(tmp_path / "odd.png"))


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_resize_keeps_a_gradient_and_answers_the_size(method: str) -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 40, dtype=np.float32)[None, :, None], (30, 40, 3))
    for height, width in ((15, 20), (61, 83)):
        found = resize(ramp, height, width, method)
        assert found.shape == (height, width, 3)
        expected = np.clip((np.arange(width) + 0.5) * 40 / width - 0.5, 0, 39) / 39
        np.testing.assert_allclose(found[height // 2, 2:-2, 1], expected[2:-2], atol=0.01)


def test_opencv_bilinear_takes_the_four_nearest_pixels_even_when_it_shrinks() -> None:
    picture = np.zeros((1, 8, 3), np.float32)
    picture[0, 3:5] = 1
    # Columns of the result lie at 1.5 and 5.5 in the picture: neither sees columns 3 and 4.
    np.testing.assert_array_equal(resize(picture, 1, 2, "opencv-bilinear"), np.zeros((1, 2, 3)))


def test_resize_to_its_own_size_changes_nothing() -> None:
    picture = seeded_image("p", 6, 7)
    assert resize(picture, 6, 7, "pillow-bicubic") is picture


def test_crop_and_flip() -> None:
    picture = np.arange(4 * 5 * 3, dtype=np.float32).reshape(4, 5, 3)
    np.testing.assert_array_equal(crop(picture, 1, 2, (3, 2)), picture[1:4, 2:4])
    np.testing.assert_array_equal(flip(picture)[2, 0], picture[2, 4])
