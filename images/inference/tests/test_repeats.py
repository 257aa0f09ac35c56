"""Equal runs of every stage of this image leave the same bytes, wherever and whenever they run."""

import os
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image
from stage import picture, write_dataset
from test_photos import EXACT, blurring

from tests.networks.stages import assert_repeats


class RepeatsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.network = os.fspath(blurring(self.folder / "network"))

    def repeats(self, kind: str, settings: "dict[str, object]", inputs: "dict[str, str]") -> "dict[str, str]":
        found: "dict[str, str]" = assert_repeats(
            "inference_program", os.fspath(self.folder / kind), kind, settings, inputs
        )
        return found

    def test_photographs_are_prepared_and_inferred_to_the_same_bytes(self) -> None:
        source = self.folder / "source"
        source.mkdir()
        deep = (picture(61, 83).astype(np.uint16) * 257)[..., 0]
        Image.fromarray(picture(61, 83)).save(source / "one.jpg", quality=90)
        Image.fromarray(deep).save(source / "deep.tif")
        Image.fromarray(np.dstack([picture(30, 40), picture(30, 40)[..., 0]])).save(source / "clear.png")
        settings = {"name": "mine", "title": "Mine", "dataset": {"kind": "photos", "pictures": "*.*"}}
        prepared = self.repeats("prepare", settings, {"source": os.fspath(source)})
        self.assertIn("dataset.json", prepared)
        dataset = os.fspath(self.folder / "prepare" / "one" / "output")
        settings = {"model": "small", "inference": EXACT, "as_photos": True, "arrays": True}
        found = self.repeats("infer", settings, {"network": self.network, "dataset": dataset})
        self.assertIn("predictions.json", found)
        self.assertEqual(len(found), 1 + 2 * 3)

    def test_plans_are_the_same_bytes(self) -> None:
        dataset = write_dataset(self.folder / "dataset", {"a": picture(40, 50), "b": picture(400, 500)})
        inputs = {"network": self.network, "dataset": os.fspath(dataset)}
        self.assertEqual(list(self.repeats("explain", {"model": "small"}, inputs)), ["plan.json"])


if __name__ == "__main__":
    unittest.main()
