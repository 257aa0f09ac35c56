"""The stage that writes a generator as the authors' program reads it."""

import os

from errnet2019.weights import RELEASED_ENTRY, read_generator
from netkit.facts import write_released
from netkit.torch_files import save_plain
from stagekit import StageContext
from stagekit.results.train import TrainFile

RELEASED_FILE = "errnet2019.pt"


def release(context: StageContext) -> None:
    """Write the generator as a checkpoint of the authors' program, and ``release.json``.

    Raises:
        BadInput: Where the weights cannot be used.
    """
    folder = context.input("weights")
    generator = read_generator(folder)
    training = TrainFile.load(folder) if os.path.isfile(TrainFile.path(folder)) else None
    content = {
        RELEASED_ENTRY: {name: value.detach().clone() for name, value in generator.state_dict().items()},
        "opt_g": {"state": {}, "param_groups": []},
        "epoch": training.epochs if training else 0,
        "iterations": training.steps if training else 0,
    }
    save_plain(context.output(RELEASED_FILE), content)
    write_released(context, [RELEASED_FILE], ["the optimiser's state is left out: it serves testing, not resuming"])
