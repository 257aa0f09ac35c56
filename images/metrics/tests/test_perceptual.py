"""LPIPS with random and with given features, against a slow and plain version of its definition."""

import os
import tempfile
import unittest
import warnings

import lpips
import numpy as np
import torch
import torchvision
from metrics_program.features import features_of, published_features, random_features

from netkit.published import file_digest
from netkit.seeded import seeded_image
from netkit.torch_files import load_tensors, save_tensors
from orchestrator.metrics.perceptual import PerceptualDistance
from stagekit import BadInput
from stagekit.results.scores import NotMeasured


def picture(name, height=48, width=64):
    return np.round(255 * seeded_image(name, height, width)).astype(np.uint8)


def plain_distance(features, prediction, truth):
    """Return LPIPS step by step, from AlexNet's features and the package's linear weights."""
    weights = load_tensors(os.path.join(os.path.dirname(lpips.__file__), "weights", "v0.1", "alex.pth"))
    shift = torch.tensor([-0.030, -0.088, -0.188]).reshape(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).reshape(1, 3, 1, 1)
    layers = [(0, 4, 2, False), (3, 1, 2, True), (6, 1, 1, True), (8, 1, 1, False), (10, 1, 1, False)]

    def activations(pixels):
        values = torch.from_numpy(np.float32(pixels)).permute(2, 0, 1)[None] / 255 * 2 - 1
        values = (values - shift) / scale
        for index, stride, padding, pooled in layers:
            if pooled:
                values = torch.nn.functional.max_pool2d(values, 3, 2)
            kernel, bias = features["features.%d.weight" % index], features["features.%d.bias" % index]
            values = torch.relu(torch.nn.functional.conv2d(values, kernel, bias, stride, padding))
            yield values / (values.pow(2).sum(1, keepdim=True).sqrt() + 1e-10)

    total = 0.0
    for number, (x, y) in enumerate(zip(activations(prediction), activations(truth))):
        linear = weights["lin%d.model.1.weight" % number]
        total += float(((x - y) ** 2 * linear).sum(1).mean())
    return total


class PerceptualTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.features = random_features()
        cls.distance = PerceptualDistance(cls.features)

    def test_it_is_the_distance_of_the_paper(self):
        found = self.distance(picture("a"), picture("b"))
        expected = plain_distance(self.features, picture("a"), picture("b"))
        self.assertGreater(expected, 0)
        self.assertAlmostEqual(found / expected, 1, delta=1e-4)

    def test_pictures_in_a_batch_have_the_distances_that_they_have_alone(self):
        pairs = [(picture("a%d" % n), picture("b%d" % n)) for n in range(5)]
        found = self.distance.distances(pairs)
        self.assertEqual(len(set(found)), 5)
        for distance, pair in zip(found, pairs):
            self.assertAlmostEqual(distance / self.distance(*pair), 1, delta=1e-5)

    def test_colours_are_taken_as_red_green_blue(self):
        a, b = picture("a"), picture("b")
        self.assertNotAlmostEqual(self.distance(a, b) / self.distance(a[..., ::-1], b[..., ::-1]), 1, places=3)

    def test_identical_pictures_have_no_distance(self):
        self.assertEqual(self.distance(picture("a"), picture("a")), 0)

    def test_the_same_features_are_drawn_every_time(self):
        torch.manual_seed(5)
        again = PerceptualDistance(random_features())
        self.assertEqual(again(picture("a"), picture("b")), self.distance(picture("a"), picture("b")))

    def test_small_pictures_are_not_measured(self):
        self.assertIsInstance(self.distance(picture("a", 31, 31), picture("b", 31, 31)), float)
        for height, width in ((30, 64), (64, 30), (1, 1)):
            score = self.distance(picture("a", height, width), picture("b", height, width))
            self.assertIsInstance(score, NotMeasured)
            self.assertIn("%d x %d" % (height, width), score.not_measured)

    def test_odd_sizes_are_measured(self):
        self.assertGreater(self.distance(picture("a", 53, 71), picture("b", 53, 71)), 0)


class FeaturesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "alexnet.pth")

    def test_another_file_than_the_published_one_is_refused(self):
        save_tensors(self.path, random_features())
        with self.assertRaises(BadInput) as caught:
            published_features(self.path)
        self.assertIn(file_digest(self.path)[:8], caught.exception.message)
        self.assertIn("7be5be79", caught.exception.message)

    def test_a_missing_file_is_refused(self):
        with self.assertRaises(BadInput):
            published_features(self.path)

    def test_a_whole_alexnet_gives_its_features(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = torchvision.models.alexnet(pretrained=False)
        save_tensors(self.path, network.state_dict())
        features = features_of(load_tensors(self.path), self.path)
        self.assertEqual(sorted(features), sorted(name for name in network.state_dict() if name[0] == "f"))
        self.assertGreater(PerceptualDistance(features)(picture("a"), picture("b")), 0)

    def test_tensors_of_another_network_are_refused_by_name(self):
        tensors = random_features()
        del tensors["features.3.bias"]
        tensors["features.0.weight"] = torch.zeros(64, 3, 3, 3)
        with self.assertRaises(BadInput) as caught:
            features_of(tensors, "file")
        self.assertIn("missing: features.3.bias", caught.exception.message)
        self.assertIn("features.0.weight is 64 x 3 x 3 x 3", caught.exception.message)


if __name__ == "__main__":
    unittest.main()
