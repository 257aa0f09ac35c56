"""The record of a run: append-only JSON lines."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class RunRecord:
    """What happened to the stages of one named run, over all the times it was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "events.jsonl"
        self._lock = threading.Lock()

    def append(self, event: Mapping[str, Any]) -> None:
        """Append one event; it is a single write, so that two programs do not mix their lines."""
        line = json.dumps(event, ensure_ascii=False) + "\n"
        with self._lock, self._path.open("a", encoding="utf-8") as stream:
            stream.write(line)

    def events(self) -> list[dict[str, Any]]:
        """Return all events; a line that a crash has cut short is left out."""
        if not self._path.is_file():
            return []
        events = []
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
        return events

    def keys(self) -> dict[str, str]:
        """Return the keys of the latest plan, by stage; empty where there is none."""
        plans = [event["keys"] for event in self.events() if event.get("event") == "planned"]
        return dict(plans[-1]) if plans else {}
