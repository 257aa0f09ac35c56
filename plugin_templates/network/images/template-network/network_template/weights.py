"""The stages that take weights over, export them and write them for others."""

from pathlib import Path

import numpy as np
import torch

from netkit.checkpoint_files import single_file
from netkit.facts import exported_weights, write_adopted, write_released
from netkit.onnx_checks import export_checks, write_export_report
from netkit.onnx_sizes import edge_padded
from netkit.torch_export import export_network
from netkit.torch_files import network_tensors, save_tensors
from netkit.torch_pictures import picture_of, tensor_of
from netkit.torch_stage import memory_explained, stage_device
from network_template.network import OUTPUTS, SIZES, Network
from stagekit import StageContext

FILE_NAME = "weights.pt"
"""What a training leaves: the network's state dict."""

RELEASED_FILE = "template-network.pth"


@memory_explained
def adopt(context: StageContext) -> None:
    """Write ``weights.pt`` from the input `checkpoint`, and ``adopt.json``.

    Raises:
        BadInput: Where the file cannot be read safely, or where a tensor is missing, superfluous, misshapen or not
            finite: all are named.
    """
    state = Network(context.setting("channels")).state_dict()
    path = single_file(context.input("checkpoint"))
    found, tensors = network_tensors(path, state, entry=context.request.settings.get("entry"))
    save_tensors(context.output(FILE_NAME), tensors)
    write_adopted(context, "own", [tuple(value.shape) for value in tensors.values()], found.notes)


def release(context: StageContext) -> None:
    """Write the weights as one file for others, and ``release.json``.

    Raises:
        BadInput: Where the weights cannot be used.
    """
    save_tensors(context.output(RELEASED_FILE), _read(context, context.input("weights")).state_dict())
    write_released(context, [RELEASED_FILE], ())


@memory_explained
def export(context: StageContext) -> None:
    """Write ``network.onnx`` and ``export.json``, after comparing native and exported answers.

    Raises:
        BadInput: Where the weights cannot be used.
        StageError: Where the answers differ by more than the tolerance.
    """
    stage_device(context)
    tolerance = float(context.setting("tolerance"))
    network = _read(context, exported_weights(context, FILE_NAME)).eval()
    path = context.output("network.onnx")
    export_network(network, path, OUTPUTS, sizes=SIZES)
    context.progress(1, 2, "steps")

    def native(image: np.ndarray) -> dict[str, np.ndarray]:
        height, width = image.shape[:2]
        with torch.no_grad():
            answer = network(tensor_of([edge_padded(image, SIZES)]))
        return {OUTPUTS[0]: picture_of(answer)[:height, :width]}

    checks = export_checks(path, native, tolerance, threads=context.request.threads)
    write_export_report(context, path, checks, tolerance, f"torch {torch.__version__}")
    context.progress(2, 2, "steps")


def _read(context: StageContext, path: str) -> Network:
    file = Path(path) / FILE_NAME if Path(path).is_dir() else Path(path)
    network = Network(context.setting("channels"))
    network.load_state_dict(network_tensors(str(file), network.state_dict())[1])
    return network
