"""From the network to the project's ONNX contract."""

import contextlib
import logging
from typing import Dict, Iterator, Mapping

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from netkit.onnx_canonical import canonical
from netkit.onnx_rewrite import constants_as_initializers
from stagekit import write_atomically
from zhang2018.features import Features
from zhang2018.network import separate

OPSET = 16
"""The operator set of all exported networks."""

OUTPUTS = ("transmission", "reflection")


def export_network(path: str, parameters: Mapping[str, np.ndarray], features: Features) -> None:
    """Write the network as ONNX: input `image`, float32 RGB in [0, 1], (1, 3, H, W), H and W free.

    Outputs are `transmission` and `reflection`, RGB, not clipped. The features are inside.

    Raises:
        onnx.checker.ValidationError: Where the converter wrote a graph that is not valid.
    """

    def network(image: tf.Tensor) -> Dict[str, tf.Tensor]:
        picture = tf.transpose(tf.gather(image, (2, 1, 0), axis=1), (0, 2, 3, 1))
        layers = separate(picture, features, {name: tf.constant(value) for name, value in parameters.items()})
        return {
            name: tf.gather(tf.transpose(layer, (0, 3, 1, 2)), (2, 1, 0), axis=1)
            for name, layer in zip(OUTPUTS, layers)
        }

    signature = [tf.TensorSpec((1, 3, None, None), tf.float32, name="image")]
    with _quiet():
        model, _external = tf2onnx.convert.from_function(tf.function(network), signature, opset=OPSET)
    constants_as_initializers(model)
    _pad_explicitly(model)
    _order_outputs(model)
    _name_sizes(model)
    model = canonical(model)
    onnx.checker.check_model(model, full_check=True)
    with write_atomically(path) as stream:
        stream.write(model.SerializeToString(deterministic=True))


def native_answers(
    image: np.ndarray, parameters: Mapping[str, np.ndarray], features: Features
) -> Dict[str, np.ndarray]:
    """Return what the network itself answers, by output, (H, W, 3) RGB.

    Args:
        image: float32 RGB in [0, 1], (H, W, 3).
    """
    layers = separate(tf.constant(image[None, :, :, ::-1]), features, parameters)
    return {name: layer.numpy()[0, :, :, ::-1] for name, layer in zip(OUTPUTS, layers)}


def _pad_explicitly(model: onnx.ModelProto) -> None:
    """Give every convolution its padding in numbers: ONNX Runtime refuses automatic padding of dilated ones.

    All have odd kernels and stride 1, so that their padding is the same on both sides.
    """
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        pads = [dilation * (side - 1) // 2 for dilation, side in zip(given["dilations"], given["kernel_shape"])]
        kept = [attribute for attribute in node.attribute if attribute.name not in {"auto_pad", "pads"}]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute("pads", pads * 2)])


def _order_outputs(model: onnx.ModelProto) -> None:
    outputs = {value.name: value for value in model.graph.output}
    ordered = [outputs[name] for name in OUTPUTS]
    del model.graph.output[:]
    model.graph.output.extend(ordered)


def _name_sizes(model: onnx.ModelProto) -> None:
    """Let input and outputs say (1, 3, height, width)."""
    for value in (*model.graph.input, *model.graph.output):
        dimensions = value.type.tensor_type.shape.dim
        dimensions[0].dim_value = 1
        dimensions[1].dim_value = 3
        dimensions[2].dim_param = "height"
        dimensions[3].dim_param = "width"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the converter's remarks; what is wrong with a graph is found by checking it."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
