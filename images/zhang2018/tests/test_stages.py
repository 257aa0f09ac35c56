"""The stages as the orchestrator runs them: a training however it is broken off, and the export."""

import os
import tempfile
import unittest
from typing import Dict

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from stand_in import filled, recipe, relative_error
from zhang2018.arrays import load_arrays, save_arrays
from zhang2018.export import native_answers
from zhang2018.features import random_features
from zhang2018.network import separate, separate_in_training
from zhang2018.parameters import discriminator_shapes, generator_shapes
from zhang2018.samples import largest_size

from netkit.seeded import seeded_image
from stagekit.results.apart import load_whole
from stagekit.results.export import ExportFile
from tests.networks.stages import assert_repeats
from tests.networks.training_cases import TrainingCases


class Train(TrainingCases, unittest.TestCase):
    network = "zhang2018"
    recipe = recipe(epochs=2, limit=3, width=[72, 81])
    file = "weights.npz"
    processors_count = True

    @staticmethod
    def tensors(path: str) -> Dict[str, np.ndarray]:
        return load_arrays(path)

    def test_the_losses_follow_the_recipe(self) -> None:
        self.assertEqual(
            set(self.tensors(self.output("whole", "weights.npz"))), {*generator_shapes(), *discriminator_shapes()}
        )
        points = self.content("whole", "curves.json")["steps"]
        self.assertEqual(["discriminator" in point["losses"] for point in points][:3], [True, False, True])

    def test_batches_of_two_are_refused(self) -> None:
        self.assert_refused(self.trained("pairs-of-two", batch=2), "batches of 2")


class FirstLayer(unittest.TestCase):
    def test_done_at_each_activations_size_it_answers_as_the_hypercolumn_does(self) -> None:
        parameters, features = filled(generator_shapes()), random_features()
        image = tf.constant(seeded_image("first", 48, 65)[None])
        for recompute in (False, True):
            found = separate_in_training(image, features, parameters, recompute)
            for part, expected in zip(found, separate(image, features, parameters)):
                self.assertLess(relative_error(part, expected), 1e-5)


class Sizes(unittest.TestCase):
    def test_the_largest_step_is_as_tall_as_the_tallest_picture_makes_it(self) -> None:
        self.assertEqual(largest_size(recipe(width=[256, 480]), [(480, 640), (640, 480)]), (639, 479))
        self.assertEqual(largest_size(recipe(width=[256, 480], size_step=32), [(640, 480)]), (640, 480))


class Export(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def at(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def test_export_is_the_same_bytes_and_answers_as_the_network_at_every_size(self) -> None:
        parameters = filled({**generator_shapes(), **discriminator_shapes()})
        os.makedirs(self.at("weights"))
        save_arrays(self.at("weights", "weights.npz"), parameters)
        settings = {"model": "zhang2018", "tolerance": 1e-4, "features": "random"}
        assert_repeats("zhang2018", self.at("export"), "export", settings, {"weights": self.at("weights")})

        report = load_whole(ExportFile, self.at("export", "one", "output"), self.at("export", "one", "facts"))
        self.assertEqual((report.inputs, report.outputs), (("image",), ("transmission", "reflection")))
        path = self.at("export", "one", "output", "network.onnx")
        self.check_graph(onnx.load(path))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for height, width in ((96, 128), (101, 77), (33, 17)):
            image = seeded_image("size", height, width)
            answers = session.run(None, {"image": image.transpose(2, 0, 1)[None]})
            native = native_answers(image, parameters, random_features())
            for answer, (name, expected) in zip(answers, native.items()):
                with self.subTest(height=height, width=width, output=name):
                    self.assertLess(relative_error(answer[0].transpose(1, 2, 0), expected), 1e-4)

    def check_graph(self, model: onnx.ModelProto) -> None:
        """Plain convolutions with the paper's dilations, and no detour over batches."""
        operations = [node.op_type for node in model.graph.node]
        self.assertFalse({"SpaceToDepth", "DepthToSpace", "Transpose", "Pad"} & set(operations))
        dilations = [
            onnx.helper.get_attribute_value(attribute)
            for node in model.graph.node
            if node.op_type == "Conv"
            for attribute in node.attribute
            if attribute.name == "dilations"
        ]
        self.assertEqual([d for d, _ in dilations if d > 1], [2, 4, 8, 16, 32, 64])


if __name__ == "__main__":
    unittest.main()
