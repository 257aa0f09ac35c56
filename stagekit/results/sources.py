"""`sources.json`: what a stage read of files from outside the store, hashed as it was read; among the facts."""

from dataclasses import dataclass, field
from typing import ClassVar, Mapping

from stagekit.results.form import Form, Unknown


@dataclass(frozen=True)
class SourcesFile(Form):
    """What was read, so that it can be compared with what was promised before the stage ran.

    Attributes:
        read: Name of a source to the SHA-256 of each file of it that was read, by its path inside the source.
    """

    FILE_NAME: ClassVar[str] = "sources.json"

    read: Mapping[str, Mapping[str, str]]
    unknown: Unknown = field(default_factory=dict)
