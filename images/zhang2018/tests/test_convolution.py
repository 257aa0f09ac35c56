"""The dilated convolution and its gradient equal those of space-to-batch, which TensorFlow can differentiate."""

import unittest

import tensorflow as tf
from stand_in import relative_error
from zhang2018.network import dilated_convolution

from netkit.seeded import seeded_tensor


def by_space_to_batch(value: tf.Tensor, kernel: tf.Tensor, dilation: int) -> tf.Tensor:
    """Return the dilated convolution as a plain one over every `dilation`-th pixel."""
    height, width = value.shape[1:3]
    after = [dilation + -(size + 2 * dilation) % dilation for size in (height, width)]
    pads = [[dilation, after[0]], [dilation, after[1]]]
    apart = tf.space_to_batch(value, [dilation, dilation], pads)
    together = tf.batch_to_space(tf.nn.conv2d(apart, kernel, 1, "VALID"), [dilation, dilation], [[0, 0], [0, 0]])
    return together[:, :height, :width]


class ConvolutionTest(unittest.TestCase):
    def test_value_and_gradients_at_every_dilation(self) -> None:
        value = tf.constant(seeded_tensor("value", (1, 37, 50, 5)))
        kernel = tf.constant(seeded_tensor("kernel", (3, 3, 5, 7), 45))
        upstream = tf.constant(seeded_tensor("upstream", (1, 37, 50, 7)))
        for dilation in (1, 2, 4, 8, 16, 32, 64):
            found, expected = [], []
            for results, convolution in ((found, dilated_convolution), (expected, by_space_to_batch)):
                with tf.GradientTape() as tape:
                    tape.watch((value, kernel))
                    result = convolution(value, kernel, dilation)
                results.extend([result, *tape.gradient(result, (value, kernel), upstream)])
            for name, first, second in zip(("value", "towards the value", "towards the kernel"), found, expected):
                with self.subTest(dilation=dilation, part=name):
                    self.assertLess(relative_error(first, second), 1e-5)


if __name__ == "__main__":
    unittest.main()
