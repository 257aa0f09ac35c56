"""Puts pictures into the report folder: the picture itself, unchanged, and a thumbnail that keeps pages light."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, Protocol

from PIL import Image, UnidentifiedImageError

from orchestrator.errors import OutputInvalid
from orchestrator.report.address import href

ThumbnailUse = Literal["card", "strip"]
"""Where a thumbnail is shown: on a card of the gallery, or among the layers of the viewer alone."""

THUMBNAIL_PX: dict[ThumbnailUse, tuple[int, int]] = {"card": (270, 360), "strip": (112, 168)}
"""Greatest height and width of a thumbnail: sharp on dense screens in the viewer, and on most in the gallery."""

COARSE_PX = 64
"""Height and width of a picture's sketch, by which answers are compared coarsely."""

THUMBNAIL_ENDING = ".thumb.webp"
_QUALITY: dict[ThumbnailUse, int] = {"card": 72, "strip": 60}


@dataclass(frozen=True)
class Shown:
    """A picture in the report folder.

    height, width: of the picture itself, in pixels; sketch: COARSE_PX x COARSE_PX RGB bytes, of cards' pictures alone
    """

    href: str
    thumbnail: str
    height: int
    width: int
    sketch: bytes = b""


class Place(Protocol):
    """Takes a picture and its path inside the report without ending, puts it there, and says how to show it."""

    def __call__(self, source: Path, path: PurePosixPath, use: ThumbnailUse) -> Shown: ...  # noqa: D102


class Shelf:
    """Copies pictures into a report folder; tells how many were put there after each."""

    def __init__(self, folder: Path, told: Callable[[int], None] = lambda _done: None) -> None:
        self._folder = folder
        self._told = told
        self._done = 0

    def place(self, source: Path, path: PurePosixPath, use: ThumbnailUse) -> Shown:
        """Copy a picture and write its thumbnail beside it.

        Copied, not linked: a report can be changed or moved, an artifact never.

        Raises: OutputInvalid where the file is no picture.
        """
        picture = path.with_name(path.name + source.suffix.lower())
        thumbnail = path.with_name(path.name + THUMBNAIL_ENDING)
        target = self._folder / picture
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        height, width, sketch = _write_thumbnail(target, self._folder / thumbnail, source, use)
        self._done += 1
        self._told(self._done)
        return Shown(href(picture), href(thumbnail), height, width, sketch)


@contextmanager
def _any_size() -> Iterator[None]:
    """Let Pillow open large pictures: those of artifacts were looked at when their dataset was prepared."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _write_thumbnail(picture: Path, thumbnail: Path, source: Path, use: ThumbnailUse) -> tuple[int, int, bytes]:
    """Write the thumbnail and return the picture's height, width and sketch."""
    try:
        with _any_size(), Image.open(picture) as opened:
            width, height = opened.size
            small = opened.convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise OutputInvalid(f"the picture {source.name!r} cannot be shown: {error}", where=str(source)) from error
    most_high, most_wide = THUMBNAIL_PX[use]
    small.thumbnail((most_wide, most_high), reducing_gap=2.0)
    small.save(thumbnail, quality=_QUALITY[use], method=4)
    sketch = small.resize((COARSE_PX, COARSE_PX), Image.Resampling.BOX).tobytes() if use == "card" else b""
    return height, width, sketch
