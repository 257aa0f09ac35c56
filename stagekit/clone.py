"""The folder of an authors' program: which of its files decide what it does, and the copy that it runs in."""

import hashlib
import os
import shutil
from typing import Dict, Iterator

LEFT_OUT = frozenset({".git", ".hg", ".svn", "__pycache__"})
"""What version control and Python keep in a clone, and is no part of it."""

_PIECE_BYTES = 2**20


def clone_files(folder: str) -> Iterator[str]:
    """Yield the paths of a clone's files, and of its empty folders with a '/' behind them, in a fixed order.

    Without what version control keeps. Links to folders are not followed, and what is no file, such as a pipe or a link
    that leads nowhere, is passed over; a folder in which nothing else lies is an empty one.
    """
    for place, folders, files in os.walk(folder):
        paths = {name: os.path.join(place, name) for name in (*folders, *files) if name not in LEFT_OUT}
        folders[:] = sorted(name for name in folders if name in paths and not os.path.islink(paths[name]))
        kept = sorted(name for name in files if name in paths and os.path.isfile(paths[name]))
        inner = os.path.relpath(place, folder)
        if not (folders or kept) and inner != os.curdir:
            yield inner + "/"
        for name in kept:
            yield os.path.normpath(os.path.join(inner, name))


def copy_clone(source: str, target: str) -> Dict[str, str]:
    """Copy a clone, and return the SHA-256 of each of its files and empty folders as they were copied."""
    hashes = {}
    for name in clone_files(source):
        digest, place = hashlib.sha256(), os.path.join(target, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if not name.endswith("/"):
            with open(os.path.join(source, name), "rb") as stream, open(place, "wb") as copy:
                for piece in iter(lambda: stream.read(_PIECE_BYTES), b""):
                    digest.update(piece)
                    copy.write(piece)
            shutil.copymode(os.path.join(source, name), place)
            os.chmod(place, os.stat(place).st_mode | 0o600)
        hashes[name] = digest.hexdigest()
    return hashes
