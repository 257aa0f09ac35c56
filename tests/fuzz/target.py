"""What can be fuzzed: a module of `tests.fuzz.targets` each, with its first inputs and its one entry point."""

from __future__ import annotations

import atexit
import importlib
import os
import pkgutil
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tests.fuzz.targets as package
from tests.fuzz.mutation import changed_bytes

Mutator = Callable[[bytes, random.Random], bytes]
"""Returns an input that differs from another one and is as well-formed as that."""


@dataclass(frozen=True)
class Target:
    """One reader of what strangers made.

    Attributes:
        fuzz_one: Reads one input. It returns, or raises what is a finding: the errors that the reader declares are
            caught in it.
        seeds: Well-formed inputs.
        mutate: Knows the form of the inputs; bytes alone are changed as well.
        executions: Of the short form, about five seconds.
    """

    name: str
    fuzz_one: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    mutate: Mutator
    executions: int


def target_names() -> list[str]:
    """Return the names of all targets."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load_target(name: str) -> Target:
    """Import a target."""
    module = importlib.import_module(f"{package.__name__}.{name}")
    mutate = getattr(module, "mutate", changed_bytes)
    return Target(name, module.fuzz_one, tuple(module.seeds()), mutate, module.EXECUTIONS)


class Scratch:
    """A folder of this process, in memory where that is possible, for readers that take paths."""

    def __init__(self) -> None:
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if os.access(memory, os.W_OK) else None))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def file(self, name: str, content: bytes) -> Path:
        """Write a file, in place of an earlier one of this name."""
        path = self.folder / name
        path.write_bytes(content)
        return path
