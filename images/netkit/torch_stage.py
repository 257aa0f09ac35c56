"""What every PyTorch stage sets up: device, threads, feature network, and the words for a lack of memory."""

import functools
import os
from typing import Callable

import torch

from netkit.memory import ran_out
from netkit.published import check_published
from netkit.torch_vgg19 import FILE_NAME, PUBLISHED, Vgg19
from stagekit import BadInput, OutOfMemory, StageContext


def stage_device(context: StageContext) -> torch.device:
    """Set PyTorch up for a stage and return the device that its request names.

    Results are the same in every run on one machine: cuDNN chooses no algorithm by its speed.

    Raises:
        BadInput: Where a GPU is asked for and PyTorch sees none.
    """
    if context.request.threads is not None:
        torch.set_num_threads(context.request.threads)
        if torch.get_num_interop_threads() != 1:  # PyTorch lets it be set once in a process
            torch.set_num_interop_threads(1)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    if context.request.device != "cuda":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise BadInput(
            "the stage wants a GPU and PyTorch %s sees none" % torch.__version__,
            "build the image's cuda variant and give the stage a GPU, or run with device: cpu",
        )
    return torch.device("cuda")


def stage_vgg19(context: StageContext, last: str) -> Vgg19:
    """Return the VGG-19 that the setting `features` names, up to a layer, on the host.

    "random" is seeded and the same in every program; "pretrained" reads the input `features`, torchvision's file or a
    folder that holds it.

    Raises:
        BadInput: For another setting, or where the file is missing or is another than the published one.
    """
    features = context.setting("features")
    if features == "random":
        return Vgg19(last).fill_random()
    if features != "pretrained":
        raise BadInput("features are %r" % features, "choose 'pretrained' or 'random'")
    path = context.input("features")
    file = os.path.join(path, FILE_NAME) if os.path.isdir(path) else path
    check_published(file, PUBLISHED, FILE_NAME)
    return Vgg19(last).load(file)


def memory_explained(handler: Callable[[StageContext], None]) -> Callable[[StageContext], None]:
    """Return the handler with PyTorch's ways of saying that memory is short turned into `OutOfMemory`.

    PyTorch 1.12 has no class for it: it raises RuntimeError, on the host and on the device.
    """

    @functools.wraps(handler)
    def explained(context: StageContext) -> None:
        try:
            handler(context)
        except RuntimeError as error:
            first = (str(error).splitlines() or [""])[0]
            if ran_out(error):
                raise OutOfMemory(
                    "memory did not suffice: %s" % first, "reduce the recipe's crop or batch, or raise the memory"
                ) from error
            raise

    return explained
