"""The stage `command`: an authors' program, as it is, answers the pictures of a dataset.

It is the program of every image: `python -m stagekit.command stage.json`. The authors' folder is copied, for programs
write into their own; what the command leaves in the copy, or in the folder that it is told, are its answers.
"""

import contextlib
import os
import re
import shlex
import shutil
import sys
import time
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence

from stagekit.authors_process import run_authors
from stagekit.clone import copy_clone
from stagekit.context import StageContext
from stagekit.failures import BadInput, StageError
from stagekit.left_behind import give_access, give_access_alone, remove_whatever
from stagekit.left_pictures import SUFFIXES, LeftFiles, keep_pictures, left_files, stamp
from stagekit.program import run_program
from stagekit.results.apart import save_apart
from stagekit.results.command import CommandFile
from stagekit.results.dataset import DatasetFile
from stagekit.results.sources import SourcesFile

VERSION = 1
"""Of what this stage does; in its key. It grows where the same command would leave other pictures."""

SOURCE, WEIGHTS = "source", "weights"
PLACEHOLDERS = ("input", "output", SOURCE, WEIGHTS, "device")
"""What a command may name in braces: the folder with the pictures, the folder for the answers, the copy of the authors'
folder, in which it runs, the weights, and the device, 'cpu' or 'cuda'."""

_BRACES = re.compile(r"(?<!\$)(?:\{(?P<literal>\{\w+\})\}|\{(?P<name>\w+)\})")
_FOLDERS = ("input", SOURCE, "answers")


def command(context: StageContext) -> None:
    """Run the command on a prepared dataset, and keep the pictures that it writes.

    Raises:
        BadInput: Where the dataset has no pictures with a reflection, or the program is not there.
        StageError: Where it ends badly, or leaves no picture.
        Interrupted: On request; it begins anew then.
    """
    folders = given, clone, answers = [os.path.join(context.work(), name) for name in _FOLDERS]
    _clear(context, folders)
    try:
        for folder in folders:
            os.makedirs(folder)
        total = _write_input(context, given)
        unchanged = _copied(context, clone)
        values = {"input": given, "output": answers, SOURCE: clone, "device": context.request.device}
        if WEIGHTS in context.request.inputs:
            values[WEIGHTS] = context.input(WEIGHTS)
        template = context.setting("command")

        def progress() -> None:
            context.progress(min(total, len(left_files(answers).pictures)), total, "pictures")

        began = time.monotonic()
        run_authors(context, command_words(template, values), clone, progress)
        seconds = round(time.monotonic() - began, 3)
        context.progress(total, total, "pictures")
        kept = _keep(context, answers, clone, None if "output" in named_placeholders(template) else unchanged)
        save_apart(CommandFile(pictures=kept, seconds=seconds), context.output(), context.facts())
    finally:
        with contextlib.suppress(StageError):  # how the program ended is more; the next start says what is in its way
            _clear(context, folders)


def named_placeholders(template: str) -> FrozenSet[str]:
    """Return what a command names in braces; a shell's ``${name}`` is none, nor is ``{{name}}``."""
    return frozenset(found["name"] for found in _BRACES.finditer(template) if found["name"])


def command_words(template: str, values: Dict[str, str]) -> List[str]:
    """Return a command as it is started: words as a shell splits them, without a shell, and placeholders replaced.

    ``{{name}}`` stands for ``{name}`` itself.
    """

    def meant(found: "re.Match[str]") -> str:
        return found["literal"] or values.get(found["name"], found.group())

    return [_BRACES.sub(meant, word) for word in shlex.split(template)]


def _write_input(context: StageContext, folder: str) -> int:
    """Write the pictures with reflections, called by their ids, into a folder; return how many there are."""
    dataset = DatasetFile.load(context.input("dataset"))
    if not dataset.items or any(item.blended is None for item in dataset.items):
        raise BadInput("dataset %r has no blended pictures" % dataset.name, "choose datasets of pairs or photos")
    for item in dataset.items:
        shutil.copyfile(context.input("dataset", str(item.blended)), os.path.join(folder, "%s.png" % item.id))
    return len(dataset.items)


def _copied(context: StageContext, target: str) -> Callable[[str], bool]:
    """Copy the authors' folder, and tell the content that was read; return what tells whether a file is as it was."""
    hashes = copy_clone(context.input(SOURCE), target)
    SourcesFile.of_files({SOURCE: hashes}).save(context.facts(SourcesFile.FILE_NAME))
    before = {name: stamp(target, name) for name in hashes}
    return lambda name: before.get(name) == stamp(target, name)


def _keep(context: StageContext, answers: str, clone: str, unchanged: Optional[Callable[[str], bool]]) -> int:
    """Keep the pictures that the program left; return how many they are.

    Args:
        unchanged: Where it was told no folder for them: which files of its own folder are no answers.

    Raises:
        StageError: Where there are none.
    """
    give_access(context.work())
    if unchanged is None:
        where, folder = "the folder {output}", _answers_folder(answers, clone)
        found = left_files(folder)
    else:
        where, folder = "its own folder", clone
        found = left_files(folder, unchanged)
    if not found.pictures:
        raise _nothing_left(where, found)
    return keep_pictures(context, folder, found)


def _answers_folder(answers: str, clone: str) -> str:
    """Return where the answers lie: a link may stand there that leads to a folder of the program's own.

    Raises:
        StageError: Where the program put something else there.
    """
    place, own = os.path.realpath(answers), os.path.realpath(clone)
    if os.path.islink(answers) and os.path.isdir(place) and os.path.commonpath([place, own]) == own:
        return place
    if os.path.lexists(answers) and (os.path.islink(answers) or not os.path.isdir(answers)):
        kind = "a link that leads elsewhere" if os.path.islink(answers) else "a file"
        raise StageError(
            "the authors' program put %s in the place of the folder {output}" % kind,
            "let it write its pictures into the folder {output}, which is there already",
        )
    return answers


def _nothing_left(where: str, found: LeftFiles) -> StageError:
    left = found.words()
    if left:
        hint = "let it write plain files there with names that end in %s" % ", ".join(sorted(SUFFIXES))
        return StageError("the authors' program ended well and left no picture in %s, but %s" % (where, left), hint)
    return StageError(
        "the authors' program ended well and left no picture in %s" % where,
        "write {output} where the command names the folder for its results; without it, new pictures in the authors' "
        "folder are taken",
    )


def _clear(context: StageContext, folders: Sequence[str]) -> None:
    """Remove what an earlier start or this one left.

    Raises:
        StageError: Where that cannot be.
    """
    with contextlib.suppress(OSError):  # then the first of them cannot be removed, which is told
        give_access_alone(context.work())
    for folder in folders:
        try:
            remove_whatever(folder)
        except OSError as error:
            raise StageError(
                "%s cannot be removed: %s" % (error.filename or folder, error.strerror),
                "remove it by hand, and run again",
            ) from error


if __name__ == "__main__":
    sys.exit(run_program({"command": command}))
