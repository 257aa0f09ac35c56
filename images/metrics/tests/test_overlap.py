"""Stage `overlap`, and prepared datasets in stage `prepare`, run by the image's program."""

import hashlib
import json
import os
import tempfile
import unittest

import numpy as np
from PIL import Image
from skimage import data
from stage import run_stage

from stagekit import ExitCode, Failure, WarningMessage

UNIFORM = {"name": "shots", "title": "Shots", "dataset": {"kind": "prepared", "role": "pairs"}}


def written(folder, scenes):
    """Write a folder that is uniform already.

    Args:
        scenes: Name to picture.
    """
    items = []
    os.makedirs(os.path.join(folder, "blended"))
    os.makedirs(os.path.join(folder, "transmission"))
    for name, picture in scenes.items():
        layers = {}
        for layer in ("blended", "transmission"):
            path = "%s/%s.png" % (layer, name)
            Image.fromarray(picture).save(os.path.join(folder, path))
            with open(os.path.join(folder, path), "rb") as stream:
                layers[layer] = {"file": path, "sha256": hashlib.sha256(stream.read()).hexdigest()}
        height, width = picture.shape[:2]
        items.append({"id": name, "height": height, "width": width, "origin": name, "notes": [], "layers": layers})
    index = {"schema": 1, "role": "pairs", "warnings": [], "variant": {"text": "a few"}, "items": items}
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as stream:
        json.dump(index, stream)
    return folder


class OverlapTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def prepared(self, name, scenes):
        source = written(os.path.join(self.folder, "source-" + name), scenes)
        result = run_stage(os.path.join(self.folder, name), "prepare", {**UNIFORM, "name": name}, {"source": source})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(result.document("dataset.json")["variant"], "a few")
        return result.output

    def compared(self, action, test):
        train = self.prepared("train", {"77": data.coffee()[:200, :300], "78": data.chelsea()[:160, :240]})
        inputs = {"train-real": train, "test-0": self.prepared("test", {"58": test})}
        settings = {"train": ["real"], "test": ["test"], "action": action}
        return run_stage(os.path.join(self.folder, "overlap"), "overlap", settings, inputs)

    def test_crop_of_a_training_picture_stops_with_both_names(self):
        result = self.compared("stop", data.coffee()[20:180, 30:250])
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        (failure,) = [message for message in result.messages if isinstance(message, Failure)]
        self.assertIn("train 77 = test 58 (near-duplicate", failure.message)
        self.assertIn("drop_overlap", failure.hint)

    def test_dropped_pictures_are_written_down_and_warned_of(self):
        result = self.compared("drop", data.coffee()[:200, :300])
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(result.document("overlap.json")["dropped"], {"real": ["77"]})
        self.assertTrue([message for message in result.messages if isinstance(message, WarningMessage)])

    def test_other_pictures_pass(self):
        result = self.compared("stop", data.astronaut()[:200, 100:400])
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(result.document("overlap.json")["overlaps"], [])

    def test_prepared_files_are_taken_byte_for_byte_and_changed_ones_refused(self):
        picture = np.uint8(np.arange(36 * 40 * 3) % 251).reshape(36, 40, 3)
        source = written(os.path.join(self.folder, "source"), {"1": picture})
        inputs = {"source": source}
        result = run_stage(os.path.join(self.folder, "good"), "prepare", UNIFORM, inputs)
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        name = os.path.join("blended", "1.png")
        with open(os.path.join(source, name), "rb") as ours, open(os.path.join(result.output, name), "rb") as theirs:
            self.assertEqual(ours.read(), theirs.read())
        Image.new("RGB", (40, 36)).save(os.path.join(source, name))
        result = run_stage(os.path.join(self.folder, "bad"), "prepare", UNIFORM, inputs)
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        self.assertIn("blended/1.png has another content", result.log)


if __name__ == "__main__":
    unittest.main()
