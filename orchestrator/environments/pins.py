"""The digests that the official base images are pinned to: images/bases.txt."""

import re
from collections.abc import Mapping
from pathlib import Path

from orchestrator.errors import SpecError
from orchestrator.resources import images_folder

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
UNPINNED = "-"
"""Stands in place of the digest of a base that no registry was asked for."""


def pins_path() -> Path:
    """Return the file that holds the pins."""
    return images_folder() / "bases.txt"


def pinned_digests(path: Path | None = None) -> dict[str, str]:
    """Return the pinned bases: reference to digest, or to `UNPINNED`.

    Raises:
        SpecError: Where a line has another form.
    """
    path = path or pins_path()
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, digest = line.strip().rpartition(" ")
        if not name or not (digest == UNPINNED or _DIGEST.fullmatch(digest)):
            raise SpecError(
                f"{path.name} has {line!r}, which is not NAME sha256:DIGEST",
                where=f"{path}:{number}",
                hint="write it anew with: make pin-bases",
            )
        found[name] = digest
    return found


def save_pinned_digests(digests: Mapping[str, str], path: Path | None = None) -> None:
    """Write the pinned bases, keeping the words on top of the file."""
    path = path or pins_path()
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    lines = [*kept, *(f"{name} {digest}" for name, digest in sorted(digests.items()))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def pinned(base: str) -> str:
    """Return an official base with its digest where it is pinned."""
    digest = pinned_digests().get(base, UNPINNED)
    return base if digest == UNPINNED else f"{base}@{digest}"


def name_and_digest(reference: str) -> tuple[str, str]:
    """Return a reference's name, with its tag, and its digest, empty where it has none."""
    name, _, digest = reference.partition("@")
    return name, digest
