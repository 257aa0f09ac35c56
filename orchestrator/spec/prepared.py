"""Where prepared datasets lie, and which there are."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.dataset import PreparedDataset
from stagekit.inside import read_plain

DATA_VARIABLE = "SIRR_DATA"
"""The environment variable that names the data folder."""

DEFAULT_DATA = Path("sirr-data")
"""The data folder where no other is named: beside the store, and not in it, as it is dear to make again."""

INDEX = "index.json"
_LARGEST_BYTES = 2**28
"""What a prepared dataset is told by."""


def data_home(named: Path | None = None) -> Path:
    """Return the absolute path of the folder that holds raw downloads and prepared datasets.

    Args:
        named: As a command was told; None for the environment's, or the default.
    """
    return (named or Path(os.environ.get(DATA_VARIABLE) or DEFAULT_DATA)).expanduser().absolute()


def raw_folder(name: str, home: Path | None = None) -> Path:
    """Return where the raw files of a dataset are looked for."""
    return data_home(home) / "raw" / name


def prepared_folder(name: str, home: Path | None = None) -> Path:
    """Return where a dataset lies when it is prepared."""
    return data_home(home) / "prepared" / name


def added_datasets(home: Path | None = None) -> dict[str, PreparedDataset]:
    """Return the prepared datasets of the data folder by name, the user's own and the catalogue's alike."""
    found = {}
    for index in sorted((data_home(home) / "prepared").glob(f"*/{INDEX}")):
        name = index.parent.name
        status = index.stat()
        described = _described(index, status.st_mtime_ns, status.st_size)
        if described is not None and re.fullmatch(NAME_PATTERN, name):
            found[name] = described
    return found


def prepared_of(folder: Path) -> str | None:
    """Return which dataset of the catalogue a folder says that it was prepared from; None where it names none."""
    try:
        catalogue = json.loads(read_plain(folder / INDEX, _LARGEST_BYTES))["catalogue"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return catalogue if isinstance(catalogue, str) and re.fullmatch(NAME_PATTERN, catalogue) else None


def described_folder(folder: Path) -> PreparedDataset | None:
    """Return what a folder's index says that it holds; None where it is no prepared dataset."""
    try:
        status = (folder / INDEX).stat()
    except OSError:
        return None
    return _described(folder / INDEX, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _described(index: Path, _changed_ns: int, _size: int) -> PreparedDataset | None:
    """Return what an index says of its dataset. An index can be large, and is asked for again and again."""
    try:
        head = json.loads(read_plain(index, _LARGEST_BYTES))
        role = cast(Literal["layers", "pairs"], head["role"])
        return PreparedDataset(kind="prepared", role=role, title=head["title"], source=head["source"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
