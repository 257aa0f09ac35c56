"""The cascade's weights, from this project's training or from the authors' two checkpoints."""

import os
from typing import Dict, List, Mapping, Optional, Tuple

import torch

from ibcln2020.network import Cascade
from netkit.checkpoint_files import given_parts, matching_files, other_files, pattern_of
from netkit.torch_files import network_tensors
from stagekit import BadInput
from stagekit.results.adopt import AdoptFormat

FILE_NAME = "weights.pt"
"""What a training leaves: both generators' tensors under 'G_T.' and 'G_R.' and their released names."""

GENERATORS = ("G_T", "G_R")

_RELEASED = pattern_of(r"(?P<set>.+)_net_(?P<part>G_T|G_R)\.pth")
_BOTH = (
    "give the folder with the two released checkpoints of one epoch, such as final_net_G_T.pth and final_net_G_R.pth"
)

Adopted = Tuple[AdoptFormat, Dict[str, torch.Tensor], List[str]]
"""Whose checkpoint it was, the tensors of both generators, and notes."""


def read_cascade(path: str, steps: int) -> Cascade:
    """Return a cascade with the weights of a file, or of a folder with `FILE_NAME` or both released checkpoints.

    Raises:
        BadInput: Where a file is missing, cannot be read safely, or lacks, misshapes or adds a tensor.
    """
    cascade = Cascade(steps)
    cascade.load_state_dict(adopted({"checkpoint": path}, None)[1])
    return cascade


def adopted(inputs: Mapping[str, str], entry: Optional[str]) -> Adopted:
    """Return what was found in a checkpoint.

    Args:
        inputs: A stage's: `checkpoint`, a file or folder, or both files as `checkpoint.G_T` and `checkpoint.G_R`.
        entry: Which of several sets of weights to take: a name inside a file, or the epoch in the files' names.

    Raises:
        BadInput: As the stage `adopt`.
    """
    state = Cascade().state_dict()
    parts = given_parts(inputs)
    if not parts:
        path = inputs["checkpoint"]
        own = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
        if not os.path.isdir(own) and (os.path.exists(own) or not os.path.isdir(path)):
            found, tensors = network_tensors(own, state, entry=entry)
            return "own", tensors, list(found.notes)
        parts, entry, notes = _released_files(path, entry)
    else:
        notes = []
    tensors = {}
    for name in GENERATORS:
        if name.lower() not in parts:
            raise BadInput("the checkpoint has no file *_net_%s.pth" % name, _BOTH)
        begin = name + "."
        own_state = {key[len(begin) :]: value for key, value in state.items() if key.startswith(begin)}
        found, values = network_tensors(parts[name.lower()], own_state, entry=entry, part=begin)
        tensors.update({begin + key: value for key, value in values.items()})
        notes += ["%s: %s" % (name, note) for note in found.notes]
    return "released", tensors, notes


def _released_files(folder: str, entry: Optional[str]) -> Tuple[Dict[str, str], Optional[str], List[str]]:
    """Return the two files in a folder, the entry inside them, and notes about what else lies there."""
    sets = matching_files(folder, _RELEASED)
    if entry in sets:
        chosen, entry = entry, None
    elif len(sets) > 1:
        raise BadInput(
            "the folder holds the checkpoints of several epochs: %s" % ", ".join(sorted(sets)[:20]),
            "choose one: --entry %s on the command line, or 'entry: %s' beside 'checkpoint:' in the spec"
            % ((sorted(sets)[0],) * 2),
        )
    else:
        chosen = next(iter(sets), "")
    parts = sets.get(chosen, {})
    missing = ["*_net_%s.pth" % name for name in GENERATORS if name.lower() not in parts]
    if missing:
        raise BadInput("the folder holds no file %s" % " and no file ".join(missing), _BOTH)
    others = other_files(os.path.dirname(parts["g_t"]), tuple(parts.values()))
    notes = ["left out, for the network does not use it: %s" % ", ".join(others[:10])] if others else []
    if len(sets) > 1:
        notes.append("the weights are those of the files '%s_net_*'" % chosen)
    return parts, entry, notes
