"""The JSON files of artifacts: strict models, and how a file that is not what its stage declares is refused."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from orchestrator.errors import OutputInvalid


class Strict(BaseModel):
    """A file, or a part of one: nothing is missing, converted or unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_T = TypeVar("_T")
_F = TypeVar("_F", bound=Strict)

Listed = Annotated[tuple[_T, ...], BeforeValidator(_tuple)]
"""A list in the file."""

Count = Annotated[int, Field(ge=0)]


def read_file(path: Path, model: type[_F]) -> _F:
    """Return the content of a file.

    Raises: OutputInvalid with every mistake in it.
    """
    try:
        return model.model_validate_json(path.read_bytes())
    except OSError as error:
        raise OutputInvalid(f"{path.name} cannot be read: {error.strerror}", where=str(path)) from error
    except ValidationError as error:
        mistakes = "; ".join(_mistake(detail) for detail in error.errors(include_url=False))
        raise OutputInvalid(
            f"{path.name} is not what its stage declares: {mistakes}",
            where=str(path),
            hint="run the stage again; where that does not help, its image's program has a fault",
        ) from error


def _mistake(detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])
