"""What lies inside a folder: the one place that decides whether a name from a file may be followed."""

import os
from typing import Union

from stagekit.failures import BadInput


def inside(folder: "Union[str, os.PathLike[str]]", name: str) -> str:
    """Return the path of what `name` names inside a folder; it need not exist.

    Args:
        folder: where the name must stay.
        name: a relative path with forward slashes, as files of results have it. It comes from outside and may be
            anything.

    Raises:
        BadInput: where the name is empty, absolute or has parts such as '..', or where a link leads out of the folder.
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
    if not name:
        return "is empty"
    if "\0" in name:
        return "has a character that no file's name can have"
    if name.startswith("/"):
        return "is an absolute path"
    parts = name.split("/")
    if ".." in parts:
        return "leads out of its folder"
    if "" in parts or "." in parts:
        return "is no plain relative path"
    return ""
