"""What an artifact holds, written beside its output when it is committed."""

from typing import Any

from pydantic import Field

from orchestrator.spec.base import StrictModel

SCHEMA = 1


class FileRecord(StrictModel):
    """One file of an output."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of its content."""
    size: int = Field(ge=0)
    """Bytes."""


class Manifest(StrictModel):
    """One artifact."""

    schema_version: int = SCHEMA
    """Version of this file's form."""
    key: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The stage's key."""
    stage: str
    """The stage's name in the run that made it."""
    document: dict[str, Any]
    """What the key was computed from."""
    files: dict[str, FileRecord]
    """Every file of the output, by its relative path."""
    facts: dict[str, Any]
    """How it was made: engine, times, warnings. Never part of the key."""

    @property
    def kind(self) -> str:
        """The kind of stage that made it."""
        return str(self.document.get("kind", ""))
