"""Generator weights, from this project's training or from the authors' checkpoint."""

import os
from typing import Any

from errnet2019.network import Generator
from netkit.torch_files import fill, load_plain, tensors_of

FILE_NAME = "weights.pt"
"""What a training leaves: the generator's state dict under the released names."""

_RELEASED_ENTRY = "icnn"


def read_generator(path: str) -> Generator:
    """Return a generator with the weights of a file, or of `FILE_NAME` in a folder.

    A plain state dict is read, and a checkpoint of the authors' program, which holds the generator as 'icnn'.

    Raises: BadInput where the file cannot be read safely, or lacks, misshapes or adds a tensor: all are named.
    """
    file = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
    content: Any = load_plain(file)
    entry = (_RELEASED_ENTRY,) if isinstance(content, dict) and _RELEASED_ENTRY in content else ()
    generator = Generator()
    fill(generator, tensors_of(content, file, entry), file)
    return generator
