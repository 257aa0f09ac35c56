"""The train stage: the same weights however it is broken off; what it leaves; what it refuses."""

import os
import shutil
import tempfile
import unittest

import numpy as np
import torch
from errnet2019.network import Generator, hypercolumn, vgg_levels
from errnet2019.samples import check_recipe, training_batch

from netkit.sampling import RealSample, SyntheticSample, UnalignedSample
from netkit.seeded import seeded_image
from netkit.torch_files import load_tensors, save_tensors
from netkit.torch_pictures import tensor_of
from netkit.torch_vgg19 import Vgg19
from stagekit import BadInput
from tests.networks.stages import made_layers, made_pairs
from tests.networks.training_cases import TrainingCases

RECIPE = {
    "family": "errnet2019",
    "epochs": 2,
    "steps": None,
    "limit": 3,
    "batch": 1,
    "synthesis": "errnet",
    "sampling": [{"epoch": 0, "synthetic": 0.7}, {"epoch": 1, "synthetic": 0.5}],
    "rate": [{"epoch": 0, "rate": 1e-4}, {"epoch": 1, "rate": 5e-5}],
    "betas": [0.9, 0.999],
    "short_side": [32, 48],
    "crop": 32,
    "flip": 0.5,
    "adversarial_from": 1,
    "weight_vgg": 0.1,
    "weight_adversarial": 0.01,
    "weight_unaligned": 0.1,
    "generator_start": "pytorch",
    "discriminator_start": "kaiming",
    "mixed_precision": False,
    "channels_last": False,
}


class Train(TrainingCases, unittest.TestCase):
    network = "errnet2019"
    recipe = RECIPE

    @staticmethod
    def tensors(path):
        return {name: value.numpy() for name, value in load_tensors(path).items()}

    def test_the_losses_follow_the_recipe(self):
        released = Generator().state_dict()
        weights = self.tensors(self.output("whole", "weights.pt"))
        self.assertEqual(
            {name: value.shape for name, value in weights.items()},
            {name: tuple(value.shape) for name, value in released.items()},
        )
        points = self.content("whole", "curves.json")["steps"]
        self.assertEqual([point["step"] for point in points], [1, 2, 3, 4, 5, 6])
        self.assertEqual(sorted(points[2]["losses"]), ["pixel", "vgg"])
        self.assertEqual(sorted(points[3]["losses"]), ["adversarial", "discriminator", "pixel", "vgg"])
        self.assertEqual([points[2]["rate"], points[3]["rate"]], [1e-4, 5e-5])

    def test_unaligned_pairs_have_a_loss_of_their_own(self):
        inputs = {**self.inputs, "unaligned": made_pairs(os.path.join(self.folder, "unaligned"))}
        sampling = [{"epoch": 0, "synthetic": 0.0, "unaligned": 1.0}]
        result = self.trained("unaligned-run", inputs, sampling=sampling, adversarial_from=0, steps=2)
        self.assertEqual(result.code, 0, result.log)
        points = self.content("unaligned-run", "curves.json")["steps"]
        self.assertEqual(sorted(points[0]["losses"]), ["adversarial", "discriminator", "unaligned"])

    def test_missing_unaligned_pairs_are_noted(self):
        sampling = [{"epoch": 0, "synthetic": 0.25, "unaligned": 0.5}]
        self.assertEqual(self.trained("aligned", sampling=sampling, steps=1).code, 0)
        self.assertIn("there were no unaligned pairs", " ".join(self.content("aligned", "train.json")["notes"]))

    def test_speed_that_only_a_gpu_has_is_refused_elsewhere(self):
        result = self.trained("fast", mixed_precision=True)
        self.assert_refused(result, "mixed_precision works on a GPU only")

    def test_another_file_under_the_name_of_the_features_is_refused(self):
        path = os.path.join(self.folder, "vgg19-dcbb9e9d.pth")
        save_tensors(path, Vgg19("relu5_4").fill_random().state_dict())
        result = self.trained("other", {**self.inputs, "features": path}, settings={"features": "pretrained"})
        self.assertEqual(result.code, 10, result.log)
        self.assertIn("vgg19-dcbb9e9d.pth has the SHA-256", result.log)
        os.unlink(path)

    def test_missing_features_are_named(self):
        inputs = {**self.inputs, "features": os.path.join(self.folder, "vgg19-dcbb9e9d.pth")}
        result = self.trained("absent", inputs, settings={"features": "pretrained"})
        self.assert_refused(result, "vgg19-dcbb9e9d.pth")


