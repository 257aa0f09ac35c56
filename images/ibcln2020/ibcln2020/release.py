"""The stage that writes both generators as the authors' program reads them."""

from ibcln2020.weights import GENERATORS, read_cascade
from netkit.facts import write_released
from netkit.torch_files import save_tensors
from stagekit import StageContext


def release(context: StageContext) -> None:
    """Write each generator as a state dict under its released name, and ``release.json``.

    Raises:
        BadInput: Where the weights cannot be used.
    """
    cascade = read_cascade(context.input("weights"), int(context.setting("cascade")))
    files = []
    for name in GENERATORS:
        files.append("final_net_%s.pth" % name)
        save_tensors(context.output(files[-1]), getattr(cascade, name).state_dict())
    write_released(context, files, ())
