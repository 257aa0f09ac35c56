"""JSON files of results: one text for the same values, and one way to say what is wrong with a file."""

import json
import os
from typing import Any, List, Mapping

from stagekit.failures import BadInput
from stagekit.files import write_atomically
from stagekit.inside import AnyPath, open_plain

_NAMED = 12
_LARGEST_BYTES = 2**29
"""Of a result file; one of a million pictures has half of it."""


class InvalidResult(BadInput):
    """A result file is not as its form declares.

    Attributes:
        mistakes: each with the field's place, such as 'items.3.height: -1 is less than 1'.
    """

    def __init__(self, name: str, mistakes: List[str]) -> None:
        self.name = name
        self.mistakes = tuple(mistakes)
        more = "; and %d more" % (len(mistakes) - _NAMED) if len(mistakes) > _NAMED else ""
        super().__init__(
            "%s is not what its stage declares: %s%s" % (name, "; ".join(mistakes[:_NAMED]), more),
            "run the stage again that wrote it; where that does not help, its program has a fault",
        )


def read_document(path: str) -> Any:
    """Return the JSON values of a file.

    Raises:
        InvalidResult: where it cannot be read, is no plain file, is too large, or is no JSON.
    """
    try:
        with open(open_plain(path), encoding="utf-8") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > _LARGEST_BYTES:
                raise OSError("it has %d bytes; at most %d are read" % (size, _LARGEST_BYTES))
            return json.load(stream)
    except OSError as error:
        raise InvalidResult(os.path.basename(path), ["it cannot be read: %s" % error]) from error
    except (ValueError, RecursionError) as error:
        raise InvalidResult(os.path.basename(path), ["it is no JSON: %s" % error]) from error


def write_document(path: AnyPath, document: Mapping[str, Any]) -> None:
    """Write JSON values as a file, whole or not at all."""
    text = document_text(document)
    with write_atomically(os.fspath(path), "w") as stream:
        stream.write(text)


def document_text(document: Mapping[str, Any]) -> str:
    """Return the one text of JSON values: ASCII, keys sorted, numbers that come back as they are."""
    return json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n"
