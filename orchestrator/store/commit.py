"""From a stage's folders to an artifact: what is refused, what the manifest says, and how a cut commit is undone."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import OutputInvalid
from orchestrator.plan.keys import Identity
from orchestrator.store.content import file_sha256, files_below
from orchestrator.store.disk import sync
from orchestrator.store.layout import FACTS, OUTPUT, READY
from orchestrator.store.manifest import FileRecord, Manifest


def check_output(identity: Identity, output: Path, required: Sequence[str]) -> None:
    """Refuse an output that is not what the stage declared, or that other files could change later."""
    for name in required:
        if not plain_size(output / name):
            raise OutputInvalid(
                f"{identity.stage} ended well but left no {name}", where=str(output), hint="look into its log"
            )
    check_plain(identity, output)


def check_plain(identity: Identity, folder: Path) -> None:
    """Refuse links and devices: what they lead to could change, or not be there, later."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            name = path.relative_to(folder).as_posix()
            raise OutputInvalid(
                f"{identity.stage} left {name}, which is not a plain file",
                where=str(folder),
                hint="let the stage write plain files only",
            )


def recorded(folder: Path) -> dict[str, FileRecord]:
    """Return every file of a folder with its hash, once all of it is on disk."""
    files = {}
    for path in files_below(folder):
        sync(path)
        files[path.relative_to(folder).as_posix()] = FileRecord(sha256=file_sha256(path), size=path.stat().st_size)
    for inner in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync(inner)
    return files


def committed_manifest(
    identity: Identity, files: dict[str, FileRecord], fact_files: dict[str, FileRecord], facts: Mapping[str, Any]
) -> Manifest:
    """Return the manifest of what is committed; facts become plain JSON values."""
    return Manifest(
        key=identity.key,
        stage=identity.stage,
        document=json.loads(json.dumps(identity.document)),
        files=files,
        fact_files=fact_files,
        facts=json.loads(json.dumps(facts, default=str)),
    )


def take_back(staging: Path) -> None:
    """Undo a commit that was cut short: what was moved goes back to its place and can be written again."""
    for name in (OUTPUT, FACTS):
        half = staging / READY / name
        if not half.is_dir():
            continue
        shutil.rmtree(staging / name, ignore_errors=True)
        set_modes(half, 0o644)
        half.rename(staging / name)


def set_modes(folder: Path, mode: int) -> None:
    """Set the mode of every file; folders stay writable, so that the store can be removed like any folder."""
    for path in files_below(folder):
        path.chmod(mode)


def plain_size(path: Path) -> int | None:
    """Return the size of a plain file, None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
