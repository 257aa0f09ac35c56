"""The one place that runs other programs: to their end, or line by line."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class ProcessFailed(Exception):
    """A program could not be run, or ended with a status other than 0.

    Args:
        argv: The command.
        status: Its exit status, None where it could not be started or took too long.
        output: What it printed, standard output and error together.
    """

    def __init__(self, argv: Sequence[str], status: int | None, output: str) -> None:
        self.argv = tuple(argv)
        self.status = status
        self.output = output
        ended = "could not be run" if status is None else f"ended with status {status}"
        last = output.strip().splitlines()[-1:] or ["no output"]
        super().__init__(f"{self.argv[0]} {ended}: {last[0]}")


@dataclass(frozen=True)
class Completed:
    """A program that ended well."""

    argv: tuple[str, ...]
    stdout: str
    stderr: str


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout_s: float | None = None,
    own_session: bool = False,
    pass_fds: Sequence[int] = (),
) -> Completed:
    """Run a program to its end and return what it printed.

    Args:
        env: The whole environment; None passes this process's own on.
        own_session: Keep the terminal's Ctrl-C from it.
        pass_fds: Descriptors that it inherits.

    Raises:
        ProcessFailed: Where it cannot be started, or ends with another exit code than 0.
    """
    try:
        done = subprocess.run(
            list(argv),
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
            start_new_session=own_session,
            pass_fds=tuple(pass_fds),
        )
    except subprocess.TimeoutExpired as error:
        raise ProcessFailed(argv, None, f"no answer within {timeout_s} s") from error
    except OSError as error:
        raise ProcessFailed(argv, None, str(error)) from error
    if done.returncode != 0:
        raise ProcessFailed(argv, done.returncode, done.stdout + done.stderr)
    return Completed(tuple(argv), done.stdout, done.stderr)


def stream(argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[str]:
    """Run a program and yield its lines as they come, standard output and error together, without their ends.

    A program whose reader gives up is ended.

    Raises:
        ProcessFailed: After the last line.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise ProcessFailed(argv, None, str(error)) from error
    assert process.stdout is not None  # a pipe was asked for
    tail: list[str] = []
    try:
        with process.stdout:
            for line in process.stdout:
                tail = [*tail[-199:], line]
                yield line.rstrip("\r\n")
    finally:
        if process.poll() is None:
            process.terminate()
        status = process.wait()
    if status != 0:
        raise ProcessFailed(argv, status, "".join(tail))
