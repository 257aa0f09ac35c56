"""Taking over a checkpoint that somebody else wrote: every tensor is checked by name, shape and value."""

from typing import Dict, List, Mapping, Sequence

import torch

from netkit.facts import of_another_network
from netkit.torch_files import differences
from stagekit import BadInput


def checked(
    tensors: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], origin: str
) -> Dict[str, torch.Tensor]:
    """Return the tensors in the expected order and types.

    Args:
        origin: Where they are from, for the message.

    Raises:
        BadInput: Names what is missing, superfluous, misshapen, or holds a NaN or an infinity; where nothing fits, it
            says that alone.
    """
    problems = of_another_network(expected, tensors) or differences(
        {name: tuple(value.shape) for name, value in expected.items()}, tensors
    )
    problems += _non_finite([name for name, value in tensors.items() if not bool(torch.isfinite(value).all())])
    if problems:
        raise BadInput(
            "%s does not fit the network: %s" % (origin, "; ".join(problems)), "give a checkpoint of this network"
        )
    return {name: tensors[name].to(value.dtype) for name, value in expected.items()}


def _non_finite(names: Sequence[str]) -> List[str]:
    """Return the sentence, if any, about tensors that are not finite."""
    return ["not finite: %s" % ", ".join(names)] if names else []
