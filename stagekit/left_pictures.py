"""The pictures that an authors' program has left: which of them are kept, and what is said of the others."""

import os
import shutil
import stat
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Sequence, Tuple

from stagekit.clone import LEFT_OUT
from stagekit.context import StageContext
from stagekit.left_behind import escaped_name, unkept_name

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"})
"""Ends of names, in small letters, of what is kept."""

_NAMED = 3


@dataclass
class LeftFiles:
    """What lies in a folder of an authors' program.

    Attributes:
        pictures: Paths of the plain files that are pictures by their names.
        refused: What is called as a picture and cannot be kept, by the reason.
        others: What else lies there, by what it is.
    """

    pictures: List[str] = field(default_factory=list)
    refused: Dict[str, List[str]] = field(default_factory=dict)
    others: Dict[str, List[str]] = field(default_factory=dict)

    def words(self) -> str:
        """Return what lies there beside the pictures; empty where nothing does."""
        return _listed({**self.refused, **self.others})


def left_files(folder: str, passed: Callable[[str], bool] = lambda _name: False) -> LeftFiles:
    """Return what lies in a folder and below it; links are not followed.

    Args:
        passed: Whether a path in the folder is of no interest.
    """
    found = LeftFiles()
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for file in (*links, *sorted(files)):
            name = os.path.relpath(os.path.join(place, file), folder)
            if not passed(name):
                _sort_in(found, folder, name)
    return found


def keep_pictures(context: StageContext, folder: str, found: LeftFiles) -> int:
    """Take the pictures of a folder into the stage's output, and say what was passed over; return how many they are."""
    if found.refused:
        context.warn("passed over: %s" % _listed(found.refused))
    for name in found.pictures:
        path, target = os.path.join(folder, name), context.output(*name.split(os.sep))
        if os.lstat(path).st_nlink > 1:  # the same file as another one, which whoever has it could change later
            shutil.copyfile(path, target)
        else:
            shutil.move(path, target)
    return len(found.pictures)


def stamp(folder: str, name: str) -> Tuple[int, int]:
    """Return what tells whether a file was changed."""
    status = os.lstat(os.path.join(folder, name))
    return status.st_mtime_ns, status.st_size


def _sort_in(found: LeftFiles, folder: str, name: str) -> None:
    try:
        mode = os.lstat(os.path.join(folder, name)).st_mode
    except OSError:  # the program still runs, and has removed it, or shut its folder
        return
    mistake = unkept_name(name)
    if os.path.splitext(name)[1].lower() not in SUFFIXES:
        kind = "a link, which is not followed" if stat.S_ISLNK(mode) else "no picture that is read"
        found.others.setdefault(kind, []).append(name)
    elif mistake or not stat.S_ISREG(mode):
        kind = "a link, which is not followed" if stat.S_ISLNK(mode) else "no plain file"
        found.refused.setdefault("its name %s" % mistake if mistake else kind, []).append(name)
    else:
        found.pictures.append(name)


def _listed(names: Mapping[str, Sequence[str]]) -> str:
    return ", ".join("%s (%s)" % (_some(those), kind) for kind, those in names.items())


def _some(names: Sequence[str]) -> str:
    more = " and %d more" % (len(names) - _NAMED) if len(names) > _NAMED else ""
    return ", ".join(escaped_name(name) for name in names[:_NAMED]) + more
