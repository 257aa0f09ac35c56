"""Adopting Zhang's TensorFlow checkpoint, and writing it."""

import io
import os
import shutil
import unittest
import zipfile

import numpy as np
import tensorflow as tf
from stand_in import filled
from zhang2018.arrays import load_arrays
from zhang2018.parameters import discriminator_shapes, generator_shapes

from netkit.tensor_bundle import TensorBundle
from stagekit import BadInput
from tests.networks.adopting_cases import AdoptingCases
from tests.networks.stages import run_stage

PARTS = ("index", "data-00000-of-00001")


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

    def test_arrays_that_say_to_be_larger_than_memory_are_refused(self):
        header = io.BytesIO()
        shape = {"descr": "<f8", "fortran_order": False, "shape": (2**50,)}
        np.lib.format.write_array_header_1_0(header, shape)
        with zipfile.ZipFile(self.at("weights.npz"), "w") as archive:
            archive.writestr("a.npy", header.getvalue())
        with self.assertRaises(BadInput):
            load_arrays(self.at("weights.npz"))

    def test_a_checkpoint_is_found_in_a_folder_of_any_name_and_below_it(self):
        name = "h [zhang] v1:2 \u00fcn\u00efcode"
        self.write(self.at(name, "pre-trained"), self.arrays())
        result = self.adopted("first", self.at(name))
        self.assertEqual(result.code, 0, result.log)

    def test_files_that_were_given_one_by_one_are_read(self):
        folder = self.write(self.at("released"), self.arrays())
        inputs = {"checkpoint.%s" % part: os.path.join(folder, "model.ckpt.%s" % part) for part in PARTS}
        settings = {"model": self.network, **self.settings}
        result = run_stage(self.network, self.at("parts"), "adopt", settings, inputs)
        self.assertEqual(result.code, 0, result.log)
        del inputs["checkpoint.data-00000-of-00001"]
        result = run_stage(self.network, self.at("out"), "adopt", settings, inputs)
        self.assert_refused(result, "no file model.ckpt.data-00000-of-00001")

    def test_of_several_checkpoints_the_newest_or_a_chosen_one_is_taken(self):
        folder = self.write(self.at("released"), self.arrays())
        for part in PARTS:
            shutil.copy(os.path.join(folder, "model.ckpt." + part), os.path.join(folder, "model.ckpt-7." + part))
        self.assertIn("'model.ckpt.*', one of several", self.adopted("newest", folder).log)
        os.unlink(os.path.join(folder, "checkpoint"))
        self.assert_refused(self.adopted("out", folder), "several checkpoints: model.ckpt, model.ckpt-7")
        settings = {"model": self.network, **self.settings, "entry": "model.ckpt-7"}
        result = run_stage(self.network, self.at("chosen"), "adopt", settings, {"checkpoint": folder})
        self.assertEqual(result.code, 0, result.log)

    def test_tensors_are_read_as_tensorflow_reads_them(self):
        kinds = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
        arrays = {"g/%s" % kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
        arrays.update({"g/a": np.float32(0.5), "h": np.zeros((0, 3), np.float32), "i" * 300: np.arange(5)})
        folder = self.write(self.at("all"), arrays)
        reader = tf.train.load_checkpoint(os.path.join(folder, "model.ckpt"))
        found = TensorBundle("model.ckpt", {part: os.path.join(folder, "model.ckpt.%s" % part) for part in PARTS})
        shapes = reader.get_variable_to_shape_map()
        self.assertEqual({name: list(tensor.shape) for name, tensor in found.tensors.items()}, shapes)
        for name in shapes:
            expected = reader.get_tensor(name)
            self.assertEqual(found.numbers(name).dtype, expected.dtype)
            np.testing.assert_array_equal(found.numbers(name), expected)

    def test_the_authors_program_finds_every_variable_again(self):
        self.assertEqual(self.adopted("first", self.write(self.at("released"), self.arrays())).code, 0)
        self.released("back", self.at("first", "output"))
        names = dict(tf.train.list_variables(self.at("back", "output", "model.ckpt")))
        self.assertEqual(names["g_conv5/BatchNorm/moving_variance"], [64])
        self.assertEqual(tf.train.latest_checkpoint(self.at("back", "output")), self.at("back", "output", "model.ckpt"))


if __name__ == "__main__":
    unittest.main()
