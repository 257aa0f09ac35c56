"""Thumbnails that all reports share, each under the hash of the picture's content and of how it was made small."""

import contextlib
import hashlib
import json
import os
import threading
from pathlib import Path

from orchestrator.report.thumbnails import Thumbnail, ThumbnailUse, thumbnail, thumbnail_settings

_DIGEST_BYTES = hashlib.sha256().digest_size
_FORM = 1


class ThumbnailCache:
    """Thumbnails in a folder of files; losing any of them costs time, never a right report.

    An entry is the SHA-256 of what follows, a line of JSON, the thumbnail and the sketch. It is written beside and
    renamed, so that any number of programs may use the folder at once, and one that does not match its hash is made
    again.
    """

    def __init__(self, folder: Path | None) -> None:
        """Use the cache in a folder, made where it is not there; None keeps nothing."""
        self._folder = folder

    def thumbnail(self, picture: bytes, digest: str, use: ThumbnailUse, name: str) -> Thumbnail:
        """Return the thumbnail of a picture, made where the cache lacks it or holds a damaged one.

        Args:
            picture: The content of its file.
            digest: SHA-256 of that content, hexadecimal.
            use: What the thumbnail is for.
            name: What to call the picture in an error.

        Raises:
            OutputInvalid: Where the file is no picture.
        """
        if self._folder is None:
            return thumbnail(picture, use, name)
        key = entry_key(digest, use)
        entry = self._folder / key[:2] / key
        kept = _read(entry)
        if kept is None:
            kept = thumbnail(picture, use, name)
            with contextlib.suppress(OSError):  # a store that is full or may only be read still gives a report
                _write(entry, kept)
        return kept


def entry_key(digest: str, use: ThumbnailUse) -> str:
    """Return the name of the entry of a picture's thumbnail.

    Args:
        digest: SHA-256 of the picture's file, hexadecimal.
    """
    document = {"form": _FORM, "picture": digest, "settings": thumbnail_settings(use)}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode("ascii")).hexdigest()


def _read(entry: Path) -> Thumbnail | None:
    """Return what an entry holds, None where it is not there or damaged."""
    try:
        content = entry.read_bytes()
    except OSError:
        return None
    digest, rest = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(rest).digest() != digest:
        return None
    line, _, body = rest.partition(b"\n")
    head = json.loads(line)
    encoded = body[: head["encoded"]]
    return Thumbnail(head["height"], head["width"], encoded, body[len(encoded) :])


def _write(entry: Path, kept: Thumbnail) -> None:
    head = {"height": kept.height, "width": kept.width, "encoded": len(kept.encoded)}
    rest = json.dumps(head).encode("ascii") + b"\n" + kept.encoded + kept.sketch
    entry.parent.mkdir(parents=True, exist_ok=True)
    beside = entry.with_name(f"{entry.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        beside.write_bytes(hashlib.sha256(rest).digest() + rest)
        beside.replace(entry)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
