"""What lies inside a folder, for the orchestrator: paths and errors of its own, decided by the contract's function."""

from pathlib import Path

from stagekit import BadInput
from stagekit.inside import inside


def path_inside(folder: Path, name: str) -> Path:
    """Return the path that a relative name has in a folder.

    Args:
        folder: Where it has to lie; it need not exist.
        name: A relative path with forward slashes, as a manifest or an archive tells it: untrusted.

    Returns:
        The path below the folder; there may be nothing yet.

    Raises:
        ValueError: Where the name is empty or absolute, steps upwards, holds what no file's name should, or leads
            outside through a link that lies in the folder.
    """
    try:
        return Path(inside(folder, name))
    except BadInput as error:
        raise ValueError(error.message) from error
