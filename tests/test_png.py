"""PNG pictures of 8 and 16 bits as arrays, beside libvips."""

import numpy as np
import pytest
import pyvips

from orchestrator.png import read_png, write_png

SLOPES = np.add.outer(np.arange(64) * 300, np.arange(48) * 500)[..., None] + np.array([1, 200, 4000])


def pixels(kind: str) -> np.ndarray:
    return (SLOPES if kind == "uint16" else SLOPES >> 8).astype(kind)


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_what_is_written_is_read_by_others_and_here(kind: str) -> None:
    found = pyvips.Image.pngload_buffer(write_png(pixels(kind))).numpy()
    assert found.dtype == kind
    np.testing.assert_array_equal(found, pixels(kind))
    np.testing.assert_array_equal(read_png(write_png(pixels(kind))), pixels(kind))
    assert read_png(write_png(pixels(kind))).dtype == kind


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_what_others_write_is_read(kind: str, interlace: bool) -> None:
    picture = pyvips.Image.new_from_array(pixels(kind)).copy(interpretation="rgb16" if kind == "uint16" else "srgb")
    found = read_png(picture.pngsave_buffer(interlace=interlace, filter="all"))
    assert found.dtype == kind
    np.testing.assert_array_equal(found, pixels(kind))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot identify"),
        (b"GIF89a", "cannot identify"),
        (write_png(pixels("uint16"))[:900], "truncated"),
        (pyvips.Image.new_from_array(pixels("uint8")[..., 0]).pngsave_buffer(), "mode L"),
    ],
)
def test_what_is_no_picture_of_rgb_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_png(content)