class FirstLayer(unittest.TestCase):
    def test_done_at_each_activations_size_it_answers_as_the_hypercolumn_does(self):
        torch.manual_seed(0)
        vgg, generator = Vgg19("relu5_1").fill_random(), Generator()
        image = tensor_of([seeded_image("first", 48, 64)])
        with torch.no_grad():
            expected = generator(hypercolumn(vgg, image))
            found = generator.from_levels(image, vgg_levels(vgg, image))
        self.assertLess(float((found - expected).norm() / expected.norm()), 1e-5)


class Samples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.layers = made_layers(os.path.join(self.folder, "layers"))
        self.pairs = made_pairs(os.path.join(self.folder, "pairs"))

    def batch(self, seed=0, epoch=0, recipe=RECIPE):
        blended, transmission = (os.path.join(self.pairs, part, "a.png") for part in ("blended", "transmission"))
        samples = [
            SyntheticSample(0, os.path.join(self.layers, "1.png"), os.path.join(self.layers, "3.png")),
            RealSample(1, blended, transmission),
        ]
        batch = training_batch(recipe, seed, epoch, samples)
        return batch.blended, batch.transmission

    def test_pictures_have_the_crops_size_and_range(self):
        blended, transmission = self.batch()
        for picture in (*blended, *transmission):
            self.assertEqual((picture.shape, picture.dtype), ((32, 32, 3), np.float32))
            self.assertTrue(0 <= picture.min() <= picture.max() <= 1)
        self.assertFalse(np.array_equal(blended[0], transmission[0]))

    def test_the_same_names_draw_the_same_samples(self):
        for first, second in zip(self.batch(), self.batch()):
            self.assertTrue(np.array_equal(first, second))
        self.assertFalse(np.array_equal(self.batch()[1], self.batch(epoch=1)[1]))

    def test_a_real_pair_stays_aligned(self):
        blended = os.path.join(self.pairs, "blended", "a.png")
        for epoch in range(8):
            batch = training_batch(RECIPE, 0, epoch, [RealSample(0, blended, blended)])
            self.assertTrue(np.array_equal(batch.blended, batch.transmission))

    def test_flips_follow_their_probability(self):
        always, never = (self.batch(recipe={**RECIPE, "flip": flip}) for flip in (1.0, 0.0))
        self.assertTrue(np.array_equal(always[1][1], never[1][1][:, ::-1]))

    def test_a_crop_larger_than_the_pictures_is_refused(self):
        with self.assertRaisesRegex(BadInput, "cannot hold a crop of 64"):
            check_recipe({**RECIPE, "crop": 64})

    def test_unaligned_pairs_are_told_apart_and_take_no_part_in_larger_batches(self):
        pair = [os.path.join(self.pairs, part, "a.png") for part in ("blended", "transmission")]
        self.assertFalse(training_batch(RECIPE, 0, 0, [UnalignedSample(0, *pair)]).aligned)
        self.assertTrue(training_batch(RECIPE, 0, 0, [RealSample(0, *pair)]).aligned)
        mixed = [{"epoch": 0, "synthetic": 0.5, "unaligned": 0.25}]
        with self.assertRaisesRegex(BadInput, "the recipe's batch is 2"):
            check_recipe({**RECIPE, "batch": 2, "sampling": mixed})


if __name__ == "__main__":
    unittest.main()
