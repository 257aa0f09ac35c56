"""The train stage: the same weights whether it is stopped, killed or left alone; what it leaves; what it refuses."""

import json
import os
import shutil
import signal
import tempfile
import unittest

import numpy as np
import torch
from ibcln2020.network import Cascade
from ibcln2020.samples import sample_pictures, training_batch
from stage import run_stage, started_stage

from netkit.pictures import write_picture
from netkit.sampling import RealSample, SyntheticSample
from netkit.seeded import seeded_image
from netkit.torch_files import load_tensors
from stagekit import Checkpoint, Progress, decode

RECIPE = {
    "family": "ibcln2020",
    "epochs": 3,
    "steps": 4,
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
}
SETTINGS = {"model": "ibcln2020", "recipe": RECIPE, "features": "random"}


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
        weights = load_tensors(self.output("whole", "weights.pt"))
        self.assertEqual(
            {name: value.shape for name, value in weights.items()},
            {name: value.shape for name, value in Cascade().state_dict().items()},
        )
        points = self.content("whole", "curves.json")["steps"]
        self.assertEqual([point["step"] for point in points], [1, 2, 3, 4])
        names = ["adversarial", "discriminator", "perceptual", "pixel", "reflection", "residual"]
        self.assertEqual(sorted(points[0]["losses"]), names)
        self.assertEqual([points[0]["rate"], points[3]["rate"]], [2e-4, 1e-4])
        facts = self.content("whole", "train.json")
        self.assertEqual((facts["steps"], facts["features"]), (4, "random"))

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
        self.assertFalse(torch.equal(first["G_T.conv1.0.weight"], second["G_T.conv1.0.weight"]))

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

    def samples(self):
        blended, transmission = (os.path.join(self.pairs, part + ".png") for part in ("blended", "transmission"))
        layers = [os.path.join(self.layers, "%d.png" % number) for number in (1, 3)]
        return [SyntheticSample(0, *layers), RealSample(1, blended, transmission)]

    def test_batch_holds_three_sizes_and_says_which_samples_are_synthetic(self):
        batch = training_batch(self.samples(), RECIPE, 0, 0)
        self.assertEqual([tuple(target.shape[1:]) for target in batch.targets], [(3, 32, 32), (3, 16, 16), (3, 8, 8)])
        self.assertEqual(batch.synthetic.tolist(), [1.0, 0.0])
        self.assertIn(round(float(batch.scale[0]), 1), (0.8, 0.9, 1.0))
        self.assertTrue(0 <= float(batch.blended.min()) <= float(batch.blended.max()) <= 1)

    def test_the_same_names_draw_the_same_samples(self):
        first, second, third = (training_batch(self.samples(), RECIPE, 0, epoch) for epoch in (0, 0, 1))
        self.assertTrue(torch.equal(first.blended, second.blended))
        self.assertFalse(torch.equal(first.blended, third.blended))

    def test_a_real_pair_stays_aligned(self):
        path = os.path.join(self.pairs, "blended.png")
        for seed in range(8):
            pictures = sample_pictures(RealSample(0, path, path), RECIPE, np.random.RandomState(seed))
            self.assertTrue(np.array_equal(pictures.blended, pictures.transmission))

    def test_samples_that_are_too_dark_are_left_out(self):
        dark = os.path.join(self.folder, "dark.png")
        write_picture(dark, np.zeros((40, 40, 3), np.float32))
        samples = [SyntheticSample(0, os.path.join(self.layers, "0.png"), dark)]
        self.assertIsNone(training_batch(samples, RECIPE, 0, 0))
        self.assertEqual(len(training_batch([*samples, *self.samples()], RECIPE, 0, 0).synthetic), 2)


if __name__ == "__main__":
    unittest.main()
