"""VGG-19: torchvision's names and indices, which activations come out, which files fit."""

import os
import shutil
import tempfile
import unittest

import torch

from netkit.seeded import seeded_tensor
from netkit.torch_files import save_tensors
from netkit.torch_vgg19 import CHILD, Vgg19, normalised
from stagekit import BadInput


class Features(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "vgg19-dcbb9e9d.pth")

    def test_children_are_numbered_as_torchvision_does(self):
        numbered = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "conv5_2", "pool5")
        self.assertEqual([CHILD[name] for name in numbered], [1, 6, 11, 20, 29, 30, 36])

    def test_activations_have_the_networks_sizes(self):
        network = Vgg19("relu3_1").fill_random()
        found = network(torch.rand(2, 3, 33, 20), ("relu1_1", "relu2_1", "relu3_1"))
        self.assertEqual([tuple(value.shape[1:]) for value in found], [(64, 33, 20), (128, 16, 10), (256, 8, 5)])
        self.assertTrue(all(float(value.min()) >= 0 for value in found))

    def test_a_last_convolution_is_given_before_its_relu(self):
        network = Vgg19("relu2_1").fill_random()
        image = torch.rand(1, 3, 16, 16)
        (before,) = network(image, ("conv2_1",))
        (after,) = network(image, ("relu2_1",))
        self.assertLess(float(before.min()), 0)
        self.assertTrue(torch.equal(before.clamp(min=0), after))
        with self.assertRaisesRegex(ValueError, "before its ReLU"):
            network(image, ("conv1_1", "relu2_1"))

    def test_random_weights_are_the_seeded_ones_and_frozen(self):
        network = Vgg19("relu2_1").fill_random()
        expected = seeded_tensor("vgg19.conv2_1.weight", (128, 64, 3, 3), 64 * 9)
        self.assertTrue(torch.equal(network.features[5].weight, torch.from_numpy(expected)))
        self.assertFalse(any(value.requires_grad for value in network.parameters()))

    def test_a_whole_file_fills_the_first_layers(self):
        whole = Vgg19("relu2_1").fill_random("other")
        save_tensors(self.path, {**whole.state_dict(), "classifier.0.weight": torch.zeros(2)})
        network = Vgg19("relu1_1").load(self.path)
        self.assertTrue(torch.equal(network.features[0].weight, whole.features[0].weight))

    def test_a_file_that_lacks_a_layer_is_refused(self):
        save_tensors(self.path, Vgg19("relu1_1").fill_random().state_dict())
        with self.assertRaisesRegex(BadInput, r"missing: features\.2\.weight, features\.2\.bias"):
            Vgg19("relu1_2").load(self.path)

    def test_normalising_centres_the_mean_of_imagenet(self):
        image = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.assertLess(float(normalised(image).abs().max()), 1e-6)
        self.assertAlmostEqual(float(normalised(image + 0.229)[0, 0]), 1.0, places=5)


if __name__ == "__main__":
    unittest.main()
