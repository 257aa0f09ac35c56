"""The network, channels last: hypercolumn of VGG-19 features, dilated convolutions, two layers out.

Pictures are float32, (N, H, W, 3), in [0, 1], channels in the order blue, green, red. Source: Zhang et al. 2018,
section 3.1, and the authors' program.
"""

import functools
from typing import Callable, Dict, List, Mapping, Tuple

import tensorflow as tf

from zhang2018.features import LAST, Features
from zhang2018.parameters import DILATIONS

TAKEN = ("conv1_2", "conv2_2", "conv3_2", "conv4_2", "conv5_2")
"""The VGG-19 activations that hypercolumn and perceptual loss use."""

MEAN = (123.68, 116.779, 103.939)
"""Subtracted from the channels of ``255 * picture`` in the order given, as in the program."""

BATCH_EPSILON = 0.001

Parameters = Mapping[str, tf.Tensor]


def vgg19(picture: tf.Tensor, features: Features) -> Dict[str, tf.Tensor]:
    """Return the activations of `TAKEN` for a picture; pooling is average pooling."""
    value = 255.0 * picture - tf.constant(MEAN, picture.dtype)
    taken: Dict[str, tf.Tensor] = {}
    block = "1"
    for name, (kernel, bias) in features.items():
        if name[4] != block:
            block = name[4]
            value = tf.nn.avg_pool2d(value, 2, 2, "SAME")
        value = tf.nn.relu(tf.nn.conv2d(value, kernel, 1, "SAME") + bias)
        if name in TAKEN:
            taken[name] = value
        if name == LAST:
            break
    return taken


def hypercolumn(picture: tf.Tensor, features: Features) -> tf.Tensor:
    """Return features at the picture's size, deepest first, and the picture: (N, H, W, 1475)."""
    size = tf.shape(picture)[1:3]
    taken = vgg19(picture, features)
    columns = [tf.compat.v1.image.resize_bilinear(taken[name], size) / 255.0 for name in reversed(TAKEN)]
    return tf.concat([*columns, picture], axis=3)


def separate(picture: tf.Tensor, features: Features, parameters: Parameters) -> Tuple[tf.Tensor, tf.Tensor]:
    """Return transmission and reflection, each (N, H, W, 3), not clipped."""
    return layers_from(hypercolumn(picture, features), parameters)


def separate_in_training(
    picture: tf.Tensor, features: Features, parameters: Parameters, recompute: bool
) -> Tuple[tf.Tensor, tf.Tensor]:
    """Return what `separate` returns, without the hypercolumn: a training's way, equal up to rounding.

    A convolution of one pixel can be done before its input is resized, at the size of each activation.

    Args:
        recompute: Compute each layer's activations again in the backward pass, instead of keeping them.
    """
    size = tf.shape(picture)[1:3]
    taken = vgg19(picture, features)
    parts = tf.split(parameters["g_conv0/weights"], [*(taken[name].shape[3] for name in reversed(TAKEN)), 3], axis=2)
    value = tf.nn.conv2d(picture, parts[-1], 1, "SAME")
    for name, kernel in zip(reversed(TAKEN), parts):
        part = tf.nn.conv2d(taken[name] / 255.0, kernel, 1, "SAME")
        value += part if name == TAKEN[0] else tf.compat.v1.image.resize_bilinear(part, size)
    return _after_first(value, parameters, recompute)


def layers_from(columns: tf.Tensor, parameters: Parameters) -> Tuple[tf.Tensor, tf.Tensor]:
    """Return transmission and reflection from the hypercolumn."""
    value = tf.nn.conv2d(columns, parameters["g_conv0/weights"], 1, "SAME")
    return _after_first(value, parameters, recompute=False)


def _after_first(value: tf.Tensor, parameters: Parameters, recompute: bool) -> Tuple[tf.Tensor, tf.Tensor]:
    activated = _recomputed(_activated) if recompute else _activated
    value = activated(value, *_adaptive(parameters, "g_conv0"))
    for layer, dilation in DILATIONS.items():
        step = functools.partial(_layer, dilation)
        step = _recomputed(step) if recompute else step
        value = step(value, *_adaptive(parameters, layer), tf.convert_to_tensor(parameters[layer + "/weights"]))
    value = tf.nn.conv2d(value, parameters["g_conv_last/weights"], 1, "SAME") + parameters["g_conv_last/biases"]
    return value[..., :3], value[..., 3:]


def _recomputed(part: Callable[..., tf.Tensor]) -> Callable[..., tf.Tensor]:
    recomputed: Callable[..., tf.Tensor] = tf.recompute_grad(part)
    return recomputed


def _adaptive(parameters: Parameters, layer: str) -> List[tf.Tensor]:
    """Return the adaptive normalisation's parameters as tensors: what is recomputed must not read variables."""
    return [tf.convert_to_tensor(parameters[layer + part]) for part in ("/w0", "/w1", "/BatchNorm/beta")]


def _layer(
    dilation: int, value: tf.Tensor, first: tf.Tensor, second: tf.Tensor, beta: tf.Tensor, kernel: tf.Tensor
) -> tf.Tensor:
    return _activated(dilated_convolution(value, kernel, dilation), first, second, beta)


def _activated(value: tf.Tensor, first: tf.Tensor, second: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """Return leaky ReLU of the adaptive normalisation, w0 * x + w1 * BN(x), with the picture's own statistics."""
    mean = tf.reduce_mean(value, axis=(0, 1, 2), keepdims=True)
    centred = value - mean
    variance = tf.reduce_mean(centred * centred, axis=(0, 1, 2), keepdims=True)
    normal = centred * tf.math.rsqrt(variance + BATCH_EPSILON) + beta
    value = first * value + second * normal
    return tf.maximum(0.2 * value, value)


def dilated_convolution(value: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """Return the 3x3 convolution of (N, H, W, C), zeros beyond the border, stride 1.

    TensorFlow has its gradient only for GPUs; here it is written out, so that it runs everywhere: towards the value it
    is the convolution with the turned kernel, towards the kernel one matrix product per tap.
    """

    @tf.custom_gradient
    def convolution(value: tf.Tensor, kernel: tf.Tensor) -> Tuple[tf.Tensor, object]:
        def gradient(upstream: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
            turned = tf.transpose(tf.reverse(kernel, axis=[0, 1]), (0, 1, 3, 2))
            return _plain(upstream, turned, dilation), _kernel_gradient(value, upstream, dilation)

        return _plain(value, kernel, dilation), gradient

    return _plain(value, kernel, 1) if dilation == 1 else convolution(value, tf.convert_to_tensor(kernel))


def _plain(value: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    return tf.nn.conv2d(value, kernel, 1, "SAME", dilations=dilation)


def _kernel_gradient(value: tf.Tensor, upstream: tf.Tensor, dilation: int) -> tf.Tensor:
    """Return the gradient towards the kernel, (3, 3, in, out)."""
    height, width = tf.shape(value)[1], tf.shape(value)[2]
    padded = tf.pad(value, ((0, 0), (dilation, dilation), (dilation, dilation), (0, 0)))
    received = tf.reshape(upstream, (-1, upstream.shape[3]))
    rows = []
    for row in range(3):
        taps = []
        for column in range(3):
            top, left = row * dilation, column * dilation
            window = padded[:, top : top + height, left : left + width]
            taps.append(tf.matmul(tf.reshape(window, (-1, value.shape[3])), received, transpose_a=True))
        rows.append(tf.stack(taps))
    return tf.stack(rows)
