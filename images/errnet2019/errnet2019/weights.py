"""Generator weights, from this project's training or from the authors' checkpoint."""

import os
from typing import Dict, Optional, Tuple

import torch

from errnet2019.network import Generator
from netkit.checkpoint_files import single_file
from netkit.network_weights import NetworkWeights
from netkit.torch_files import network_tensors

FILE_NAME = "weights.pt"
"""What a training leaves: the generator's state dict under the released names."""

RELEASED_ENTRY = "icnn"
"""Under which the authors' program keeps the generator."""


def read_generator(path: str) -> Generator:
    """Return a generator with the weights of a file, or of `FILE_NAME` in a folder.

    Raises:
        BadInput: Where the file cannot be read safely, or lacks, misshapes or adds a tensor: all are named.
    """
    file = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
    generator = Generator()
    generator.load_state_dict(network_tensors(file, generator.state_dict())[1])
    return generator


def adopted(path: str, entry: Optional[str]) -> Tuple[NetworkWeights, Dict[str, torch.Tensor]]:
    """Return what was found in a checkpoint, and the generator's tensors.

    Args:
        path: A file, or a folder with a single one.
        entry: Which of several sets of weights to take.

    Raises:
        BadInput: As the stage `adopt`.
    """
    return network_tensors(single_file(path), Generator().state_dict(), entry=entry)
