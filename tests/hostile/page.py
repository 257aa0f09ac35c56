"""The tables of hostile input as a page of the reference: what is tried, through what, and what happens; no bytes."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from stagekit import ExitCode
from tests.hostile.row import EXIT_CODES, USAGE, Row
from tests.hostile.stage_row import StageRow
from tests.hostile.tables import COMMANDS, STAGES
from tests.hostile.test_left_by_stages import PRINTED, REFUSED, SAID

INTRODUCED = """\
# Hostile files

<!-- Made of tests/hostile; edit the rows there, then run: SIRR_ACCEPT_GOLDEN=1 pytest tests/hostile/test_page.py -->

What the test suite gives to commands and to the programs of the images, and what happens then. Each line says what a
file would do to a program that took it at its word. For every line a test holds that

- nothing outside of what the command or the stage is for is read, changed or left behind: neighbouring files are
  watched by inotify and compared before and after;
- the answer is one error in words, with its exit code and with what to do, or, where the file is odd and harmless, the
  work is done; it holds no control characters and no traceback;
- time and memory stay within bounds.

What commands answer: [errors and exit codes](errors.md). Stages run by the interpreters of the images' local
environments, once without walls, so that a program's own checks are all that stands before the machine, and once inside
the best walls that the machine has. What each engine holds off beyond these checks: [SECURITY.md](../../SECURITY.md).

No line is an attack on outside software (ONNX Runtime, PyTorch, TensorFlow, libvips, Pillow): what this project's own
checks let through, such software refuses by itself or takes without harm.
"""

_MARKUP = re.compile(r"([\\`*_{}\[\]|])")


def page() -> str:
    """Return the page."""
    counts = [sum(map(len, tables.values())) for tables in (COMMANDS, STAGES)]
    parts = [INTRODUCED, f"{counts[0]} inputs go through commands, {counts[1]} through stages.\n"]
    for title, rows in COMMANDS.items():
        parts.append(_table(title, "command", (_command_cells(row) for row in rows)))
    for title, stage_rows in STAGES.items():
        parts.append(_table(title, "stage", _stage_cells(stage_rows)))
    parts.append(_table("What programs leave and print", "engine", _left_cells()))
    return "\n".join(parts)


def _table(title: str, given: str, cells: Iterable[Sequence[str]]) -> str:
    lines = dict.fromkeys(f"| {' | '.join(row)} |" for row in cells)
    head = f"## {title}\n\n| what it would do | {given} | what happens |\n| --- | --- | --- |\n"
    return head + "\n".join(lines) + "\n"


def _command_cells(row: Row) -> Sequence[str]:
    if row.codes == USAGE:
        answer = "refused as a usage error (exit code 2)"
    elif row.codes:
        answer = "refused: " + " or ".join(f"`{code}` ({EXIT_CODES[code]})" for code in row.codes)
    else:
        answer = "harmless: the work is done (0)"
    return plain(row.tried), f"`{row.command}`", answer


def _stage_cells(rows: Sequence[StageRow]) -> Iterator[Sequence[str]]:
    """Yield lines of rows; images that get the same and answer alike share one."""
    images: dict[tuple[str, str, ExitCode], list[str]] = {}
    for row in rows:
        found = images.setdefault((row.tried, row.kind, row.code), [])
        found += [row.image] if row.image not in found else []
    for (tried, kind, code), names in images.items():
        yield plain(tried), f"`{kind}` of {', '.join(names)}", _ANSWERS[code]


def _left_cells() -> Iterator[Sequence[str]]:
    for things, verb, answer in (
        (REFUSED, "leave", "refused as an invalid result"),
        (SAID, "fail, and say", "the stage failed; what it said is shown as words"),
        (PRINTED, "print", "harmless: the result is taken"),
    ):
        yield from ((f"{verb}: {plain(thing.replace('-', ' '))}", "`docker`, `local`", answer) for thing in things)


_ANSWERS = {
    ExitCode.DONE: "harmless: the work is done (0)",
    ExitCode.BAD_INPUT: "refused as bad input (10)",
    ExitCode.FAILED: "fails, with the reason (1)",
}


def plain(text: str) -> str:
    """Return a text as Markdown that shows it as it is."""
    return _MARKUP.sub(r"\\\1", html.escape(text, quote=False))
