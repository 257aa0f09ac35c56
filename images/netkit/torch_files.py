"""Tensor files in PyTorch's terms: read by a reader that runs nothing and trusts no size, written by PyTorch.

See `netkit.tensor_file` for the reader.
"""

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import nn

from netkit.network_weights import NetworkWeights, differences, network_weights
from netkit.tensor_file import TensorFile
from netkit.tensor_storage import StoredTensor
from stagekit import BadInput, write_atomically

_DEEPEST = 50


def load_plain(path: str) -> Any:
    """Return the content of a PyTorch file: containers, numbers, strings and tensors on the host.

    Both of PyTorch's formats are read, the zip file and the older run of pickles.

    Raises:
        BadInput: Where the file is missing, damaged, not such a file, or wants to build anything else.
    """
    with TensorFile(path) as file:
        return _with_tensors(file, file.content, {}, 0)


def load_tensors(path: str, entry: Sequence[str] = ()) -> Dict[str, torch.Tensor]:
    """Return the named tensors of a file.

    Args:
        entry: Keys that lead to the state dict inside a larger checkpoint, such as ("icnn",); empty for a plain one.

    Raises:
        BadInput: As `load_plain`, and where there is no such entry or it is not a mapping of names to tensors.
    """
    with TensorFile(path) as file:
        content = file.content
        for key in entry:
            if not isinstance(content, Mapping) or key not in content:
                raise BadInput("%s has no entry %r" % (path, key), "give a checkpoint of this network")
            content = content[key]
        if not isinstance(content, Mapping) or not all(isinstance(value, StoredTensor) for value in content.values()):
            raise BadInput("%s does not map names to tensors" % path, "give a checkpoint of this network")
        return read_tensors(file, {str(name): value for name, value in content.items()})


def network_tensors(
    path: str, state: Mapping[str, torch.Tensor], *, entry: Optional[str] = None, part: str = ""
) -> Tuple[NetworkWeights, Dict[str, torch.Tensor]]:
    """Return what was found of a network in a checkpoint, and its tensors in the order and types of the network's.

    Args:
        state: The network's state dict.
        entry: Which of several sets of weights to take; None where only one fits.
        part: What stands before the names in messages.

    Raises:
        BadInput: As `netkit.network_weights.network_weights`, and where the file cannot be read.
    """
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    with TensorFile(path) as file:
        found = network_weights(file, shapes, entry=entry, part=part)
        tensors = read_tensors(file, found.tensors)
    return found, {name: tensors[name].to(value.dtype) for name, value in state.items()}


def read_tensors(file: TensorFile, tensors: Mapping[str, StoredTensor]) -> Dict[str, torch.Tensor]:
    """Return tensors of an open file, in memory of PyTorch's own.

    Raises:
        BadInput: Where their bytes are damaged.
    """
    return {name: _tensor(file, tensor) for name, tensor in tensors.items()}


def save_tensors(path: str, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write named tensors, on the host, as a zip file that `load_tensors` reads; the name appears when it is whole."""
    save_plain(path, {name: value.detach().cpu().clone() for name, value in tensors.items()})


def save_plain(path: str, content: Any) -> None:
    """Write containers, numbers, strings and tensors as a file that `load_plain` reads, whole or not at all."""
    with write_atomically(path) as stream:
        torch.save(content, stream)


def fill(module: nn.Module, tensors: Mapping[str, torch.Tensor], origin: str) -> None:
    """Copy tensors into the parameters and buffers of a module by name.

    Args:
        origin: Where they are from, for the message.

    Raises:
        BadInput: Names every missing, superfluous and misshapen tensor.
    """
    own = module.state_dict()
    problems = differences({name: tuple(value.shape) for name, value in own.items()}, tensors)
    if problems:
        raise BadInput(
            "%s does not fit %s: %s" % (origin, type(module).__name__, "; ".join(problems)),
            "give a checkpoint of this network",
        )
    module.load_state_dict({name: tensors[name].to(value.dtype) for name, value in own.items()})


def _tensor(file: TensorFile, stored: StoredTensor) -> torch.Tensor:
    found = torch.from_numpy(np.ascontiguousarray(file.numbers(stored))).reshape(stored.shape).clone()
    return found.to(torch.bfloat16) if stored.kind == "bfloat16" else found


def _with_tensors(file: TensorFile, content: Any, made: Dict[int, Any], depth: int) -> Any:
    """Return content with PyTorch's tensors where the file has its own; what is there twice is made once."""
    if depth > _DEEPEST:
        raise BadInput("%s holds containers in containers without end" % file.path, "give another file")
    if id(content) in made:
        return made[id(content)]
    if isinstance(content, StoredTensor):
        found: Any = _tensor(file, content)
    elif isinstance(content, dict):
        found = {key: _with_tensors(file, value, made, depth + 1) for key, value in content.items()}
    elif isinstance(content, (list, tuple)):
        found = type(content)(_with_tensors(file, value, made, depth + 1) for value in content)
    else:
        return content
    made[id(content)] = found
    return found
