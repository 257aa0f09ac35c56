"""`sources.json`: what a stage read of files from outside the store, hashed as it was read; among the facts."""

import os
from dataclasses import dataclass, field
from typing import ClassVar, Dict, Mapping
from urllib.parse import quote_from_bytes, unquote_to_bytes

from stagekit.results.form import Form, Unknown


@dataclass(frozen=True)
class SourcesFile(Form):
    """What was read, so that it can be compared with what was promised before the stage ran.

    Attributes:
        read: Name of a source to the SHA-256 of each file of it that was read, by its path inside the source, which is
            written as in an address: names of files need not be text.
    """

    FILE_NAME: ClassVar[str] = "sources.json"

    read: Mapping[str, Mapping[str, str]]
    unknown: Unknown = field(default_factory=dict)

    @classmethod
    def of_files(cls, read: Mapping[str, Mapping[str, str]]) -> "SourcesFile":
        """Return the form of what was read, by the files' own paths."""
        return cls(
            {
                name: {quote_from_bytes(os.fsencode(path)): hashed for path, hashed in files.items()}
                for name, files in read.items()
            }
        )

    def files(self, name: str) -> Dict[str, str]:
        """Return the hashes of a source's files by their own paths.

        Raises:
            KeyError: Where the stage tells nothing of this source.
        """
        return {os.fsdecode(unquote_to_bytes(path)): hashed for path, hashed in self.read[name].items()}
