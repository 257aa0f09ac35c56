"""The record of a run: append-only JSON lines."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.store.disk import space_explained

_EVENTS = "events.jsonl"
_BEGUN = ("stored", "running", "adopted", "done")


class RunRecord:
    """What happened to the stages of one named run, over all the times it was started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The run's folder; it exists from the first time that it is asked for."""
        with space_explained(self._folder.parent, "making the run's record"):
            self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def append(self, event: Mapping[str, Any]) -> None:
        """Append one event; it is a single write, so that two programs do not mix their lines.

        Raises:
            NoSpace: Where the disk is full.
        """
        line = (json.dumps(event, ensure_ascii=False, default=str) + "\n").encode("utf-8", errors="replace")
        with self._lock, space_explained(self.folder, "writing the run's record"):
            handle = os.open(self._folder / _EVENTS, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(handle, b"\n" + line if _is_cut(handle) else line)
            finally:
                os.close(handle)

    def events(self) -> list[dict[str, Any]]:
        """Return all events; a line that a crash has cut short is left out."""
        try:
            text = (self._folder / _EVENTS).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        events = []
        for line in text.split("\n"):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict):
                events.append(event)
        return events

    def keys(self) -> dict[str, str]:
        """Return the keys of the latest plan by stage, as far as they became known; empty where there is none."""
        keys: dict[str, str] = {}
        for event in self.events():
            match event:
                case {"event": "planned", "keys": dict(planned)}:
                    keys = dict(planned)
                case {"event": "state", "stage": str(stage), "key": str(key)}:
                    keys[stage] = key
        return keys

    def begun(self) -> dict[str, str]:
        """Return the keys under which stages last ran or were there, by stage; those that only were to run are none."""
        return {
            event["stage"]: event["key"]
            for event in self.events()
            if event.get("event") == "state"
            and event.get("state") in _BEGUN
            and isinstance(event.get("stage"), str)
            and isinstance(event.get("key"), str)
        }


def _is_cut(handle: int) -> bool:
    """Return whether the last line has no end, as a crash leaves it."""
    size = os.fstat(handle).st_size
    return size > 0 and os.pread(handle, 1, size - 1) != b"\n"
