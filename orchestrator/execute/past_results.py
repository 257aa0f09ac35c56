"""Results of single photographs that the store has, found by what decides them, whatever batch they were made in."""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from orchestrator.errors import SirrError
from orchestrator.plan.keys import Program, ResultDigests, stage_identity
from orchestrator.plan.stage import Source, Stage
from orchestrator.results import read_result
from orchestrator.spec.base import StrictModel
from orchestrator.store.layout import is_key
from orchestrator.store.store import Artifact, Store
from stagekit.results.predictions import PredictionItem, PredictionsFile

KEPT_DAYS = 7
"""How long a photograph's result stays in the store after its last use, unless it is cleaned before."""
_KEPT_S = KEPT_DAYS * 86400.0


class _Entry(StrictModel):
    """Where a photograph's result lies."""

    artifact: str
    """Key of the result of the last stage that it went through."""
    item: str
    """The photograph's id in it."""
    notes: tuple[str, ...]
    """What was done to its pixels."""


@dataclass(frozen=True)
class PastResult:
    """A photograph's result that is there.

    Attributes:
        notes: What was done to its pixels.
    """

    artifact: Artifact
    item: PredictionItem
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PastResults:
    """What a store has of single photographs.

    Attributes:
        stages: What a photograph goes through, each after those it reads, with any pictures; the first takes them.
        programs: Of these stages' images.
    """

    store: Store
    stages: Sequence[Stage]
    programs: Mapping[str, Program]

    def key(self, photograph: Path) -> str:
        """Return what names the result of a photograph: the key that it would have as a batch of its own."""
        with photograph.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest = hashlib.sha256(f"{content}{photograph.suffix}".encode()).hexdigest()
        first, *others = self.stages
        given = "source" if first.kind == "prepare" else "dataset"
        found: dict[str, ResultDigests] = {}
        key = ""
        for stage in (replace(first, sources={**first.sources, given: Source(photograph, digest)}), *others):
            key = stage_identity(stage, self.programs[stage.image], found).key
            found[stage.name] = ResultDigests(key, key)
        return key

    def find(self, key: str, report_damage: Callable[[str], None]) -> PastResult | None:
        """Return the result that a key names, with its content compared; None where there is none."""
        path = self._path(key)
        entry = _read(path)
        artifact = None if entry is None else self.store.sound_artifact(entry.artifact, report_damage)
        if entry is None or artifact is None:
            return None
        with contextlib.suppress(OSError):
            path.touch()
        items = read_result(PredictionsFile, artifact.output).items
        found = next((item for item in items if item.id == entry.item), None)
        return None if found is None else PastResult(artifact, found, entry.notes)

    def keep(self, key: str, artifact: Artifact, item: PredictionItem, notes: Sequence[str]) -> None:
        """Remember where a photograph's result lies; without it the photograph is computed again."""
        path = self._path(key)
        entry = _Entry(artifact=artifact.key, item=item.id, notes=tuple(notes))
        beside = path.with_name(f".{path.name}.{time.monotonic_ns()}")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(entry.model_dump_json(), encoding="utf-8")
            beside.replace(path)

    def tidy(self, finished: Sequence[str]) -> None:
        """Take away what no later call needs: prepared photographs, and results that were not used for a while.

        What a run needs, or another program reads, stays; so does everything where the store cannot be written to.

        Args:
            finished: Keys of what this call alone has read, and reads no more.
        """
        last_used: dict[str, float] = {}
        old = time.time() - _KEPT_S
        for path in sorted(self._folder.glob("*/*.json")):
            entry = _read(path)
            with contextlib.suppress(OSError):
                used = path.stat().st_mtime
                if entry is not None:
                    last_used[entry.artifact] = max(used, last_used.get(entry.artifact, used))
                if entry is None or used < old:
                    path.unlink()
        expired = [key for key, used in last_used.items() if used < old]
        with contextlib.suppress(SirrError):
            self.store.discard([*finished, *expired])

    @property
    def _folder(self) -> Path:
        return self.store.layout.cache / "photos"

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"


def _read(path: Path) -> _Entry | None:
    try:
        entry = _Entry.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError):
        return None
    return entry if is_key(entry.artifact) else None
