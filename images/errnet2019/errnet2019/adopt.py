"""The stage that takes over a generator's checkpoint instead of training."""

from errnet2019.weights import FILE_NAME, RELEASED_ENTRY, adopted
from netkit.facts import write_adopted
from netkit.torch_files import save_tensors
from netkit.torch_stage import memory_explained
from stagekit import StageContext
from stagekit.results.adopt import AdoptFormat


@memory_explained
def adopt(context: StageContext) -> None:
    """Write ``weights.pt`` from the input `checkpoint`, and ``adopt.json``.

    The authors' checkpoint is read, a plain state dict, such as a training of this project leaves, and what other
    programs make of either: inside the usual wrappers, behind the usual prefixes. The setting `entry` chooses where a
    file holds several.

    Raises:
        BadInput: Where the file cannot be read safely, or where a tensor is missing, superfluous, misshapen or not
            finite: all are named.
    """
    found, tensors = adopted(context.input("checkpoint"), context.request.settings.get("entry"))
    save_tensors(context.output(FILE_NAME), tensors)
    form: AdoptFormat = "released" if found.entry == RELEASED_ENTRY else "own"
    write_adopted(context, form, [tuple(value.shape) for value in tensors.values()], found.notes)
