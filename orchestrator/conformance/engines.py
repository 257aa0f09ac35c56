"""The conformance run for authors of engines: one line a check.

As a command, for an engine that an installed package brings and that runs local environments, with the interpreter of
this program: ``python -m orchestrator.conformance.engines NAME --folder SHARED``. From Python, for any: a `Bench` with
an environment that the engine runs, and `engine_checks`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.conformance.check_line import Check, failed
from orchestrator.conformance.engine_bench import Bench, code_folder, local_environment
from orchestrator.conformance.engine_suite import ENGINE_CHECKS
from orchestrator.engine.select import available_engine
from orchestrator.errors import SirrError, SomeFailed

__all__ = ["ENGINE_CHECKS", "Bench", "code_folder", "engine_checks", "local_environment"]


def engine_checks(bench: Bench) -> Iterator[Check]:
    """Yield every check of an engine, as soon as it is made; what it started is removed."""
    return (_made(check, bench) for check in ENGINE_CHECKS)


def _made(check: Callable[[Bench], None], bench: Bench) -> Check:
    subject, title = f"engine {bench.name}", check.__name__.replace("_", " ")
    remedy = f"read {check.__module__}.{check.__name__}"
    try:
        try:
            check(bench)
        finally:
            bench.clear()
    except AssertionError as error:
        return Check(subject, title, "failed", str(error), remedy)
    except SirrError as error:
        return failed(subject, title, error)
    except Exception as error:  # whatever the code of others does
        return Check(subject, title, "failed", f"{type(error).__name__}: {error}", remedy)
    return Check(subject, title, "passed")


def main() -> int:
    """Check an engine by its name; end with 0 where no check fails."""
    parser = argparse.ArgumentParser(prog="python -m orchestrator.conformance.engines", description=__doc__)
    parser.add_argument("name", help="of the engine, as --engine takes it")
    parser.add_argument("--folder", type=Path, help="that its programs see; default: one for temporary files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="sirr-engine-") as name:
        folder = Path(name).resolve()
        code = code_folder(folder / "code")
        bench = Bench(
            arguments.name,
            lambda: available_engine(arguments.name, folder / "stages").engine,
            local_environment(sys.executable, code),
            folder / "stages",
            folder / "outside",
        )
        outcomes = []
        for found in engine_checks(bench):
            outcomes.append(found.outcome)
            sys.stdout.write(f"{found.outcome:>8}  {found.title}{': ' if found.words else ''}{found.words}\n")
    return int(SomeFailed.exit_code) if "failed" in outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
