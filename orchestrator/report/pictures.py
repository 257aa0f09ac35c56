"""Puts pictures into the report folder: the picture itself, unchanged, and a thumbnail that keeps pages light."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from orchestrator.errors import OutputInvalid
from orchestrator.report.address import href
from orchestrator.report.thumbnail_cache import ThumbnailCache
from orchestrator.report.thumbnails import THUMBNAIL_ENDING, ThumbnailUse, pictures_of_any_size


@dataclass(frozen=True)
class PictureFile:
    """A picture that a report is to show.

    Attributes:
        path: Inside the report, without ending.
        use: What its thumbnail is for.
    """

    source: Path
    path: PurePosixPath
    use: ThumbnailUse


@dataclass(frozen=True)
class Shown:
    """A picture in the report folder.

    Attributes:
        height: Of the picture itself, in pixels.
        width: Of the picture itself, in pixels.
        sketch: COARSE_PX x COARSE_PX RGB bytes, of cards' pictures alone.
    """

    href: str
    thumbnail: str
    height: int
    width: int
    sketch: bytes = b""


Place = Callable[[Sequence[PictureFile]], Sequence[Shown]]
"""Takes pictures, puts them into the report, and says how to show each, in their order."""


@dataclass(frozen=True)
class PictureSource:
    """What is known of the pictures that a report shows.

    Attributes:
        cache: Folder of the thumbnails that reports share, made where it is not there; None shares none.
        digests: SHA-256 that a picture's file must have, hexadecimal, by its absolute path; one that is not in here may
            be any picture.
    """

    cache: Path | None = None
    digests: Mapping[Path, str] | None = None


class AssetWriter:
    """Copies pictures into a report folder, several at a time; tells how many were put there after each."""

    def __init__(
        self, folder: Path, source: PictureSource | None = None, progress: Callable[[int], None] = lambda _done: None
    ) -> None:
        source = source or PictureSource()
        self._folder = folder
        self._cache = ThumbnailCache(source.cache)
        self._digests = source.digests or {}
        self._progress = progress
        self._done = 0

    def place(self, files: Sequence[PictureFile]) -> list[Shown]:
        """Copy pictures and write their thumbnails beside them.

        Copied, not linked: a report can be changed or moved, an artifact never.

        Raises:
            OutputInvalid: Where a file is no picture, or not the one that its stage left.
        """
        shown = []
        for folder in {(self._folder / file.path).parent for file in files}:
            folder.mkdir(parents=True, exist_ok=True)
        # Threads, as Pillow decodes, shrinks and encodes without holding the interpreter's lock.
        with pictures_of_any_size(), ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            placing = [pool.submit(self._place, file) for file in files]
            try:
                for future in placing:
                    shown.append(future.result())
                    self._done += 1
                    self._progress(self._done)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return shown

    def _place(self, file: PictureFile) -> Shown:
        picture = file.path.with_name(file.path.name + file.source.suffix.lower())
        thumbnail = file.path.with_name(file.path.name + THUMBNAIL_ENDING)
        try:
            content = file.source.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if self._digests.get(file.source, digest) != digest:
                raise OutputInvalid(
                    f"the picture {file.source.name!r} is not the one that its stage left",
                    hint="run: sirr-orch store check --repair; then run the experiment again",
                )
            small = self._cache.thumbnail(content, digest, file.use, file.source.name)
        except OSError as error:
            raise OutputInvalid(f"the picture {file.source.name!r} cannot be read: {error.strerror}") from error
        except OutputInvalid as error:
            error.where = str(file.source)
            raise
        (self._folder / picture).write_bytes(content)
        (self._folder / thumbnail).write_bytes(small.encoded)
        return Shown(href(picture), href(thumbnail), small.height, small.width, small.sketch)
