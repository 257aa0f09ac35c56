"""What lies inside a folder: the one place that decides it, for every name that came out of a file."""

from pathlib import Path, PurePosixPath


def path_inside(folder: Path, name: str) -> Path:
    """Return the path that a relative name has in a folder.

    Args:
        folder: Where it has to lie; it need not exist.
        name: A relative path with forward slashes, as a manifest or an archive tells it: untrusted.

    Returns:
        The path below the folder; there may be nothing yet.

    Raises:
        ValueError: Where the name is empty or absolute, steps upwards, holds what no file's name can, or leads outside
            through a link that lies in the folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or name != str(PurePosixPath(name)) or name.startswith("/") or ".." in parts or "\0" in name:
        raise ValueError(f"{name!r} is no path inside a folder")
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} leads outside its folder")
    return path
