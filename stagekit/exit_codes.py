"""Exit codes of a stage's program."""

import enum


class ExitCode(enum.IntEnum):
    """What a program's exit status means; every other status means FAILED."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 10
    OUT_OF_MEMORY = 11
    INTERRUPTED = 12
