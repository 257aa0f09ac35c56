"""The train stage: the same weights whether it is stopped, killed or left alone; what it leaves; what it refuses."""

import json
import os
import shutil
import signal
import tempfile
import unittest

import numpy as np
import torch
from errnet2019.network import Generator
from errnet2019.samples import check_sizes, training_batch
from stage import run_stage, started_stage

from netkit.pictures import write_picture
from netkit.sampling import RealSample, SyntheticSample
from netkit.seeded import seeded_image
from netkit.torch_files import load_tensors
from stagekit import BadInput, Checkpoint, Progress, decode

RECIPE = {
    "family": "errnet2019",
    "epochs": 3,
    "steps": 5,
    "limit": 2,
    "batch": 1,
    "synthesis": "errnet",
    "sampling": [{"epoch": 0, "synthetic": 0.7}, {"epoch": 2, "synthetic": 0.5}],
    "rate": [{"epoch": 0, "rate": 1e-4}, {"epoch": 2, "rate": 5e-5}],
    "betas": [0.9, 0.999],
    "short_side": [32, 48],
    "crop": 32,
    "flip": 0.5,
    "adversarial_from": 1,
    "weight_vgg": 0.1,
    "weight_adversarial": 0.01,
}
SETTINGS = {"model": "errnet2019", "recipe": RECIPE, "features": "random"}


def made_layers(folder):
    """Write four prepared layers of different shapes."""
    os.makedirs(folder)
    items = []
    for number, (height, width) in enumerate(((40, 50), (60, 45), (32, 32), (35, 71))):
        name = "%d.png" % number
        write_picture(os.path.join(folder, name), seeded_image("layer%d" % number, height, width))
        items.append({"id": str(number), "transmission": name, "reflection": name, "height": height, "width": width})
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as stream:
        json.dump({"name": "layers", "role": "layers", "items": items}, stream)
    return folder


def made_pairs(folder):
    """Write one prepared real pair."""
    os.makedirs(folder)
    for part in ("blended", "transmission"):
        write_picture(os.path.join(folder, part + ".png"), seeded_image(part, 50, 41))
    item = {"id": "a", "blended": "blended.png", "transmission": "transmission.png", "height": 50, "width": 41}
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as stream:
        json.dump({"name": "pairs", "role": "pairs", "items": [item]}, stream)
    return folder


