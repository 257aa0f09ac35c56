"""Sets damaged results aside, with the reason, so that the next run makes them again."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import StoreError
from orchestrator.store.examine import Examination, Fault, Stamp, examine
from orchestrator.store.layout import Layout
from orchestrator.store.leases import held

REASON = "reason.json"


def sound_or_aside(
    layout: Layout, key: str, known: Mapping[str, Stamp] | None = None
) -> tuple[Examination | None, str | None]:
    """Look at an artifact, and move it among the damaged ones where it is damaged.

    It is looked at again while its lease is held: what another program has made anew meanwhile stays.

    Args:
        layout: The store.
        key: The artifact's key; its lease must not be held by this process.
        known: As in `examine`.

    Returns:
        What was found of a sound artifact, None where there is none; a sentence about what was set aside, or None.

    Raises:
        StoreError: Where the artifact cannot be read or moved.
    """
    try:
        found = examine(layout, key, known)
        if found is None or not found.damaged:
            return found, None
        with held(layout.lease(key)):
            found = examine(layout, key, known)
            if found is None or not found.damaged:
                return found, None
            return None, move_aside(layout, found)
    except OSError as error:
        raise StoreError(
            f"the result {key[:12]} cannot be read or set aside: {error.strerror or error}",
            where=str(error.filename or layout.artifact(key)),
            hint="check its permissions and the disk, then look with: sirr-orch store check",
        ) from error


def remove_surplus(layout: Layout, found: Examination) -> list[str]:
    """Move files that do not belong to an artifact, or are about how it went and were changed, among the damaged.

    Returns:
        Their names.
    """
    moved = [fault for fault in found.faults if fault.harmless and fault.kind in {"surplus", "changed"}]
    if not moved:
        return []
    aside = _place(layout, found.key)
    for fault in moved:
        target = aside / fault.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (layout.artifact(found.key) / fault.name).rename(target)
    _write_reason(aside, found, moved)
    return [fault.name for fault in moved]


def move_aside(layout: Layout, found: Examination) -> str:
    """Move a damaged artifact whose lease is held among the damaged ones, and return a sentence about it."""
    aside = _place(layout, found.key)
    layout.artifact(found.key).rename(aside / "artifact")
    layout.verification(found.key).unlink(missing_ok=True)
    _write_reason(aside, found, list(found.faults))
    title = f"the result {found.key[:12]}" + (f" of {found.manifest.stage}" if found.manifest else "")
    return f"{title} is damaged ({found.sentence}); it was set aside as {aside.relative_to(layout.root)}"


def _place(layout: Layout, key: str) -> Path:
    """Return a new folder among the damaged results; a name of one's own, as several may be set aside of one key."""
    folder = layout.damaged / f"{key}-{int(time.time())}-{os.urandom(3).hex()}"
    folder.mkdir(parents=True)
    return folder


def _write_reason(folder: Path, found: Examination, faults: list[Fault]) -> None:
    """Say beside it what is wrong; a full disk must not keep a damaged result in its place."""
    reason = {
        "key": found.key,
        "stage": found.manifest.stage if found.manifest else None,
        "found": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "faults": [fault.words for fault in faults],
    }
    try:
        (folder / REASON).write_text(json.dumps(reason, indent=1) + "\n", encoding="utf-8")
    except OSError:
        (folder / REASON).unlink(missing_ok=True)
