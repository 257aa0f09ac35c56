"""Stage `predict`, run by the image's program."""

import os
import tempfile
import unittest

import cv2
import numpy as np
from test_suppression import picture
from yang2019.suppression import suppressed

from stagekit import ExitCode, decode
from stagekit.results.apart import load_whole
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.predictions import PredictionsFile
from tests.networks.stages import started_stage

SETTINGS = {"model": "yang2019", "parameters": {"threshold": 0.05}}


class PredictTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.dataset = os.path.join(self.folder, "dataset")
        os.makedirs(os.path.join(self.dataset, "blended"))

    def prepared(self, *pictures):
        items = []
        for number, pixels in enumerate(pictures):
            name = "blended/%d.png" % number
            cv2.imwrite(os.path.join(self.dataset, name), pixels[..., ::-1])
            items.append(DatasetItem(str(number), *pixels.shape[:2], blended=name))
        DatasetFile("small", "photos", tuple(items)).save(self.dataset)

    def predicted(self, **settings):
        folder = os.path.join(self.folder, "stage")
        process = started_stage("yang2019", folder, "predict", {**SETTINGS, **settings}, {"dataset": self.dataset})
        log, _ = process.communicate()
        self.log, self.output = log, os.path.join(folder, "output")
        return process.returncode

    def test_every_picture_is_answered_at_its_own_depth(self):
        eight = np.rint(picture(33, 47) * 255).astype(np.uint8)
        sixteen = np.rint(picture(48, 31, seed=1) * 65535).astype(np.uint16)
        self.prepared(eight, sixteen)
        self.assertEqual(self.predicted(arrays=True), ExitCode.DONE, self.log)
        found = load_whole(PredictionsFile, self.output, os.path.join(os.path.dirname(self.output), "facts"))
        self.assertEqual((found.model, found.dataset, found.label), ("yang2019", "small", "exact"))
        for item, pixels in zip(found.items, (eight, sixteen)):
            most = np.iinfo(pixels.dtype).max
            expected = suppressed(pixels.astype(np.float32) / np.float32(most), 0.05)
            written = cv2.imread(os.path.join(self.output, item.transmission), cv2.IMREAD_UNCHANGED)[..., ::-1]
            self.assertEqual(written.dtype, pixels.dtype)
            self.assertLessEqual(np.abs(written - np.clip(expected, 0, 1) * float(most)).max(), 0.51)
            kept = np.load(os.path.join(self.output, "arrays", "%s.transmission.npy" % item.id))
            self.assertTrue(np.array_equal(kept, expected))
            self.assertEqual((item.height, item.width), pixels.shape[:2])
            self.assertGreater(item.peak_bytes, 0)
            self.assertIsNotNone(item.seconds)

    def test_a_picture_that_is_none_is_bad_input(self):
        self.prepared(np.zeros((8, 8, 3), np.uint8))
        with open(os.path.join(self.dataset, "blended", "0.png"), "wb") as stream:
            stream.write(b"no picture")
        self.assertEqual(self.predicted(), ExitCode.BAD_INPUT, self.log)
        messages = [message for message in map(decode, self.log.splitlines()) if message is not None]
        self.assertIn("0.png is no RGB picture of 8 or 16 bits", messages[-1].message)


if __name__ == "__main__":
    unittest.main()
