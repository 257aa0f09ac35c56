"""Pictures as arrays: float32 RGB in [0, 1], (H, W, 3); read, resized, cut, written."""

import os
from typing import Tuple

import numpy as np
from PIL import Image

from stagekit import BadInput, write_atomically

_PILLOW = {"pillow-bilinear": Image.Resampling.BILINEAR, "pillow-bicubic": Image.Resampling.BICUBIC}

RESIZE_METHODS = ("opencv-bilinear", *_PILLOW)
"""Ways of resizing: OpenCV's bilinear interpolation, without smoothing, on floats; Pillow's, which smooths when it
shrinks, on 8-bit values."""


def read_picture(path: str) -> np.ndarray:
    """Return a prepared picture, float32 RGB in [0, 1].

    Raises:
        BadInput: Where the file is missing or is not a readable picture.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"), np.float32) / 255
    except (OSError, ValueError, SyntaxError) as error:
        raise BadInput("%s cannot be read as a picture: %s" % (os.path.basename(path), error)) from error


def read_pair(first: str, second: str) -> Tuple[np.ndarray, np.ndarray]:
    """Return two prepared pictures of one scene, as `read_picture`.

    Raises:
        BadInput: Where one cannot be read, or where they differ in size.
    """
    pair = read_picture(first), read_picture(second)
    if pair[0].shape != pair[1].shape:
        sizes = [
            "%s has %d x %d pixels" % (name_of(path), *pixels.shape[:2]) for path, pixels in zip((first, second), pair)
        ]
        raise BadInput(
            "the pictures of a pair differ in size: %s" % " and ".join(sizes),
            "prepare the pair again, or take it out of the training data",
        )
    return pair


def name_of(path: str) -> str:
    """Return a prepared picture's file with the folder of its role, for messages."""
    return "/".join(path.split(os.sep)[-2:])


def write_picture(path: str, picture: np.ndarray) -> None:
    """Write a picture as an 8-bit PNG, clipped to [0, 1] and rounded; the name appears when the file is whole."""
    with write_atomically(path) as stream:
        Image.fromarray(as_bytes(picture)).save(stream, "PNG")


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """Return a float picture as uint8, clipped to [0, 1] and rounded."""
    return np.asarray(np.round(np.clip(picture, 0, 1) * 255), np.uint8)


def resize(picture: np.ndarray, height: int, width: int, method: str) -> np.ndarray:
    """Return the picture at another size, in one of `RESIZE_METHODS`; at its own size it is returned as it is.

    Raises:
        KeyError: For another method.
    """
    if picture.shape[:2] == (height, width):
        return picture
    if method == "opencv-bilinear":
        return _interpolated(_interpolated(picture, height, 0), width, 1)
    resized = Image.fromarray(as_bytes(picture)).resize((width, height), _PILLOW[method])
    return np.asarray(resized, np.float32) / 255


def crop(picture: np.ndarray, top: int, left: int, size: Tuple[int, int]) -> np.ndarray:
    """Return a rectangle of the picture.

    Args:
        size: (height, width), in pixels; the rectangle lies inside the picture.
    """
    return picture[top : top + size[0], left : left + size[1]]


def flip(picture: np.ndarray) -> np.ndarray:
    """Return the picture with left and right exchanged."""
    return np.ascontiguousarray(picture[:, ::-1])


def _interpolated(picture: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Return `count` rows or columns, interpolated linearly between the two nearest pixel centres."""
    before = picture.shape[axis]
    places = np.clip((np.arange(count) + 0.5) * before / count - 0.5, 0, before - 1)
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, before - 1)
    shape = [1] * picture.ndim
    shape[axis] = count
    share = (places - low).astype(np.float32).reshape(shape)
    lower, upper = picture.take(low, axis), picture.take(high, axis)
    return np.asarray(lower + (upper - lower) * share, np.float32)
