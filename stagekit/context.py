"""What a handler works with: its request, and a voice."""

import os
import threading
from typing import Any, Mapping, Optional, TextIO

from stagekit.failures import BadInput, Interrupted
from stagekit.inside import inside
from stagekit.messages import Checkpoint, Message, Note, Progress, WarningMessage, encode
from stagekit.request import StageRequest


class StageContext:
    """A running stage: `request` says what to do, the methods tell the orchestrator how it goes."""

    def __init__(self, request: StageRequest, stream: TextIO, stop: Optional[threading.Event] = None) -> None:
        self.request = request
        self._stream = stream
        self._stop = stop or threading.Event()
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Print one message as a line of its own and flush it."""
        with self._lock:
            self._stream.write(encode(message) + "\n")
            self._stream.flush()

    def progress(self, done: float, total: float, unit: str, metrics: Optional[Mapping[str, float]] = None) -> None:
        """Report how far the stage is."""
        self.say(Progress(done, total, unit, dict(metrics or {})))

    def checkpoint(self, path: str, done: float) -> None:
        """Report a resumable state at `path`, relative to the work folder."""
        self.say(Checkpoint(path, done))

    def warn(self, message: str) -> None:
        """Report something that the reader of the results must know."""
        self.say(WarningMessage(message))

    def note(self, message: str) -> None:
        """Say something worth knowing that takes nothing from the results."""
        self.say(Note(message))

    @property
    def stop_requested(self) -> bool:
        """Whether SIGTERM has arrived: save a checkpoint and call `interrupt`."""
        return self._stop.is_set()

    def interrupt(self) -> None:
        """End the stage as interrupted. Call it after the checkpoint is on disk.

        Raises:
            Interrupted: Always.
        """
        raise Interrupted("stopped on request", "run the same command again to continue")

    def input(self, name: str, *parts: str) -> str:
        """Return the path of a declared input, or of something inside it.

        Raises:
            BadInput: Where the stage has no such input, or the parts lead out of it.
        """
        if name not in self.request.inputs:
            raise BadInput("stage %s has no input %r" % (self.request.stage, name))
        return inside(self.request.inputs[name], "/".join(parts)) if parts else self.request.inputs[name]

    def output(self, *parts: str) -> str:
        """Return a path in the output folder; its parent folder exists afterwards.

        Raises:
            BadInput: Where the parts, or links that lie there, lead out of the folder; so do `work` and `facts`.
        """
        return self._made(self.request.output, parts)

    def work(self, *parts: str) -> str:
        """Return a path in the work folder; its parent folder exists afterwards."""
        return self._made(self.request.work, parts)

    def facts(self, *parts: str) -> str:
        """Return a path in the folder for files about how it went; its parent folder exists afterwards.

        What may differ between two equal runs goes there: times, speeds, memory, whatever depends on the host.
        """
        return self._made(self.request.facts, parts)

    def setting(self, name: str) -> Any:
        """Return one of the stage's settings.

        Raises:
            BadInput: Where it is missing.
        """
        try:
            return self.request.settings[name]
        except KeyError:
            raise BadInput("stage %s has no setting %r" % (self.request.stage, name)) from None

    @staticmethod
    def _made(folder: str, parts: "tuple[str, ...]") -> str:
        path = inside(folder, "/".join(parts)) if parts else folder
        os.makedirs(os.path.dirname(path) if parts else path, exist_ok=True)
        return path
