"""How long stages wait for a processor that others use, by what the kernel tells of their threads."""

import contextlib
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.store.layout import is_key

_EVERY_S = 0.2


@dataclass
class Waiting:
    """Watches the programs of a store's stages while its block runs.

    A thread that could run and had no processor waits in the queue of one. On a machine of its own a program that
    computes all the time would have taken its time without these waits.
    """

    staging: Path
    file: Path
    """Keeps the shares of stages that ran."""
    _seen: dict[str, dict[tuple[int, int], tuple[int, int]]] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Waiting":
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._watcher.join()
        self.file.write_text(json.dumps({**self.shares(), **{key: self._share(key) for key in self._seen}}, indent=1))

    def shares(self) -> dict[str, float]:
        """Return by key which share of its time a stage's threads ran, of that and of waiting; also of earlier runs."""
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def _share(self, key: str) -> float:
        times = self._seen[key].values()
        ran, waited = (sum(part) for part in zip(*times, strict=True))
        return round(ran / max(ran + waited, 1), 3)

    def _watch(self) -> None:
        while not self._done.wait(_EVERY_S):
            self.look()

    def look(self) -> None:
        """Look once at all programs."""
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                key = self._key((process / "cmdline").read_bytes().decode(errors="replace"))
                if key is not None:
                    self._note(key, process)

    def _key(self, command: str) -> str | None:
        """Return the key of the stage whose staging folder a command names."""
        _before, found, after = command.partition(f"{self.staging}/")
        key = after.partition("/")[0].partition("\0")[0]
        return key if found and is_key(key) else None

    def _note(self, key: str, process: Path) -> None:
        for thread in (process / "task").iterdir():
            with contextlib.suppress(OSError, ValueError):
                ran, waited, _turns = map(int, (thread / "schedstat").read_text().split())
                self._seen.setdefault(key, {})[int(process.name), int(thread.name)] = (ran, waited)