class Train(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.inputs = {
            "synthetic": made_layers(os.path.join(cls.folder, "layers")),
            "real": made_pairs(os.path.join(cls.folder, "pairs")),
        }
        cls.whole = run_stage(os.path.join(cls.folder, "whole"), "train", SETTINGS, cls.inputs, seed=3)

    def output(self, run, name):
        return os.path.join(self.folder, run, "output", name)

    def content(self, run, name):
        with open(self.output(run, name), encoding="utf-8") as stream:
            return json.load(stream)

    def interrupted(self, run, number, awaited):
        """Run the stage again and again, with a signal at the first message of a kind, until it ends by itself."""
        codes = []
        while not codes or codes[-1] in (12, -signal.SIGKILL):
            process = started_stage(os.path.join(self.folder, run), "train", SETTINGS, self.inputs, seed=3)
            if len(codes) < 2:
                for line in process.stdout:
                    if isinstance(decode(line), awaited):
                        process.send_signal(number)
                        break
            process.communicate()
            codes.append(process.returncode)
        return codes

    def assert_same_weights(self, run):
        expected = load_tensors(self.output("whole", "weights.pt"))
        found = load_tensors(self.output(run, "weights.pt"))
        self.assertEqual([name for name in expected if not torch.equal(expected[name], found[name])], [])

    def test_leaves_weights_curves_and_facts(self):
        self.assertEqual(self.whole.code, 0, self.whole.log)
        released = Generator().state_dict()
        weights = load_tensors(self.output("whole", "weights.pt"))
        self.assertEqual(
            {name: value.shape for name, value in weights.items()},
            {name: value.shape for name, value in released.items()},
        )
        points = self.content("whole", "curves.json")["steps"]
        self.assertEqual([point["step"] for point in points], [1, 2, 3, 4, 5])
        self.assertEqual(sorted(points[1]["losses"]), ["pixel", "vgg"])
        self.assertEqual(sorted(points[2]["losses"]), ["adversarial", "discriminator", "pixel", "vgg"])
        self.assertEqual([points[3]["rate"], points[4]["rate"]], [1e-4, 5e-5])
        facts = self.content("whole", "train.json")
        self.assertEqual((facts["steps"], facts["features"]), (5, "random"))

    def test_stopped_twice_ends_with_the_same_weights(self):
        codes = self.interrupted("stopped", signal.SIGTERM, Progress)
        self.assertEqual(codes, [12, 12, 0])
        self.assert_same_weights("stopped")
        losses = [point["losses"] for point in self.content("whole", "curves.json")["steps"]]
        self.assertEqual([point["losses"] for point in self.content("stopped", "curves.json")["steps"]], losses)

    def test_killed_after_a_checkpoint_ends_with_the_same_weights(self):
        codes = self.interrupted("killed", signal.SIGKILL, Checkpoint)
        self.assertEqual(codes, [-signal.SIGKILL, -signal.SIGKILL, 0])
        self.assert_same_weights("killed")

    def test_another_seed_gives_other_weights(self):
        settings = {**SETTINGS, "recipe": {**RECIPE, "steps": 1}}
        run_stage(os.path.join(self.folder, "other"), "train", settings, self.inputs, seed=4)
        first = load_tensors(self.output("whole", "weights.pt"))
        second = load_tensors(self.output("other", "weights.pt"))
        self.assertFalse(torch.equal(first["conv1.conv2d.weight"], second["conv1.conv2d.weight"]))

    def test_missing_features_are_named(self):
        settings = {**SETTINGS, "features": "pretrained"}
        inputs = {**self.inputs, "features": os.path.join(self.folder, "vgg19-dcbb9e9d.pth")}
        result = run_stage(os.path.join(self.folder, "absent"), "train", settings, inputs)
        self.assertEqual(result.code, 10)
        self.assertIn("vgg19-dcbb9e9d.pth", result.log)


class Samples(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.layers = made_layers(os.path.join(self.folder, "layers"))
        self.pairs = made_pairs(os.path.join(self.folder, "pairs"))

    def batch(self, seed=0, epoch=0, recipe=RECIPE):
        blended, transmission = (os.path.join(self.pairs, part + ".png") for part in ("blended", "transmission"))
        samples = [
            SyntheticSample(0, os.path.join(self.layers, "1.png"), os.path.join(self.layers, "3.png")),
            RealSample(1, blended, transmission),
        ]
        return training_batch(samples, recipe, seed, epoch)

    def test_pictures_have_the_crops_size_and_range(self):
        blended, transmission = self.batch()
        for picture in blended + transmission:
            self.assertEqual((picture.shape, picture.dtype), ((32, 32, 3), np.float32))
            self.assertTrue(0 <= picture.min() <= picture.max() <= 1)
        self.assertFalse(np.array_equal(blended[0], transmission[0]))

    def test_the_same_names_draw_the_same_samples(self):
        for first, second in zip(self.batch(), self.batch()):
            self.assertTrue(np.array_equal(first, second))
        self.assertFalse(np.array_equal(self.batch()[1], self.batch(epoch=1)[1]))

    def test_a_real_pair_stays_aligned(self):
        blended = os.path.join(self.pairs, "blended.png")
        for epoch in range(8):
            first, second = training_batch([RealSample(0, blended, blended)], RECIPE, 0, epoch)
            self.assertTrue(np.array_equal(first[0], second[0]))

    def test_flips_follow_their_probability(self):
        always, never = (self.batch(recipe={**RECIPE, "flip": flip}) for flip in (1.0, 0.0))
        self.assertTrue(np.array_equal(always[1][1], never[1][1][:, ::-1]))

    def test_a_crop_larger_than_the_pictures_is_refused(self):
        with self.assertRaisesRegex(BadInput, "cannot hold a crop of 64"):
            check_sizes({**RECIPE, "crop": 64})


if __name__ == "__main__":
    unittest.main()
