"""The stage that takes over a generator's checkpoint instead of training."""

from errnet2019.weights import FILE_NAME, adopted
from netkit.facts import write_adopted
from netkit.torch_files import save_tensors
from netkit.torch_stage import memory_explained
from stagekit import StageContext


@memory_explained
def adopt(context: StageContext) -> None:
    """Write ``weights.pt`` from the input `checkpoint`, and ``adopt.json``.

    The authors' checkpoint is read, and a plain state dict, such as a training of this project leaves.

    Raises:
        BadInput: Where the file cannot be read safely, or where a tensor is missing, superfluous, misshapen or not
            finite: all are named.
    """
    form, tensors = adopted(context.input("checkpoint"))
    save_tensors(context.output(FILE_NAME), tensors)
    write_adopted(context, form, [tuple(value.shape) for value in tensors.values()], ())
