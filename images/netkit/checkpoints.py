"""Checkpoints that survive a kill at any moment: the state, then a small file that vouches for it."""

import contextlib
import hashlib
import json
import os
import re
import shutil
from typing import Any, Callable, Dict, List, Mapping, Optional

from stagekit import StageError, write_atomically

KEPT = 2
"""How many checkpoints are kept: the newest, and the one before it in case the disk cut the newest short."""

_NAME = re.compile(r"checkpoint\.(\d{9})\.json")


class Checkpoints:
    """The checkpoints of one training in its work folder.

    Args:
        folder: Exists.
        warn: Is told about a checkpoint that cannot be used.
    """

    def __init__(self, folder: str, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn

    def save(self, number: int, write: Callable[[str], None], facts: Mapping[str, Any]) -> str:
        """Write a checkpoint and return the file name of its state.

        Args:
            number: Grows with every checkpoint.
            write: Writes the state to exactly the path it gets.
            facts: JSON values.

        Raises:
            StageError: Where it cannot be written, such as on a full disk; earlier checkpoints are still there.
        """
        state = "checkpoint.%09d.state" % number
        partial = os.path.join(self._folder, state + ".partial")
        try:
            write(partial)
            with open(partial, "rb+") as stream:
                os.fsync(stream.fileno())
        except Exception as error:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            if isinstance(error, MemoryError):
                raise
            free = shutil.disk_usage(self._folder).free / 2**20
            raise StageError(
                "a checkpoint could not be written, with %.0f MiB free on the store's disk: %s" % (free, error),
                "free some space and run again: the training goes on from the checkpoint before",
            ) from error
        os.replace(partial, os.path.join(self._folder, state))
        vouched = {"state": state, "sha256": _digest(os.path.join(self._folder, state)), "facts": dict(facts)}
        with write_atomically(os.path.join(self._folder, "checkpoint.%09d.json" % number), "w") as stream:
            json.dump(vouched, stream)
        self._forget(self._numbers()[KEPT:])
        return state

    def restore(self, read: Callable[[str], None]) -> Optional[Dict[str, Any]]:
        """Read the newest whole checkpoint and return its facts; None where there is none.

        Args:
            read: Reads the state from the path it gets.
        """
        for number in self._numbers():
            vouched = self._vouched(number)
            if vouched is not None:
                read(os.path.join(self._folder, vouched["state"]))
                facts: Dict[str, Any] = vouched["facts"]
                return facts
            self._warn("checkpoint %d is damaged; the one before it is used" % number)
            self._forget([number])
        return None

    def _vouched(self, number: int) -> Optional[Dict[str, Any]]:
        try:
            with open(os.path.join(self._folder, "checkpoint.%09d.json" % number), encoding="utf-8") as stream:
                vouched: Dict[str, Any] = json.load(stream)
            whole = _digest(os.path.join(self._folder, vouched["state"])) == vouched["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return vouched if whole else None

    def _numbers(self) -> List[int]:
        found = map(_NAME.fullmatch, os.listdir(self._folder))
        return sorted((int(match.group(1)) for match in found if match), reverse=True)

    def _forget(self, numbers: List[int]) -> None:
        for number in numbers:
            for ending in ("json", "state"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self._folder, "checkpoint.%09d.%s" % (number, ending)))


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
