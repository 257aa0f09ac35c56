"""The stage that writes the weights for others to use."""

from glazier.weights import read_network
from netkit.facts import write_released
from netkit.torch_files import save_tensors
from stagekit import StageContext

RELEASED = "glazier.pth"


def release(context: StageContext) -> None:
    """Write the network's state dict, and ``release.json``.

    Raises:
        BadInput: Where the weights cannot be used.
    """
    network = read_network(context, context.input("weights"))
    save_tensors(context.output(RELEASED), network.state_dict())
    write_released(context, [RELEASED], ())
