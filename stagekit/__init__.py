"""The contract between the orchestrator and the program of an image (Python 3.8, standard library only).

A program gets the path of a ``stage.json``, answers with JSON lines on standard output and ends with one of the
fixed exit codes. Both sides import these definitions and no others.
"""

from stagekit.context import StageContext
from stagekit.exit_codes import ExitCode
from stagekit.failures import BadInput, BudgetTooSmall, Interrupted, OutOfMemory, StageError
from stagekit.files import write_atomically
from stagekit.messages import (
    Checkpoint,
    Failure,
    Message,
    Note,
    Progress,
    WarningMessage,
    decode,
    encode,
)
from stagekit.processes import peak_bytes, reset_peak, settle_worker
from stagekit.program import run_program
from stagekit.request import SCHEMA, StageRequest

__all__ = [
    "SCHEMA",
    "BadInput",
    "BudgetTooSmall",
    "Checkpoint",
    "ExitCode",
    "Failure",
    "Interrupted",
    "Message",
    "Note",
    "OutOfMemory",
    "Progress",
    "StageContext",
    "StageError",
    "StageRequest",
    "WarningMessage",
    "decode",
    "encode",
    "peak_bytes",
    "reset_peak",
    "run_program",
    "settle_worker",
    "write_atomically",
]
