"""Small forms of pictures: what a page shows until somebody asks for the picture itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import PIL
from PIL import Image, UnidentifiedImageError, features

from orchestrator.errors import OutputInvalid

ThumbnailUse = Literal["card", "strip"]
"""Where a thumbnail is shown: on a card of the gallery, or among the layers of the viewer alone."""

THUMBNAIL_PX: dict[ThumbnailUse, tuple[int, int]] = {"card": (270, 360), "strip": (112, 168)}
"""Greatest height and width of a thumbnail: sharp on dense screens in the viewer, and on most in the gallery."""

COARSE_PX = 64
"""Height and width of a picture's sketch, by which answers are compared coarsely."""

THUMBNAIL_ENDING = ".thumb.webp"

_ENCODER: dict[ThumbnailUse, dict[str, int]] = {
    # Methods beyond 2 take twice the time for files that are 5 % smaller.
    "card": {"quality": 72, "method": 2},
    "strip": {"quality": 60, "method": 2},
}
_REDUCING_GAP = 2.0


@dataclass(frozen=True)
class Thumbnail:
    """A small form of a picture.

    Attributes:
        height: Of the picture itself, in pixels.
        width: Of the picture itself, in pixels.
        encoded: The thumbnail as a WebP file.
        sketch: COARSE_PX x COARSE_PX RGB bytes, of cards' pictures alone.
    """

    height: int
    width: int
    encoded: bytes
    sketch: bytes


def thumbnail_settings(use: ThumbnailUse) -> dict[str, Any]:
    """Return all that decides what a picture's thumbnail looks like, but for the picture."""
    return {
        "greatest": THUMBNAIL_PX[use],
        "encoder": _ENCODER[use],
        "reducing_gap": _REDUCING_GAP,
        "sketch": COARSE_PX if use == "card" else 0,
        "pillow": PIL.__version__,
        "webp": features.version("webp"),
    }


def thumbnail(picture: bytes, use: ThumbnailUse, name: str) -> Thumbnail:
    """Return the thumbnail of a picture.

    Args:
        picture: The content of its file.
        use: What the thumbnail is for.
        name: What to call the picture in an error.

    Raises:
        OutputInvalid: Where the file is no picture.
    """
    try:
        with Image.open(BytesIO(picture)) as opened:
            width, height = opened.size
            small = opened.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        why = "it is no picture of a known kind" if isinstance(error, UnidentifiedImageError) else error
        raise OutputInvalid(
            f"the picture {name!r} cannot be shown: {why}",
            hint="run the stage again that left it; where that does not help, its program has a fault",
        ) from error
    most_high, most_wide = THUMBNAIL_PX[use]
    small.thumbnail((most_wide, most_high), reducing_gap=_REDUCING_GAP)
    encoded = BytesIO()
    small.save(encoded, "WEBP", **_ENCODER[use])
    sketch = small.resize((COARSE_PX, COARSE_PX), Image.Resampling.BOX).tobytes() if use == "card" else b""
    return Thumbnail(height, width, encoded.getvalue(), sketch)


@contextmanager
def pictures_of_any_size() -> Iterator[None]:
    """Let Pillow open large pictures: those of artifacts were looked at when their dataset was prepared."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before
