"""The files of a checkpoint, by whichever of its usual names a user gave: a file, its folder, or one of its parts."""

import os
import re
import stat
from typing import Dict, List, Mapping, Pattern, Tuple

from stagekit import BadInput

_TENSOR_FILES = (b"PK\x03\x04", b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")
"""How PyTorch's files begin, in the newer and in the older format."""

_DEEPEST = 3
_MOST_FOLDERS = 500


def single_file(path: str) -> str:
    """Return the one file of tensors that a path names: itself, or the only one in the folder.

    What a file is called does not matter, what it begins with does.

    Raises:
        BadInput: Where the folder holds none or several.
    """
    if not os.path.isdir(path):
        return path
    for folder in _folders(path):
        files = [file for file in _files(folder) if _begins_as_tensors(file)]
        if len(files) == 1:
            return files[0]
        if files:
            names = ", ".join(os.path.basename(file) for file in files[:10])
            raise BadInput("the folder holds several checkpoints: %s" % names, "give the one file of the checkpoint")
    found = [os.path.basename(file) for file in _files(path)]
    if len(found) == 1:
        return os.path.join(path, found[0])  # its reader says what it is
    holds = ", ".join(found[:10]) or "no file"
    raise BadInput("the folder holds no checkpoint of PyTorch: it holds %s" % holds, "give the checkpoint's file")


def matching_files(path: str, pattern: "Pattern[str]") -> "Dict[str, Dict[str, str]]":
    """Return the files of a folder whose names match, by the pattern's groups `set` and `part`.

    Where the folder has none, the folders below it are looked through, and the first that has some counts. Upper and
    lower case are alike.

    Returns:
        For each set, such as "final" or "model.ckpt", the parts that there are with their paths.
    """
    for folder in _folders(path):
        found: Dict[str, Dict[str, str]] = {}
        for file in _files(folder):
            match = pattern.fullmatch(os.path.basename(file))
            if match:
                found.setdefault(match.group("set"), {})[match.group("part").lower()] = file
        if found:
            return found
    return {}


def given_parts(inputs: Mapping[str, str]) -> Dict[str, str]:
    """Return the files of a checkpoint that a stage was given one by one: inputs such as 'checkpoint.index'."""
    begin = "checkpoint."
    return {name[len(begin) :].lower(): path for name, path in inputs.items() if name.startswith(begin)}


def other_files(folder: str, taken: "Tuple[str, ...]") -> List[str]:
    """Return the names of the files in a folder that begin as PyTorch's do and were not taken."""
    names = {os.path.realpath(path) for path in taken}
    return [
        os.path.basename(file)
        for file in _files(folder)
        if os.path.realpath(file) not in names and _begins_as_tensors(file)
    ]


def pattern_of(text: str) -> "Pattern[str]":
    """Return a pattern of names for `matching_files`."""
    return re.compile(text, re.IGNORECASE)


def _folders(path: str) -> List[str]:
    """Return a folder and those below it, the upper ones first; a few levels."""
    found, level = [path], [path]
    for _ in range(_DEEPEST):
        level = [
            os.path.join(folder, name)
            for folder in level
            for name in sorted(os.listdir(folder))
            if not name.startswith(".") and os.path.isdir(os.path.join(folder, name))
        ][:_MOST_FOLDERS]
        found += level
    return found[:_MOST_FOLDERS]


def _files(folder: str) -> List[str]:
    """Return the plain files of a folder; hidden ones, such as those that macOS leaves, are none of the user's."""
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if not name.startswith(".") and os.path.exists(path) and stat.S_ISREG(os.stat(path).st_mode):
            found.append(path)
    return found


def _begins_as_tensors(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(16).startswith(_TENSOR_FILES)
    except OSError:
        return False
