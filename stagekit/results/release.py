"""`release.json`: weights as the authors' program reads them."""

from dataclasses import dataclass, field
from typing import ClassVar, Tuple

from stagekit.results.form import ID, INSIDE, Form, Unknown


@dataclass(frozen=True)
class ReleaseFile(Form):
    """A released checkpoint, written by `release`.

    Attributes:
        files: Plain names of what the authors' program reads, beside this file.
        notes: What a reader must know, in sentences.
    """

    FILE_NAME: ClassVar[str] = "release.json"

    files: Tuple[str, ...] = field(metadata={**INSIDE, **ID})
    notes: Tuple[str, ...] = ()
    unknown: Unknown = field(default_factory=dict)
