"""The stage `command`: an authors' program, as it is, answers the pictures of a dataset.

It is the program of every image: `python -m stagekit.command stage.json`. The authors' folder is copied, for programs
write into their own; what the command leaves in the copy, or in the folder that it is told, are its answers.
"""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import Deque, Dict, Iterator, List, Optional, Sequence, Tuple

from stagekit.context import StageContext
from stagekit.failures import BadInput, StageError
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

LEFT_OUT = frozenset({".git", ".hg", ".svn", "__pycache__"})
"""Folders of a clone that are no part of it."""

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".ppm"})

_GRACE_S = 20.0
_POLL_S = 0.1
_TOLD_S = 2.0
_TAIL = 3
_LINE_BYTES = 2**16
"""Of a line without an end, such as a progress bar's, so much is passed on at once."""


def command(context: StageContext) -> None:
    """Run the command on a prepared dataset, and keep the pictures that it writes.

    Raises:
        BadInput: Where the dataset has no pictures with a reflection, or the program is not there.
        StageError: Where it ends badly, or leaves no picture.
        Interrupted: On request; it begins anew then.
    """
    given, clone, answers = context.work("input"), context.work(SOURCE), context.work("answers")
    try:
        for folder in (given, clone, answers):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
        total = _write_input(context, given)
        before = _copied(context, clone)
        values = {"input": given, "output": answers, SOURCE: clone, "device": context.request.device}
        if WEIGHTS in context.request.inputs:
            values[WEIGHTS] = context.input(WEIGHTS)
        template = context.setting("command")
        began = time.monotonic()
        _run(context, command_words(template, values), clone, answers, total)
        seconds = round(time.monotonic() - began, 3)
        kept = _keep(context, answers, _pictures(answers))
        if "{output}" not in template:
            kept += _keep(
                context, clone, (name for name in _pictures(clone) if before.get(name) != _stamp(clone, name))
            )
        if not kept:
            where = "the folder {output}" if "{output}" in template else "its own folder"
            raise StageError(
                "the authors' program ended well and left no picture in %s" % where,
                "write {output} where the command names the folder for its results; without it, new pictures in the "
                "authors' folder are taken",
            )
        save_apart(CommandFile(pictures=kept, seconds=seconds), context.output(), context.facts())
    finally:
        for folder in (given, clone, answers):
            shutil.rmtree(folder, ignore_errors=True)


def command_words(template: str, values: Dict[str, str]) -> List[str]:
    """Return a command as it is started: words as a shell splits them, without a shell, and placeholders replaced."""
    expression = re.compile("|".join(re.escape("{%s}" % name) for name in values))
    return [expression.sub(lambda found: values[found.group()[1:-1]], word) for word in shlex.split(template)]


def _write_input(context: StageContext, folder: str) -> int:
    """Write the pictures with reflections, called by their ids, into a folder; return how many there are."""
    dataset = DatasetFile.load(context.input("dataset"))
    if not dataset.items or any(item.blended is None for item in dataset.items):
        raise BadInput("dataset %r has no blended pictures" % dataset.name, "choose datasets of pairs or photos")
    for item in dataset.items:
        shutil.copyfile(context.input("dataset", str(item.blended)), os.path.join(folder, "%s.png" % item.id))
    return len(dataset.items)


def _copied(context: StageContext, target: str) -> Dict[str, Tuple[int, int]]:
    """Copy the authors' folder, and tell the content that was read; return what tells files that are changed later."""
    source, hashes = context.input(SOURCE), {}
    for name in clone_files(source):
        place = os.path.join(target, name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        digest = hashlib.sha256()
        with open(os.path.join(source, name), "rb") as stream, open(place, "wb") as copy:
            for piece in iter(lambda: stream.read(2**20), b""):
                digest.update(piece)
                copy.write(piece)
        shutil.copymode(os.path.join(source, name), place)
        os.chmod(place, os.stat(place).st_mode | 0o600)
        hashes[name] = digest.hexdigest()
    SourcesFile.of_files({SOURCE: hashes}).save(context.facts(SourcesFile.FILE_NAME))
    return {name: _stamp(target, name) for name in hashes}


def clone_files(folder: str) -> Iterator[str]:
    """Yield the files of a clone by their paths in it, in a fixed order, without what version control keeps.

    Links to folders are not followed.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(files):
            path = os.path.join(place, name)
            if os.path.isfile(path) and not name.endswith(".pyc"):
                yield os.path.relpath(path, folder)


def _stamp(folder: str, name: str) -> Tuple[int, int]:
    status = os.stat(os.path.join(folder, name))
    return status.st_mtime_ns, status.st_size


def _pictures(folder: str) -> Iterator[str]:
    for name in clone_files(folder):
        if os.path.splitext(name)[1].lower() in PICTURES and not os.path.islink(os.path.join(folder, name)):
            yield name


def _keep(context: StageContext, folder: str, names: Iterator[str]) -> int:
    kept = 0
    for name in list(names):
        shutil.move(os.path.join(folder, name), context.output(*name.split(os.sep)))
        kept += 1
    return kept


def _run(context: StageContext, words: Sequence[str], folder: str, answers: str, total: int) -> None:
    environment = {**os.environ, "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", "")))}
    try:
        process = subprocess.Popen(
            list(words),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        hint = "name a program of the image, such as python; a script of the clone as ./script"
        raise BadInput("the command %r cannot be started: %s" % (words[0], error.strerror), hint) from error
    tail: Deque[str] = deque(maxlen=_TAIL)
    reader = threading.Thread(target=_pass_on, args=(process, tail), daemon=True)
    reader.start()
    told = 0.0
    while process.poll() is None:
        if context.stop_requested:
            _end(process)
            context.interrupt()
        if time.monotonic() - told > _TOLD_S:
            told = time.monotonic()
            context.progress(min(total, sum(1 for _ in _pictures(answers))), total, "pictures")
        time.sleep(_POLL_S)
    _end(process)
    reader.join(_GRACE_S)
    if process.returncode != 0:
        _explain(process.returncode, tail)
    context.progress(total, total, "pictures")


def _pass_on(process: "subprocess.Popen[bytes]", tail: Deque[str]) -> None:
    """Write what the program prints to the log; a line that looks like a message of the stage is none."""
    assert process.stdout is not None
    with process.stdout as stream:
        for line in iter(lambda: stream.readline(_LINE_BYTES), b""):
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                tail.append(text.rpartition("\r")[2].strip()[:200])
            sys.stdout.write("%s%s\n" % ("| " if text.lstrip().startswith("{") else "", text))
            sys.stdout.flush()


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program with all that it started."""
    for number, wait in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _GRACE_S)):
        try:
            os.killpg(process.pid, number)
            process.wait(wait)
        except (ProcessLookupError, PermissionError):
            return
        except subprocess.TimeoutExpired:
            continue


def _explain(code: int, tail: Sequence[str]) -> None:
    """Say how the program ended.

    Raises:
        StageError: Always.
    """
    said: Optional[str] = tail[-1] if tail else None
    words = "; the last that it printed: %s" % said if said else ", and printed nothing"
    if code == -signal.SIGKILL:
        raise StageError("the authors' program was killed%s; perhaps memory did not suffice" % words, "raise 'memory'")
    how = "was ended by signal %d" % -code if code < 0 else "ended with status %d" % code
    hint = "read the log; the command runs in a copy of the authors' folder, without a network"
    raise StageError("the authors' program %s%s" % (how, words), hint)


if __name__ == "__main__":
    sys.exit(run_program({"command": command}))
