"""The train stage: the same weights however it is broken off; what it leaves; what it refuses."""

import os
import shutil
import tempfile
import unittest

import numpy as np
import torch
from ibcln2020.network import Cascade
from ibcln2020.optimisation import Optimisation
from ibcln2020.samples import sample_pictures, training_batch

from netkit.pictures import write_picture
from netkit.sampling import RealSample, SyntheticSample
from netkit.torch_files import load_tensors
from netkit.torch_vgg19 import Vgg19
from tests.networks.stages import made_layers, made_pairs
from tests.networks.training_cases import TrainingCases

RECIPE = {
    "family": "ibcln2020",
    "epochs": 2,
    "steps": None,
    "limit": 4,
    "batch": 2,
    "synthesis": "ibcln",
    "sampling": [{"epoch": 0, "synthetic": 0.7}],
    "rate": [{"epoch": 0, "rate": 2e-4}, {"epoch": 1, "rate": 1e-4}],
    "betas": [0.5, 0.999],
    "crop": 32,
    "real_crop": 0.7,
    "cascade": 2,
    "weight_adversarial": 0.01,
    "dropout": 0.3,
    "deviation": 0.02,
    "mixed_precision": False,
    "channels_last": False,
}


class Train(TrainingCases, unittest.TestCase):
    network = "ibcln2020"
    recipe = RECIPE

    @staticmethod
    def tensors(path):
        return {name: value.numpy() for name, value in load_tensors(path).items()}

    def test_the_losses_follow_the_recipe(self):
        weights = self.tensors(self.output("whole", "weights.pt"))
        self.assertEqual(
            {name: value.shape for name, value in weights.items()},
            {name: tuple(value.shape) for name, value in Cascade().state_dict().items()},
        )
        points = self.content("whole", "curves.json")["steps"]
        self.assertEqual([point["step"] for point in points], list(range(1, len(points) + 1)))
        names = ["adversarial", "discriminator", "perceptual", "pixel", "reflection", "residual"]
        self.assertEqual(sorted(points[0]["losses"]), names)
        self.assertEqual([points[0]["rate"], points[-1]["rate"]], [2e-4, 1e-4])

    def test_a_batch_in_parts_gives_the_same_up_to_rounding(self):
        result = self.trained("parts", memory_saving_level=2)
        self.assertEqual(result.code, 0, result.log)
        training = self.training("parts")
        self.assertEqual(training.memory.savings, ("activation checkpointing", "accumulation"))
        self.assertIn("each batch went through in parts", " ".join(training.notes))
        courses = [self.content(run, "curves.json")["steps"] for run in ("whole", "parts")]
        for whole, parts in zip(*courses):
            for name, value in whole["losses"].items():
                self.assertAlmostEqual(value, parts["losses"][name], delta=2e-3 * max(1.0, abs(value)))

    def test_speed_that_only_a_gpu_has_is_refused_elsewhere(self):
        result = self.trained("fast", channels_last=True)
        self.assert_refused(result, "channels_last works on a GPU only")

    def test_missing_features_are_named(self):
        inputs = {**self.inputs, "features": os.path.join(self.folder, "vgg19-dcbb9e9d.pth")}
        result = self.trained("absent", inputs, settings={"features": "pretrained"})
        self.assert_refused(result, "vgg19-dcbb9e9d.pth")


class Accumulation(unittest.TestCase):
    def test_gradients_of_parts_add_up_to_those_of_the_batch(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        layers = made_layers(os.path.join(folder, "layers"))
        paths = [os.path.join(layers, "%d.png" % number) for number in range(4)]
        samples = [SyntheticSample(0, *paths[:2]), RealSample(1, paths[2], paths[2])]
        pictures = training_batch(RECIPE, 0, 0, samples)
        found = []
        for part in (None, 1):
            subject = Optimisation(RECIPE, Vgg19("relu2_1").fill_random(), 5, torch.device("cpu"), part=part)
            losses = subject.step(pictures, rate=0.0, dropout_seeds=[7, 8])
            gradients = torch.cat(
                [value.grad.flatten() for value in subject.cascade.parameters() if value.grad is not None]
            )
            found.append((losses, gradients))
        (whole, expected), (parts, gradients) = found
        self.assertLess(float((gradients - expected).norm() / expected.norm()), 1e-5)
        for name, value in whole.items():
            self.assertAlmostEqual(float(value), float(parts[name]), places=5)


class Samples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.layers = made_layers(os.path.join(self.folder, "layers"))
        self.pairs = made_pairs(os.path.join(self.folder, "pairs"))

    def samples(self):
        blended, transmission = (os.path.join(self.pairs, part, "a.png") for part in ("blended", "transmission"))
        layers = [os.path.join(self.layers, "%d.png" % number) for number in (1, 3)]
        return [SyntheticSample(0, *layers), RealSample(1, blended, transmission)]

    def test_batch_holds_three_sizes_and_says_which_samples_are_synthetic(self):
        batch = training_batch(RECIPE, 0, 0, self.samples())
        self.assertEqual([target.shape[1:] for target in batch.targets], [(32, 32, 3), (16, 16, 3), (8, 8, 3)])
        self.assertEqual(batch.synthetic.tolist(), [1.0, 0.0])
        self.assertIn(round(float(batch.scale[0]), 1), (0.8, 0.9, 1.0))
        self.assertTrue(0 <= float(batch.blended.min()) <= float(batch.blended.max()) <= 1)

    def test_the_same_names_draw_the_same_samples(self):
        first, second, third = (training_batch(RECIPE, 0, epoch, self.samples()) for epoch in (0, 0, 1))
        self.assertTrue(np.array_equal(first.blended, second.blended))
        self.assertFalse(np.array_equal(first.blended, third.blended))

    def test_a_real_pair_stays_aligned(self):
        path = os.path.join(self.pairs, "blended", "a.png")
        for seed in range(8):
            pictures = sample_pictures(RealSample(0, path, path), RECIPE, np.random.RandomState(seed))
            self.assertTrue(np.array_equal(pictures.blended, pictures.transmission))

    def test_samples_that_are_too_dark_are_left_out(self):
        dark = os.path.join(self.folder, "dark.png")
        write_picture(dark, np.zeros((40, 40, 3), np.float32))
        samples = [SyntheticSample(0, os.path.join(self.layers, "0.png"), dark)]
        self.assertIsNone(training_batch(RECIPE, 0, 0, samples))
        self.assertEqual(len(training_batch(RECIPE, 0, 0, [*samples, *self.samples()]).synthetic), 2)


if __name__ == "__main__":
    unittest.main()
