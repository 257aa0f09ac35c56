"""What an artifact holds, written beside its output when it is committed."""

import hashlib
from functools import cached_property
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
    """Every file of the output, by its relative path: the results."""
    fact_files: dict[str, FileRecord] = Field(default_factory=dict)
    """Every file about how it went, by its relative path in the folder `facts`; never part of the results."""
    facts: dict[str, Any]
    """How it was made: engine, times, warnings. Never part of the key."""
    sha256: str = ""
    """Hash of the rest of this file, as `record`; empty in what earlier versions kept."""

    @cached_property
    def content(self) -> str:
        """SHA-256 over the names and hashes of the output's files: the same for the same content."""
        digest = hashlib.sha256()
        for name, record in sorted(self.files.items()):
            digest.update(f"{record.sha256}  {name}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    @cached_property
    def record(self) -> str:
        """SHA-256 of the whole manifest but itself: of what the result is and of how it was made."""
        text = self.model_dump_json(exclude={"sha256"})
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def whole(self) -> bool:
        """Whether it is as it was written, where it can tell."""
        return self.sha256 in {"", self.record}

    @property
    def kind(self) -> str:
        """The kind of stage that made it."""
        return str(self.document.get("kind", ""))
