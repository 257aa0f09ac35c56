"""Named arrays on disk: NumPy's zip format, which holds numbers and never code."""

import os
import zipfile
from typing import Dict, Mapping

import numpy as np

from netkit.file_kind import BROKEN_ZIP
from stagekit import BadInput, write_atomically

WEIGHTS = "weights.npz"
"""What a training leaves: generator and discriminator under the released names."""


def stored_weights(path: str) -> str:
    """Return the path of a file of weights: the path itself, or `WEIGHTS` in it where it is a folder."""
    return os.path.join(path, WEIGHTS) if os.path.isdir(path) else path


def is_archive_of_arrays(path: str) -> bool:
    """Return whether a file is a zip file that holds NumPy's arrays alone, by what is inside."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return all(name.endswith(".npy") for name in archive.namelist())
    except BROKEN_ZIP:
        return False


def save_arrays(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays to exactly this path; the name appears when the file is whole."""
    with write_atomically(path) as stream:
        np.savez(stream, **dict(arrays))


def load_arrays(path: str) -> Dict[str, np.ndarray]:
    """Return the named arrays of a file.

    Raises:
        BadInput: Where it is missing, damaged, or holds anything but numbers.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except MemoryError as error:
        raise BadInput("%s says that it holds more than there is memory for" % path, "fetch the file again") from error
    except (AttributeError, TypeError, *BROKEN_ZIP) as error:
        raise BadInput("%s is not a readable file of arrays: %s" % (path, error), "fetch the file again") from error
    # NumPy returns what is no array inside a zip file as bytes: PyTorch's checkpoints are zip files too.
    others = [name for name, value in arrays.items() if not isinstance(value, np.ndarray)]
    if others:
        raise BadInput("%s is not a file of arrays: it holds %s" % (path, others[0]), "give another file or folder")
    return arrays
