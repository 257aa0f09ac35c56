"""Generator weights, from this project's training or from the authors' checkpoint."""

import os
from typing import Any, Dict, Tuple

import torch

from errnet2019.network import Generator
from netkit.torch_adopt import checked
from netkit.torch_files import fill, load_plain, tensors_of
from stagekit import BadInput

FILE_NAME = "weights.pt"
"""What a training leaves: the generator's state dict under the released names."""

RELEASED_ENTRY = "icnn"
"""Under which the authors' program keeps the generator."""


def read_generator(path: str) -> Generator:
    """Return a generator with the weights of a file, or of `FILE_NAME` in a folder.

    A plain state dict is read, and a checkpoint of the authors' program, which holds the generator as 'icnn'.

    Raises:
        BadInput: Where the file cannot be read safely, or lacks, misshapes or adds a tensor: all are named.
    """
    file = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
    generator = Generator()
    fill(generator, _read(file)[1], file)
    return generator


def adopted(path: str) -> Tuple[str, Dict[str, torch.Tensor]]:
    """Return where a checkpoint is from ("released" or "own"), and the generator's tensors.

    Args:
        path: A file, or a folder with a single one.

    Raises:
        BadInput: As the stage `adopt`.
    """
    file = path
    if os.path.isdir(path):
        names = [name for name in sorted(os.listdir(path)) if name.endswith((".pt", ".pth"))]
        if len(names) != 1:
            raise BadInput(
                "the folder holds %s" % (", ".join(names) or "no .pt file"), "give the one file of the checkpoint"
            )
        file = os.path.join(path, names[0])
    form, tensors = _read(file)
    return form, checked(tensors, Generator().state_dict(), "the checkpoint")


def _read(file: str) -> Tuple[str, Dict[str, torch.Tensor]]:
    content: Any = load_plain(file)
    released = isinstance(content, dict) and RELEASED_ENTRY in content
    return ("released" if released else "own"), tensors_of(content, file, (RELEASED_ENTRY,) if released else ())
