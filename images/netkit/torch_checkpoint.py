"""What a training run keeps of PyTorch networks and their optimisers."""

from typing import Callable, Mapping, Optional

import numpy as np
import torch
from torch import nn

from netkit.torch_files import fill, load_plain


class TorchState:
    """Networks and optimisers by name: the `Trainable` of a training run.

    Saved and loaded, a training goes on bit by bit as if it had not stopped, on one machine with the same number of
    threads. Random states are not part of it: draws come from streams named for their step.

    Args:
        pictures: Returns those of the last step, see `Trainable`.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        optimisers: Mapping[str, torch.optim.Optimizer],
        pictures: Callable[[], Mapping[str, np.ndarray]],
    ) -> None:
        self._networks = networks
        self._optimisers = optimisers
        self.pictures = pictures

    def save(self, path: str) -> None:
        """Write everything to exactly this path."""
        torch.save(
            {
                "networks": {name: network.state_dict() for name, network in self._networks.items()},
                "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
            },
            path,
        )

    def load(self, path: str) -> None:
        """Read what `save` wrote.

        Raises:
            BadInput: Where the file cannot be read, or is of other networks.
        """
        content = load_plain(path)
        for name, network in self._networks.items():
            fill(network, content["networks"][name], path)
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(content["optimisers"][name])

    def non_finite_tensor(self) -> Optional[str]:
        """Return the name of a tensor that is not finite, None where all are."""
        for network in self._networks.values():
            name = first_non_finite(network.state_dict())
            if name is not None:
                return name
        return None


def first_non_finite(tensors: Mapping[str, torch.Tensor]) -> Optional[str]:
    """Return the name of the first tensor that holds a NaN or an infinity, None where all are finite."""
    return next((name for name, value in tensors.items() if not bool(torch.isfinite(value).all())), None)
