"""The files of a checkpoint, by whichever of its usual names a user wrote: a file, its folder, or one of its parts."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

WHOLE = "checkpoint"
"""Input of a stage that adopts: the checkpoint, or the first of its files."""

_TENSORFLOW = re.compile(r"(?P<set>.+)\.(?P<part>index|data-\d{5}-of-\d{5})", re.IGNORECASE)
_TENSORFLOW_GRAPH = ".meta"
_TENSORFLOW_STATE = "checkpoint"
_STATE_LINE = re.compile(r'^model_checkpoint_path:\s*"(?P<path>(?:[^"\\]|\\.)*)"', re.MULTILINE)
_GENERATORS = re.compile(r"(?P<set>.+)_net_(?P<part>G_T|G_R)\.pth", re.IGNORECASE)
_MOST_STATE_BYTES = 1 << 20


def checkpoint_files(path: Path) -> dict[str, Path]:
    """Return the files of a checkpoint by the names of a stage's inputs.

    A folder is given as it is. Of a checkpoint of several files any one may be named, and of TensorFlow's also their
    common beginning, such as ``model.ckpt``; then all of them are given, and nothing else that lies there.

    Args:
        path: Absolute.
    """
    if path.is_dir():
        return {WHOLE: path}
    for pattern, begin in _sets(path):
        parts = {
            f"{WHOLE}.{match['part']}": other
            for other, match in _matches(path.parent, pattern)
            if match["set"] == begin
        }
        if parts:
            return {WHOLE: parts[min(parts, key=lambda name: ("index" not in name, name))], **parts}
    return {WHOLE: path}


def checkpoint_problem(path: Path) -> str | None:
    """Return what is wrong with a path as one of a checkpoint, None where it can be read.

    Pipes and devices are none: reading them may never end.
    """
    if path.is_dir() or len(checkpoint_files(path)) > 1:
        return None
    try:
        mode = path.stat().st_mode
    except OSError:
        return f"there is no checkpoint {str(path)!r}"
    return None if stat.S_ISREG(mode) else f"{str(path)!r} is a pipe or a device, not a checkpoint"


def _sets(path: Path) -> Iterator[tuple[re.Pattern[str], str]]:
    """Yield the patterns of files among which a path may be meant, with what their names begin with."""
    if _is_plain(path) and path.name == _TENSORFLOW_STATE:
        begin = _recorded(path)
        if begin:
            yield _TENSORFLOW, begin
    for pattern in (_TENSORFLOW, _GENERATORS):
        match = pattern.fullmatch(path.name)
        if match:
            yield pattern, match["set"]
    yield _TENSORFLOW, path.name.removesuffix(_TENSORFLOW_GRAPH)


def _recorded(path: Path) -> str:
    """Return the name that TensorFlow's text file gives, whatever folder it gives with it, on whatever system."""
    with path.open("rb") as stream:
        text = stream.read(_MOST_STATE_BYTES).decode("utf-8", "replace")
    match = _STATE_LINE.search(text)
    return PureWindowsPath(match["path"].replace("\\\\", "\\")).name if match else ""


def _matches(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        match = pattern.fullmatch(path.name)
        if match and _is_plain(path):
            yield path, match


def _is_plain(path: Path) -> bool:
    return path.is_file()
