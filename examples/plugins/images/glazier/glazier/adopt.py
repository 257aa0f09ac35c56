"""The stage that takes over somebody's weights instead of training."""

from glazier.weights import FILE_NAME, stage_network
from netkit.checkpoint_files import single_file
from netkit.facts import write_adopted
from netkit.torch_files import network_tensors, save_tensors
from netkit.torch_stage import memory_explained
from stagekit import StageContext


@memory_explained
def adopt(context: StageContext) -> None:
    """Write ``weights.pt`` from the input `checkpoint`, and ``adopt.json``.

    Raises:
        BadInput: Where the file cannot be read safely, or where a tensor is missing, superfluous, misshapen or not
            finite: all are named.
    """
    state, entry = stage_network(context).state_dict(), context.request.settings.get("entry")
    found, tensors = network_tensors(single_file(context.input("checkpoint")), state, entry=entry)
    save_tensors(context.output(FILE_NAME), tensors)
    write_adopted(context, "own", [tuple(value.shape) for value in tensors.values()], found.notes)
