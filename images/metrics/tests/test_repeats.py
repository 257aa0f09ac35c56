"""Equal runs of every stage of this image leave the same bytes, wherever and whenever they run."""

import os
import tempfile
import unittest

from stage import scenes

from tests.networks.stages import assert_repeats


class RepeatsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def repeats(self, kind, settings, inputs):
        return assert_repeats("metrics_program", os.path.join(self.folder, kind), kind, settings, inputs)

    def test_scenes_are_prepared_compared_and_scored_to_the_same_bytes(self):
        found = self.repeats("prepare", scenes(), {})
        self.assertIn("dataset.json", found)
        dataset = os.path.join(self.folder, "prepare", "one", "output")
        settings = {"action": "accept", "train": {"synthetic": "small"}, "test": ["small"]}
        found = self.repeats("overlap", settings, {"train-synthetic": dataset, "test-0": dataset})
        self.assertEqual(list(found), ["overlap.json"])
        settings = {"model": "input", "control": True, "protocol": "standard", "version": 1, "features": "random"}
        found = self.repeats("evaluate", {**settings, "metrics": ["psnr", "ssim", "lpips"]}, {"dataset": dataset})
        self.assertEqual(sorted(found), ["scores.csv", "scores.json", "scores.parquet"])


if __name__ == "__main__":
    unittest.main()
