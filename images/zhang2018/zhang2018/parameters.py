"""The parameters of generator and discriminator under the names of the released checkpoint."""

from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
import tensorflow as tf

from netkit.sampling import stream
from stagekit import BadInput

CHANNELS = 64
"""Channels of the generator's inner layers."""

HYPERCOLUMN = 3 + 64 + 128 + 256 + 512 + 512
"""Channels of the picture and its resized VGG-19 features."""

DILATIONS: Mapping[str, int] = {
    "g_conv1": 1,
    "g_conv2": 2,
    "g_conv3": 4,
    "g_conv4": 8,
    "g_conv5": 16,
    "g_conv6": 32,
    "g_conv7": 64,
    "g_conv9": 1,
}
"""Dilation of the 3x3 layers, in their order; the released network has no g_conv8."""

DISCRIMINATOR_CHANNELS = (6, 64, 128, 256, 512, 1)
"""Channels before, between and after the discriminator's five layers."""

Shapes = Mapping[str, Tuple[int, ...]]
Parameters = Mapping[str, tf.Tensor]


def generator_shapes() -> Shapes:
    """Return name and shape of the generator's parameters; kernels are (h, w, in, out)."""
    shapes: Dict[str, Tuple[int, ...]] = {}
    kernels = {"g_conv0": (1, 1, HYPERCOLUMN, CHANNELS)}
    kernels.update((layer, (3, 3, CHANNELS, CHANNELS)) for layer in DILATIONS)
    for layer, kernel in kernels.items():
        shapes[layer + "/weights"] = kernel
        shapes[layer + "/w0"] = ()
        shapes[layer + "/w1"] = ()
        shapes[layer + "/BatchNorm/beta"] = (CHANNELS,)
    shapes["g_conv_last/weights"] = (1, 1, CHANNELS, 6)
    shapes["g_conv_last/biases"] = (6,)
    return shapes


def discriminator_shapes() -> Shapes:
    """Return name and shape of the discriminator's parameters; kernels are (h, w, in, out)."""
    shapes: Dict[str, Tuple[int, ...]] = {}
    channels = DISCRIMINATOR_CHANNELS
    for number, (before, after) in enumerate(zip(channels, channels[1:]), start=1):
        layer = "discriminator/layer_%d/" % number
        shapes[layer + "conv/filter"] = (4, 4, before, after)
        if number in (2, 3, 4):
            shapes[layer + "batchnorm/offset"] = (after,)
            shapes[layer + "batchnorm/scale"] = (after,)
    return shapes


def initial_generator(seed: int, start: str = "identity") -> Dict[str, np.ndarray]:
    """Return the generator's initial parameters.

    The adaptive normalisation starts as no normalisation (w0 = 1, w1 = 0), and the last layer is drawn uniformly
    (Glorot and Bengio 2010, tf-slim's default).

    Args:
        start: Of the other kernels: "identity", as in the program, or "glorot".
    """
    values: Dict[str, np.ndarray] = {}
    for name, shape in generator_shapes().items():
        values[name] = np.zeros(shape, np.float32)
        if name == "g_conv_last/weights" or (start == "glorot" and name.endswith("/weights")):
            bound = np.sqrt(6 / (shape[0] * shape[1] * (shape[2] + shape[3])))
            values[name] = stream(seed, name).uniform(-bound, bound, shape).astype(np.float32)
        elif name.endswith("/weights"):
            through = np.arange(min(shape[2:]))
            values[name][shape[0] // 2, shape[1] // 2, through, through] = 1
        elif name.endswith("/w0"):
            values[name] = np.ones(shape, np.float32)
    return values


def initial_discriminator(seed: int, deviation: float = 0.02) -> Dict[str, np.ndarray]:
    """Return the discriminator's initial parameters: kernels N(0, deviation), offsets 0, scales N(1, deviation)."""
    values: Dict[str, np.ndarray] = {}
    for name, shape in discriminator_shapes().items():
        values[name] = np.zeros(shape, np.float32)
        if not name.endswith("/offset"):
            mean = 1 if name.endswith("/scale") else 0
            values[name] = stream(seed, name).normal(mean, deviation, shape).astype(np.float32)
    return values


def problems_of(values: Mapping[str, Any], shapes: Shapes) -> List[str]:
    """Return a sentence for each kind of mismatch between what has shapes, such as arrays, and what they should be."""
    missing = [name for name in shapes if name not in values]
    misshapen = [
        "%s is %s and should be %s" % (name, _size(values[name].shape), _size(shape))
        for name, shape in shapes.items()
        if name in values and tuple(values[name].shape) != tuple(shape)
    ]
    named = (("missing", missing), ("misshapen", misshapen))
    return ["%s: %s" % (kind, ", ".join(names)) for kind, names in named if names]


def _size(shape: Tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"


def checked(values: Mapping[str, np.ndarray], shapes: Shapes, origin: str) -> Dict[str, np.ndarray]:
    """Return exactly the named values, as float32; others, such as unused moving averages, are left out.

    Args:
        origin: Where the values are from, for the message.

    Raises:
        BadInput: Names every missing and misshapen value.
    """
    problems = problems_of(values, shapes)
    if problems:
        raise BadInput("%s does not fit Zhang's network: %s" % (origin, "; ".join(problems)))
    return {name: np.asarray(values[name], np.float32) for name in shapes}
