"""Adopting Zhang's TensorFlow checkpoint, and writing it."""

import os
import unittest
import zipfile

import numpy as np
import tensorflow as tf
from stand_in import filled
from zhang2018.arrays import load_arrays
from zhang2018.parameters import discriminator_shapes, generator_shapes

from tests.networks.adopting_cases import AdoptingCases


class Adopt(AdoptingCases, unittest.TestCase):
    network = "zhang2018"
    file = "weights.npz"
    released_file = "model.ckpt.index"
    damaged_files = ("model.ckpt.index", "model.ckpt.data-00000-of-00001")

    @staticmethod
    def arrays():
        return filled({**generator_shapes(), **discriminator_shapes()})

    @staticmethod
    def tensors(path):
        return load_arrays(path)

    @staticmethod
    def write(path, arrays):
        """Write a checkpoint as TensorFlow 1 does, with the variables of Adam and the unused moving averages."""
        os.makedirs(path)
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            for name, value in arrays.items():
                tf.compat.v1.Variable(value, name=name)
            tf.compat.v1.Variable(np.float32(0.9), name="beta1_power")
            tf.compat.v1.Variable(np.zeros(64, np.float32), name="g_conv0/BatchNorm/moving_mean")
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver().save(session, os.path.join(path, "model.ckpt"))
        return path

    def test_a_zip_file_of_something_else_is_refused(self):
        with zipfile.ZipFile(self.at("errnet.pt"), "w") as archive:
            archive.writestr("errnet/data.pkl", b"PyTorch's")
        self.assert_refused(self.adopted("out", self.at("errnet.pt")), "errnet/data.pkl")

    def test_the_authors_program_finds_every_variable_again(self):
        self.assertEqual(self.adopted("first", self.write(self.at("released"), self.arrays())).code, 0)
        self.released("back", self.at("first", "output"))
        names = dict(tf.train.list_variables(self.at("back", "output", "model.ckpt")))
        self.assertEqual(names["g_conv5/BatchNorm/moving_variance"], [64])
        self.assertEqual(tf.train.latest_checkpoint(self.at("back", "output")), self.at("back", "output", "model.ckpt"))


if __name__ == "__main__":
    unittest.main()
