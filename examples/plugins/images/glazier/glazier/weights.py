"""The network's weights, in a file of this program or in one that somebody gives."""

from pathlib import Path

from glazier.network import Glazier
from netkit.torch_files import network_tensors
from stagekit import StageContext

FILE_NAME = "weights.pt"
"""What a training leaves: the network's state dict."""


SHAPED_BY = ("channels", "dilations", "strength")
"""The recipe's values that shape the network, as the model spec names them."""


def stage_network(context: StageContext) -> Glazier:
    """Return an untrained network of the shape that a stage's settings name: those in `SHAPED_BY`."""
    return Glazier(*(context.setting(name) for name in SHAPED_BY))


def read_network(context: StageContext, path: str) -> Glazier:
    """Return the stage's network with the weights of a file, or of `FILE_NAME` in a folder.

    Raises:
        BadInput: Where the file cannot be read safely, or lacks, misshapes or adds a tensor: all are named.
    """
    network = stage_network(context)
    file = Path(path, FILE_NAME) if Path(path).is_dir() else Path(path)
    network.load_state_dict(network_tensors(str(file), network.state_dict())[1])
    return network
