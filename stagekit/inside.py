"""What lies inside a folder: the one place that decides whether a name from a file or a stage may be followed."""

import os
import re
import stat
import unicodedata
from typing import Union

from stagekit.failures import BadInput

AnyPath = Union[str, "os.PathLike[str]"]

PLAIN_NAME = "letters, digits, '.', '_' and '-', at most 128, beginning with a letter, a digit or '_'"
"""The form of ids, and of all names that files are called after, in words."""

UNICODE = unicodedata.ucd_3_2_0
"""By which letters are told, and composed: of one version, as ids must not depend on that of Python."""

INVISIBLE = frozenset("\u034f\u115f\u1160\u180b\u180c\u180d\u3164\uffa0").union(map(chr, range(0xFE00, 0xFE10)))
"""Letters and marks that show nothing: names that differ by them alone look the same."""

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_LETTERS = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl"))
_MARKS = frozenset(("Mn", "Mc"))
_ID_CHARACTERS, _ID_BYTES = 128, 192
_PART_BYTES = 255
"""What file systems allow a name to have."""


def inside(folder: AnyPath, name: str) -> str:
    """Return the path of what `name` names inside a folder; it need not exist.

    Args:
        folder: where the name must stay.
        name: a relative path with forward slashes, as files of results have it. It comes from outside and may be
            anything.

    Raises:
        BadInput: where the name is empty, absolute or has parts such as '..' or control characters, or where a link
            leads out of the folder.
    """
    mistake = unsafe_name(name)
    if mistake:
        raise BadInput("%r is no path inside a folder: it %s" % (name, mistake))
    root = os.path.realpath(folder)
    path = os.path.join(os.fspath(folder), *name.split("/"))
    try:
        found = os.path.realpath(path)
    except (OSError, ValueError) as error:
        raise BadInput("%r cannot be looked up: %s" % (name, error)) from error
    if os.path.commonpath([root, found]) != root or found == root:
        raise BadInput("%r leads outside its folder" % name)
    return path


def unsafe_name(name: str) -> str:
    """Return what is wrong with a name as a path inside a folder, as the end of a sentence; empty where nothing is.

    The name alone decides; whether a link leads out only `inside` can tell.
    """
    parts = name.split("/")
    mistakes = {
        "is empty": not name,
        "has a control character": any(unicodedata.category(character) == "Cc" for character in name),
        "is an absolute path": name.startswith("/"),
        "leads out of its folder": ".." in parts,
        "is no plain relative path": "" in parts or "." in parts,
        "has a part of more than %d bytes" % _PART_BYTES: any(
            len(part.encode("utf-8", "surrogatepass")) > _PART_BYTES for part in parts
        ),
    }
    return next((words for words, found in mistakes.items() if found), "")


def is_plain_character(character: str) -> bool:
    """Return whether ids may have a character: a letter of any script, a mark on one, a digit, '.', '_' or '-'."""
    if character.isascii():
        return character.isalnum() or character in "._-"
    return character not in INVISIBLE and UNICODE.category(character) in _LETTERS | _MARKS


def unsafe_id(name: str) -> str:
    """Return what is wrong with an id, or with a name that files are called after; empty where it is a `PLAIN_NAME`.

    Letters may be of any script, composed (NFC), so that no two names are one on any disk for that.
    """
    if _PLAIN.fullmatch(name):
        return ""
    plain = (
        0 < len(name) <= _ID_CHARACTERS
        and all(map(is_plain_character, name))
        and not name.isascii()
        and (name[0] == "_" or name[0].isalnum())
        and UNICODE.normalize("NFC", name) == name
        and len(name.encode("utf-8")) <= _ID_BYTES
    )
    return "" if plain else "is not a plain name (%s)" % PLAIN_NAME


def is_plain_folder(path: AnyPath) -> bool:
    """Return whether a path is a folder itself, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def open_plain(path: AnyPath) -> int:
    """Return a descriptor that a plain file can be read from.

    Raises:
        OSError: where it cannot be opened, or is a link, a pipe or a device, none of which is opened or waited for.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError("it is no plain file")


def read_plain(path: AnyPath, most: int) -> bytes:
    """Return the content of a plain file; nothing else is opened or waited for, and no link followed.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        OSError: where it cannot be read, is no plain file, or has more bytes.
    """
    with open(open_plain(path), "rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError("it has more than %d bytes" % most)
    return content


def read_inside(folder: AnyPath, name: str) -> bytes:
    """Return the content of a plain file inside a folder; a link is followed where it stays inside.

    Raises:
        BadInput: where the name leads out, as `inside` decides.
        OSError: where the file cannot be read, or is a pipe or a device.
    """
    with open(open_plain(os.path.realpath(inside(folder, name))), "rb") as stream:
        return stream.read()
