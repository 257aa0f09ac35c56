"""The stage `export`: weights in, one ONNX file out that was compared with the network itself."""

from typing import Mapping

import numpy as np
import tensorflow as tf

from netkit.facts import exported_weights
from netkit.onnx_checks import export_checks, write_export_report
from stagekit import StageContext
from zhang2018.arrays import WEIGHTS, load_arrays, stored_weights
from zhang2018.device import set_up
from zhang2018.export import export_network, native_answers
from zhang2018.features import stage_features
from zhang2018.parameters import checked, generator_shapes


def export(context: StageContext) -> None:
    """Write ``network.onnx`` and ``export.json``.

    Raises:
        BadInput: Where the weights do not fit.
        StageError: Where ONNX Runtime answers otherwise than TensorFlow.
    """
    set_up(context)
    origin = stored_weights(exported_weights(context, WEIGHTS))
    parameters = checked(load_arrays(origin), generator_shapes(), origin)
    features = stage_features(context)
    tolerance = float(context.setting("tolerance"))
    path = context.output("network.onnx")
    context.progress(0, 2, "parts")
    export_network(path, parameters, features)
    context.progress(1, 2, "parts")

    def native(image: np.ndarray) -> Mapping[str, np.ndarray]:
        return native_answers(image, parameters, features)

    checks = export_checks(path, native, tolerance, threads=context.request.threads)
    write_export_report(context, path, checks, tolerance, "tensorflow %s" % tf.__version__)
    context.progress(2, 2, "parts")
