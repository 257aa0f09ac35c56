"""The cascade's weights, from this project's training or from the authors' two checkpoints."""

import glob
import os
from typing import Dict, Tuple

import torch

from ibcln2020.network import Cascade
from netkit.torch_adopt import checked
from netkit.torch_files import fill, load_tensors
from stagekit import BadInput

FILE_NAME = "weights.pt"
"""What a training leaves: both generators' tensors under 'G_T.' and 'G_R.' and their released names."""

GENERATORS = ("G_T", "G_R")


def read_cascade(path: str, steps: int) -> Cascade:
    """Return a cascade with the weights of a file, or of a folder with `FILE_NAME` or both released checkpoints.

    Raises:
        BadInput: Where a file is missing, cannot be read safely, or lacks, misshapes or adds a tensor.
    """
    cascade = Cascade(steps)
    fill(cascade, _read(path)[1], path)
    return cascade


def adopted(path: str) -> Tuple[str, Dict[str, torch.Tensor]]:
    """Return where a checkpoint is from ("released" or "own"), and the tensors of both generators.

    Raises:
        BadInput: As the stage `adopt`.
    """
    form, tensors = _read(path)
    return form, checked(tensors, Cascade().state_dict(), "the checkpoint")


def _read(path: str) -> Tuple[str, Dict[str, torch.Tensor]]:
    own = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
    if os.path.isfile(own):
        return "own", load_tensors(own)
    return "released", _released(path)


def _released(folder: str) -> Dict[str, torch.Tensor]:
    tensors = {}
    for name in GENERATORS:
        found = sorted(glob.glob(os.path.join(folder, "*_net_%s.pth" % name)))
        if len(found) != 1:
            raise BadInput(
                "%s holds %d files *_net_%s.pth and should hold one" % (folder, len(found), name),
                "put the two released checkpoints of one epoch there, such as final_net_G_T.pth and final_net_G_R.pth",
            )
        tensors.update({"%s.%s" % (name, key): value for key, value in load_tensors(found[0]).items()})
    return tensors
