"""Names and shapes of the parameters, their start, and what happens to weights that do not fit."""

import json
import os
import tempfile
import unittest

import numpy as np
from zhang2018.arrays import load_arrays, save_arrays
from zhang2018.parameters import (
    checked,
    discriminator_shapes,
    generator_shapes,
    initial_discriminator,
    initial_generator,
)

from stagekit import BadInput


class ParametersTest(unittest.TestCase):
    def test_generator_starts_as_identity_without_normalisation(self) -> None:
        values = initial_generator(seed=1)
        kernel = values["g_conv4/weights"]
        np.testing.assert_array_equal(kernel[1, 1], np.eye(64))
        self.assertEqual(np.abs(kernel).sum(), 64)
        self.assertEqual((values["g_conv4/w0"], values["g_conv4/w1"]), (1, 0))

    def test_start_depends_on_the_seed_alone(self) -> None:
        name = "discriminator/layer_3/conv/filter"
        first, again, other = (initial_discriminator(seed)[name] for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        self.assertFalse(np.array_equal(first, other))
        self.assertAlmostEqual(float(first.std()), 0.02, places=4)

    def test_names_are_those_of_the_released_checkpoint(self) -> None:
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "released.parameters.json")
        with open(path, encoding="utf-8") as stream:
            released = {name: tuple(shape) for name, shape in json.load(stream)}
        self.assertEqual({**generator_shapes(), **discriminator_shapes()}, released)

    def test_weights_that_do_not_fit_are_named_all_at_once(self) -> None:
        values = initial_generator(seed=1)
        del values["g_conv2/w0"]
        values["g_conv_last/biases"] = np.zeros(3, np.float32)
        with self.assertRaises(BadInput) as caught:
            checked(values, generator_shapes(), "weights.npz")
        self.assertIn("missing: g_conv2/w0", caught.exception.message)
        self.assertIn("g_conv_last/biases is 3 and should be 6", caught.exception.message)

    def test_moving_averages_of_a_released_checkpoint_are_left_out(self) -> None:
        values = {**initial_generator(seed=1), "g_conv0/BatchNorm/moving_mean": np.zeros(64)}
        self.assertEqual(list(checked(values, generator_shapes(), "released")), list(generator_shapes()))


class ArraysTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "weights.npz")

    def test_arrays_come_back_as_they_were(self) -> None:
        arrays = {"g_conv0/w0": np.float32(0.5), "a/b": np.arange(6, dtype=np.float32).reshape(2, 3)}
        save_arrays(self.path, arrays)
        for name, value in load_arrays(self.path).items():
            np.testing.assert_array_equal(value, arrays[name])

    def test_objects_are_refused(self) -> None:
        np.savez(self.path, payload=np.array([{"run": "me"}], dtype=object))
        with self.assertRaises(BadInput):
            load_arrays(self.path)

    def test_cut_file_is_refused(self) -> None:
        save_arrays(self.path, {"a": np.ones(1000)})
        with open(self.path, "rb+") as stream:
            stream.truncate(500)
        with self.assertRaises(BadInput):
            load_arrays(self.path)


if __name__ == "__main__":
    unittest.main()
