"""The losses. Pictures are float32, (N, H, W, 3), in [0, 1]. Source: Zhang et al. 2018, section 3.2, and program."""

from typing import Tuple

import tensorflow as tf

from zhang2018.features import Features
from zhang2018.network import vgg19

PERCEPTUAL_WEIGHTS = {
    "conv1_2": 1 / 2.6,
    "conv2_2": 1 / 4.8,
    "conv3_2": 1 / 3.7,
    "conv4_2": 1 / 5.6,
    "conv5_2": 10 / 1.5,
}
SCALES = 3
"""Scales of the exclusion loss."""

EPSILON = 1e-12


def l1(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute difference."""
    return tf.reduce_mean(tf.abs(first - second))


def perceptual(found: tf.Tensor, truth: tf.Tensor, features: Features) -> tf.Tensor:
    """Return the weighted differences of the pictures, as values to 255, and of their VGG-19 activations."""
    total = l1(255.0 * found, 255.0 * truth)
    of_found, of_truth = vgg19(found, features), vgg19(truth, features)
    for name, weight in PERCEPTUAL_WEIGHTS.items():
        total += weight * l1(of_found[name], tf.stop_gradient(of_truth[name]))
    return total


def exclusion(transmission: tf.Tensor, reflection: tf.Tensor) -> tf.Tensor:
    """Return how far the two layers have edges at the same places, over three scales."""
    total = tf.constant(0.0)
    for scale in range(SCALES):
        if scale:
            transmission, reflection = (tf.nn.avg_pool2d(layer, 2, 2, "SAME") for layer in (transmission, reflection))
        for g1, g2 in zip(_gradients(transmission), _gradients(reflection)):
            alpha = 2 * tf.reduce_mean(tf.abs(g1)) / tf.reduce_mean(tf.abs(g2))
            squashed = tf.square(2 * tf.sigmoid(g1) - 1) * tf.square(2 * tf.sigmoid(alpha * g2) - 1)
            total += tf.reduce_sum(tf.reduce_mean(squashed, axis=(1, 2, 3)) ** 0.25)
    return total / SCALES / 2


def adversarial(real: tf.Tensor, fake: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """Return the discriminator's and the generator's loss.

    Args:
        real: The discriminator's probabilities.
        fake: The discriminator's probabilities.
    """
    discriminator = 0.5 * tf.reduce_mean(-(tf.math.log(real + EPSILON) + tf.math.log(1 - fake + EPSILON)))
    return discriminator, generator_adversarial(fake)


def generator_adversarial(fake: tf.Tensor) -> tf.Tensor:
    """Return the generator's adversarial loss.

    Args:
        fake: The discriminator's probabilities for its transmission.
    """
    return tf.reduce_mean(-tf.math.log(fake + EPSILON))


def _gradients(layer: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
    """Return forward differences along height and width."""
    return layer[:, 1:] - layer[:, :-1], layer[:, :, 1:] - layer[:, :, :-1]
