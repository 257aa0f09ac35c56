"""The stage that turns trained weights into an ONNX network."""

import numpy as np
import torch

from glazier.network import SIZES, Glazier
from glazier.weights import FILE_NAME, read_network
from netkit.facts import exported_weights
from netkit.onnx_checks import export_checks, write_export_report
from netkit.onnx_sizes import edge_padded
from netkit.torch_export import export_network
from netkit.torch_pictures import picture_of, tensor_of
from netkit.torch_stage import memory_explained, stage_device
from stagekit import StageContext

OUTPUT = "transmission"


@memory_explained
def export(context: StageContext) -> None:
    """Write ``network.onnx`` and ``export.json``, after comparing native and exported answers.

    Raises:
        BadInput: Where the weights cannot be used.
        StageError: Where the answers differ by more than the tolerance.
    """
    stage_device(context)
    tolerance = float(context.setting("tolerance"))
    network = read_network(context, exported_weights(context, FILE_NAME)).eval()
    path = context.output("network.onnx")
    context.progress(0, 2, "steps")
    export_network(network, path, [OUTPUT], sizes=SIZES)
    context.progress(1, 2, "steps")
    checks = export_checks(
        path, lambda image: native_answer(network, image), tolerance, threads=context.request.threads
    )
    write_export_report(context, path, checks, tolerance, f"torch {torch.__version__}")
    context.progress(2, 2, "steps")


def native_answer(network: Glazier, image: np.ndarray) -> dict[str, np.ndarray]:
    """Return what PyTorch answers for a picture of any size, float32 (H, W, 3) RGB in [0, 1]."""
    height, width = image.shape[:2]
    with torch.no_grad():
        answer = network(tensor_of([edge_padded(image, SIZES)]))
    return {OUTPUT: picture_of(answer)[:height, :width]}
