"""The stage that takes over the two generators' checkpoints instead of training."""

from ibcln2020.weights import FILE_NAME, adopted
from netkit.facts import write_adopted
from netkit.torch_files import save_tensors
from netkit.torch_stage import memory_explained
from stagekit import StageContext


@memory_explained
def adopt(context: StageContext) -> None:
    """Write ``weights.pt`` from the input `checkpoint`, and ``adopt.json``.

    The folder with both checkpoints of the authors is read, and the one file that a training of this project leaves;
    each inside the usual wrappers and behind the usual prefixes. The setting `entry` chooses where there are several.

    Raises:
        BadInput: Where a file cannot be read safely, or where a tensor is missing, superfluous, misshapen or not
            finite: all are named.
    """
    form, tensors, notes = adopted(context.request.inputs, context.request.settings.get("entry"))
    save_tensors(context.output(FILE_NAME), tensors)
    write_adopted(context, form, [tuple(value.shape) for value in tensors.values()], notes)
