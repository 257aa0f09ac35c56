"""From a stage's folders to an artifact: what is refused, what the manifest says, and how a cut commit is undone."""

import json
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.errors import OutputInvalid
from orchestrator.plan.keys import Identity
from orchestrator.store.content import file_sha256, files_below
from orchestrator.store.disk import sync
from orchestrator.store.layout import FACTS, OUTPUT, READY, WORK
from orchestrator.store.manifest import FileRecord, Manifest
from stagekit.inside import is_plain_folder
from stagekit.left_behind import unkept_name


def check_output(identity: Identity, output: Path, required: Sequence[str]) -> None:
    """Refuse an output that is not what the stage declared, or that other files could change later."""
    check_plain(identity, output)
    for name in required:
        if not plain_size(output / name):
            raise OutputInvalid(
                f"{identity.stage} ended well but left no {name}", where=str(output), hint="look into its log"
            )


def check_plain(identity: Identity, folder: Path) -> None:
    """Refuse links, devices and names that are not plain: what they lead to lies outside, or could change later."""
    if not is_plain_folder(folder):
        raise _not_plain(identity, folder, f"something else in place of its folder {folder.name!r}")
    for path in folder.rglob("*"):
        name, status = path.relative_to(folder).as_posix(), path.lstat()
        if not (stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)):
            raise _not_plain(identity, folder, f"{name!r}, which is not a plain file")
        if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
            raise _not_plain(identity, folder, f"{name!r}, which is another file too (a hard link)")
        if unkept_name(name):
            raise _not_plain(identity, folder, f"{name!r}, whose name {unkept_name(name)}")


def _not_plain(identity: Identity, folder: Path, what: str) -> OutputInvalid:
    return OutputInvalid(
        f"{identity.stage} left {what}", where=str(folder), hint="let the stage write plain files only"
    )


def place_file(path: Path, content: bytes) -> None:
    """Write a file into a plain folder, in place of whatever has its name."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


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
    manifest = Manifest(
        key=identity.key,
        stage=identity.stage,
        document=json.loads(json.dumps(identity.document)),
        files=files,
        fact_files=fact_files,
        facts=json.loads(json.dumps(facts, default=str)),
    )
    read_back = Manifest.model_validate_json(manifest.model_dump_json())  # values without a JSON form change on the way
    return read_back.model_copy(update={"sha256": read_back.record})


def plain_folders(staging: Path) -> None:
    """Remove what an interrupted program has put in place of its folders: a link would be followed out of the store."""
    for path in (staging / name for name in (OUTPUT, WORK, FACTS, READY)):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()


def take_back(staging: Path) -> None:
    """Undo a commit that was cut short: what was moved goes back to its place and can be written again."""
    for name in (OUTPUT, FACTS):
        half = staging / READY / name
        if not is_plain_folder(half):
            continue
        shutil.rmtree(staging / name, ignore_errors=True)
        set_modes(half, 0o644)
        half.rename(staging / name)


def set_modes(folder: Path, mode: int) -> None:
    """Set the mode of every file; folders stay writable, so that the store can be removed like any folder."""
    for path in folder.rglob("*"):
        if stat.S_ISREG(path.lstat().st_mode):
            path.chmod(mode)


def plain_size(path: Path) -> int | None:
    """Return the size of a plain file, None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
