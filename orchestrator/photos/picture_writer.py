"""Pictures written in strips, as PNG or TIFF, with what travels beside their pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from orchestrator.photos import vips
from orchestrator.photos.strips import Strips
from stagekit import write_atomically


@dataclass(frozen=True)
class PictureForm:
    """What a picture's file is to be.

    Attributes:
        size: Height and width.
        dtype: uint8 or uint16.
    """

    size: tuple[int, int]
    dtype: np.dtype[Any]
    bands: Literal[1, 3] = 3
    kind: Literal["png", "tiff"] = "png"


def write_picture(
    path: str, content: Strips, form: PictureForm, beside: vips.Metadata, alpha: Path | None = None
) -> None:
    """Write a picture, whole or not at all.

    Also raises what `content` raises.

    Args:
        alpha: A grey PNG of the same depth, which becomes its transparency.

    Raises:
        OSError: Where the file cannot be written.
    """
    with (
        write_atomically(path) as stream,
        vips.assembled(content, form.size, form.bands, form.dtype) as colours,
    ):
        image = colours if alpha is None else colours.bandjoin(vips.open_image(alpha, "png"))
        vips.save(image, stream.name, form.kind, beside)
