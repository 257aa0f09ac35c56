"""How the orchestrator reads what stages left: a file that is not as it should be becomes an error for people."""

from pathlib import Path
from typing import TypeVar

from orchestrator.errors import OutputInvalid
from stagekit.results.apart import load_whole
from stagekit.results.document import InvalidResult
from stagekit.results.form import Form

_F = TypeVar("_F", bound=Form)


def read_result(form: type[_F], folder: Path, facts: Path | None = None) -> _F:
    """Return a result of a stage, all of whose files are there.

    Args:
        form: which file it is.
        folder: where it lies, such as the output folder of an artifact.
        facts: where what may differ between two equal runs lies beside it, such as an artifact's folder for facts.

    Raises:
        OutputInvalid: with every mistake in it, or with the first file that it names and that is not there.
    """
    path = folder / form.FILE_NAME
    try:
        found = load_whole(form, folder, facts)
    except InvalidResult as error:
        raise OutputInvalid(error.message, where=str(path), hint=error.hint) from error
    for name in found.named_files():
        if not (folder / name).is_file():
            raise OutputInvalid(
                f"{path.name} names the file {name!r}, which is not there",
                where=str(path),
                hint="run the stage again that left it; where that does not help, its program has a fault",
            )
    return found
