"""The main function of every image's program."""

import errno
import signal
import sys
import threading
import traceback
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from stagekit.context import StageContext
from stagekit.exit_codes import ExitCode
from stagekit.failures import BadInput, OutOfMemory, StageError
from stagekit.files import write_atomically
from stagekit.machine import machine
from stagekit.messages import Failure
from stagekit.request import StageRequest
from stagekit.results.machine import MachineFile

DONE_FILE = "program-done"
"""In the work folder: the program has come to its end, whoever is killed before its exit code is written down.

No program's own name: `done` is the folder of the pictures that an inference has answered.
"""

Handler = Callable[[StageContext], None]


def run_program(
    handlers: Mapping[str, Handler],
    argv: Optional[Sequence[str]] = None,
    out_of_memory: Tuple[type, ...] = (),
) -> int:
    """Run the handler that ``stage.json`` (the only argument) asks for and return the exit code.

    Args:
        handlers: Stage kind to function. A handler returns when its output folder is complete and raises a StageError
            otherwise; other exceptions count as FAILED and leave their traceback in the log.
        out_of_memory: The framework's own exception classes that mean a lack of memory. SIGTERM and SIGINT set
            `StageContext.stop_requested`; the handler decides when to stop.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    stop = threading.Event()

    def request_stop(_number: int, _frame: Any) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, request_stop)
    request = StageRequest("unknown", "unknown", {}, {}, ".", ".", ".")
    context = StageContext(request, sys.stdout, stop)
    try:
        if len(arguments) != 1:
            raise BadInput("expected one argument, the path of stage.json, and got %d" % len(arguments))
        request = StageRequest.load(arguments[0])
        context = StageContext(request, sys.stdout, stop)
        if request.kind not in handlers:
            raise BadInput("this image has no stage kind %r; it has %s" % (request.kind, ", ".join(sorted(handlers))))
        record_machine(context)
        handlers[request.kind](context)
        with write_atomically(context.work(DONE_FILE), "w") as stream:
            stream.write(request.kind)
    except Exception as error:
        failure = _explained(error, out_of_memory)
        if failure is None:
            _tell(context, Failure("StageFailed", "%s: %s" % (type(error).__name__, error)), traced=True)
            return int(ExitCode.FAILED)
        said = Failure(failure.failure_class, failure.message, failure.hint)
        _tell(context, said, traced=failure is not error)
        return int(failure.exit_code)
    return int(ExitCode.DONE)


def record_machine(context: StageContext) -> None:
    """Keep among the facts what the program runs on; a stage that is resumed elsewhere has several."""
    request = context.request
    here = machine(request.threads, request.device)
    path = context.facts(MachineFile.FILE_NAME)
    try:
        before = MachineFile.load(path).starts
    except BadInput:
        before = ()
    if before[-1:] != (here,):
        MachineFile((*before, here)).save(path)


def _tell(context: StageContext, failure: Failure, traced: bool) -> None:
    """Say why the stage failed; where even that finds no room on the disk, the exit code has to do."""
    try:
        if traced:
            traceback.print_exc()
        context.say(failure)
    except OSError:
        pass


def _explained(error: Exception, out_of_memory: Tuple[type, ...]) -> Optional[StageError]:
    if isinstance(error, StageError):
        return error
    if isinstance(error, (MemoryError, *out_of_memory)):
        first = (str(error).splitlines() or [""])[0]
        return OutOfMemory(
            "memory did not suffice: %s" % (first or type(error).__name__),
            "raise the experiment's memory, or reduce the crop or tile size",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return StageError("no space left on the store's disk: %s" % error, "free some space and run again")
    return None
