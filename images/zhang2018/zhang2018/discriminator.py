"""The conditional patch discriminator. Source: Zhang et al. 2018, section 3.2, and the authors' program."""

import tensorflow as tf

from zhang2018.network import Parameters

BATCH_EPSILON = 1e-5
STRIDES = (2, 2, 2, 1, 1)


def discriminate(picture: tf.Tensor, candidate: tf.Tensor, parameters: Parameters) -> tf.Tensor:
    """Return the probability, per patch, that the candidate is the picture's true transmission.

    Args:
        picture: float32, (N, H, W, 3), in [0, 1]. Pictures are at least 32 pixels high and wide.
        candidate: See `picture`.
    """
    value = tf.concat([picture, candidate], axis=3)
    for number, stride in enumerate(STRIDES, start=1):
        layer = "discriminator/layer_%d/" % number
        padded = tf.pad(value, ((0, 0), (1, 1), (1, 1), (0, 0)))
        value = tf.nn.conv2d(padded, parameters[layer + "conv/filter"], stride, "VALID")
        if layer + "batchnorm/scale" in parameters:
            mean, variance = tf.nn.moments(value, axes=(0, 1, 2))
            offset, scale = parameters[layer + "batchnorm/offset"], parameters[layer + "batchnorm/scale"]
            value = tf.nn.batch_normalization(value, mean, variance, offset, scale, BATCH_EPSILON)
        if number < len(STRIDES):
            value = 0.6 * value + 0.4 * tf.abs(value)
    return tf.sigmoid(value)
