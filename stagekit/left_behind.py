"""What a program has left of files and folders, in whatever state: names, rights, and how all of it is removed."""

import contextlib
import os
import shutil
import stat
import unicodedata

from stagekit.inside import AnyPath, unsafe_name

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of what is not seen and changes how the rest is: controls, formats such as a turned direction, halves of a
pair, and separators of lines and paragraphs."""


def unkept_name(name: str) -> str:
    """Return why a path inside a folder cannot be kept under its name, as the end of a sentence; empty where it can."""
    if any("\ud800" <= character <= "\udfff" for character in name):
        return "is no text (it is not UTF-8)"
    return unsafe_name(name)


def escaped_name(name: str) -> str:
    """Return a file's name as text that can be printed and kept: what is no text or is not seen is escaped."""
    return "".join(map(_escaped, name))


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # as names come that are not UTF-8
        return "\\x%02x" % (ord(character) - 0xDC00)
    escaped = unicodedata.category(character) in _UNSEEN
    return character.encode("unicode_escape").decode("ascii") if escaped else character


def give_access(path: AnyPath) -> None:
    """Give this user every right on a file or folder of his, and on all that lies in it.

    What a program left without rights can be read, moved and removed then. Links are not followed, and a file that has
    another name elsewhere is left as it is.
    """
    waiting = [os.fspath(path)]
    while waiting:
        place = waiting.pop()
        with contextlib.suppress(OSError):
            if give_access_alone(place):
                waiting += [entry.path for entry in os.scandir(place)]


def give_access_alone(path: AnyPath) -> bool:
    """Give this user every right on a file or folder of his, not on what lies in it; return whether it is a folder.

    As `give_access` with links and files of several names.

    Raises:
        OSError: Where it is not there, or is another user's.
    """
    status = os.lstat(path)
    folder = stat.S_ISDIR(status.st_mode)
    wanted = stat.S_IMODE(status.st_mode) | (0o700 if folder else 0o600)
    alone = folder or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1)
    if alone and wanted != stat.S_IMODE(status.st_mode):
        os.chmod(path, wanted)
    return folder


def remove_whatever(path: AnyPath) -> None:
    """Remove what has a name: a file, a link, or a folder with all that lies in it, whatever rights a program left it.

    Raises:
        OSError: Where it cannot be removed.
    """
    if not os.path.lexists(path):
        return
    if os.path.islink(path) or not os.path.isdir(path):
        os.unlink(path)
        return
    give_access(path)
    shutil.rmtree(path)
