"""Programs that are run on hostile input: quickly, within bounds, and with what came of them."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("fork_server.py")
CODE = (ROOT, ROOT / "images")


@dataclass(frozen=True)
class Bounds:
    """What a program may take.

    seconds: by the clock, on a machine that has other things to do
    processor_s: of all its threads
    more_bytes: of memory, beyond what it holds when everything is imported
    address_bytes: of addresses, beyond those; what is only reserved counts, such as threads' stacks
    """

    seconds: float = 60.0
    processor_s: float = 15.0
    more_bytes: int = 2**30
    address_bytes: int = 2**30


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    more_bytes: the most memory that it held at once, beyond what it held when everything was imported
    """

    code: int
    said: str
    late: bool
    processor_s: float
    more_bytes: int


class ForkedPrograms:
    """Runs modules in copies of a process that has imported them."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._imported_bytes = int(self._read()["peak_bytes"])

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the fork server died"
        return dict(json.loads(line))

    def run(
        self, module: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], bounds: Bounds
    ) -> Ended:
        """Run a module in a folder; what it prints goes through files in the environment's TMPDIR's neighbour."""
        printed = folder / ".printed"
        request = {
            "module": module,
            "arguments": list(arguments),
            "folder": os.fspath(folder),
            "environment": dict(environment),
            "out": os.fspath(printed),
            "err": os.fspath(printed),
            "seconds": bounds.seconds,
            "address_bytes": bounds.address_bytes,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        said = printed.read_bytes().decode("utf-8", "backslashreplace")
        printed.unlink()
        return Ended(
            code=int(answer["code"]),
            said=said,
            late=bool(answer["late"]),
            processor_s=answer["processor_s"],
            more_bytes=int(answer["peak_bytes"]) - self._imported_bytes,
        )


@contextlib.contextmanager
def forked_programs(
    modules: Sequence[str],
    python: Path | None = None,
    code: Sequence[Path] = CODE,
    behind: Sequence[str] = (),
) -> Iterator[ForkedPrograms]:
    """Yield a fork server that has imported modules.

    Args:
        python: The interpreter; None for this one.
        code: Folders that modules are imported from.
        behind: The command of walls that the server, and so each of its programs, runs in.
    """
    paths = os.pathsep.join(map(os.fspath, code))
    command = [*behind, os.fspath(python or sys.executable), os.fspath(SERVER), *modules]
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, cwd=ROOT
    ) as process:
        try:
            yield ForkedPrograms(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)
