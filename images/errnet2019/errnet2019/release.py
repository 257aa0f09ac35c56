"""The stage that writes a generator as the authors' program reads it."""

import json
import os
from typing import Any, Dict

from errnet2019.weights import RELEASED_ENTRY, read_generator
from netkit.facts import write_released
from netkit.torch_files import save_plain
from stagekit import StageContext

RELEASED_FILE = "errnet2019.pt"


def release(context: StageContext) -> None:
    """Write the generator as a checkpoint of the authors' program, and ``release.json``.

    Raises: BadInput where the weights cannot be used.
    """
    folder = context.input("weights")
    generator = read_generator(folder)
    facts: Dict[str, Any] = {}
    if os.path.isfile(os.path.join(folder, "train.json")):
        with open(os.path.join(folder, "train.json"), encoding="utf-8") as stream:
            facts = json.load(stream)
    content = {
        RELEASED_ENTRY: {name: value.detach().clone() for name, value in generator.state_dict().items()},
        "opt_g": {"state": {}, "param_groups": []},
        "epoch": facts.get("epochs", 0),
        "iterations": facts.get("steps", 0),
    }
    save_plain(context.output(RELEASED_FILE), content)
    write_released(context, [RELEASED_FILE], ["the optimiser's state is left out: it serves testing, not resuming"])
