"""What a stage is asked to do: the content of ``stage.json``."""

import dataclasses
import json
import math
import posixpath
import typing
from typing import Any, Dict, Optional

from stagekit.failures import BadInput
from stagekit.files import write_atomically

SCHEMA = 2

FOLDERS = ("output", "work", "facts")
"""What a stage may write to, below one folder."""


@dataclasses.dataclass(frozen=True)
class StageRequest:
    """One stage as its program sees it.

    Attributes:
        stage: The stage's readable name, such as "train/errnet2019".
        kind: Which handler runs it.
        settings: Everything that decides the result, as plain JSON values.
        inputs: Name to folder (or file), read-only.
        output: The folder for results, the same bytes every time; empty at the start, or as an interrupted run left it.
        work: The folder for checkpoints and caches; never kept.
        facts: The folder for files about how it went (times, memory, event files); kept beside the results, never read
            by another stage.
        device: "cpu" or "cuda".
        seed: Of every random draw.
        memory_bytes: The budget of the stage, None where it is not limited.
        threads: How many processor threads to use, None for the framework's default.
        workers: Processes that prepare training samples; 0 for none beside the program, None for the program's choice.
        checkpoint_s: Seconds between the checkpoints of a training, None for the program's choice.
        memory_saving_level: How many of its ways of saving memory a training begins with; raised after it ran out.
        device_memory_bytes: The budget on a GPU, None for all that it has.
    """

    stage: str
    kind: str
    settings: Dict[str, Any]
    inputs: Dict[str, str]
    output: str
    work: str
    facts: str
    device: str = "cpu"
    seed: int = 0
    memory_bytes: Optional[int] = None
    threads: Optional[int] = None
    workers: Optional[int] = None
    checkpoint_s: Optional[float] = None
    memory_saving_level: int = 0
    device_memory_bytes: Optional[int] = None
    schema: int = SCHEMA

    @classmethod
    def below(
        cls, folder: str, stage: str, kind: str, settings: Dict[str, Any], inputs: Dict[str, str], **fields: Any
    ) -> "StageRequest":
        """Return a request whose own folders, `FOLDERS`, lie below one folder.

        Args:
            fields: Those that have a default.
        """
        output, work, facts = (posixpath.join(folder, name) for name in FOLDERS)
        return cls(stage, kind, settings, inputs, output, work, facts, **fields)

    @classmethod
    def load(cls, path: str) -> "StageRequest":
        """Read a ``stage.json``.

        Raises:
            BadInput: Where the file is missing, is not JSON, has other fields or values of another kind, or
                another schema version.
        """
        try:
            with open(path, encoding="utf-8") as stream:
                fields = json.load(stream)
        except (OSError, RecursionError, ValueError) as error:
            raise BadInput("%s is not a stage description: %s" % (path, error)) from error
        schema = fields.get("schema") if isinstance(fields, dict) else None
        if schema is not None and schema != SCHEMA:
            raise BadInput(
                "stage description has schema %s, this image reads %d" % (schema, SCHEMA),
                "rebuild the image with the orchestrator's version",
            )
        try:
            request = cls(**fields)
        except TypeError as error:
            raise BadInput("%s is not a stage description: %s" % (path, error)) from error
        hints = typing.get_type_hints(cls)
        wrong = [name for name, value in fields.items() if not _fits(value, hints[name])]
        if wrong:
            raise BadInput("%s is not a stage description: %s is of another kind" % (path, ", ".join(wrong)))
        return request

    def save(self, path: str) -> None:
        """Write this request as ``stage.json``."""
        with write_atomically(path, "w") as stream:
            json.dump(dataclasses.asdict(self), stream, indent=2, sort_keys=True)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a JSON value is what a field is declared to be."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is typing.Union:
        return value is None or _fits(value, inner[0])
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, inner[1]) for item in value.values())
    if hint is float:
        return _fits(value, int) or (isinstance(value, float) and math.isfinite(value))
    return isinstance(value, hint) and not isinstance(value, bool)
