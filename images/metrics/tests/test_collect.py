"""Stage `collect`, run by the image's program."""

import os
import tempfile
import unittest
import warnings
import zipfile

import numpy as np
from PIL import Image
from stage import run_stage, scene, scenes

from stagekit import ExitCode, Failure
from stagekit.messages import WarningMessage
from stagekit.results.predictions import ELSEWHERE, PredictionsFile
from stagekit.results.sources import SourcesFile

SETTINGS = {"model": "other", "folder": None, "naming": {"pictures": None, "layer": None}}


class CollectTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        settings = scenes(transmissions=[scene("astronaut.png"), scene("coffee.png", top=0), scene("rocket.jpg")])
        prepared = run_stage(folder.name, "prepare", settings, {})
        cls.dataset = prepared.output
        cls.items = prepared.document("dataset.json")["items"]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.given = os.path.join(self.folder, "given")
        os.makedirs(self.given)

    def picture(self, item, layer="transmission"):
        with Image.open(os.path.join(self.dataset, item[layer])) as picture:
            return np.array(picture)

    def write(self, name, pixels, **saving):
        path = os.path.join(self.given, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.fromarray(pixels).save(path, **saving)

    def collected(self, source=None, name="stage", **settings):
        inputs = {"dataset": self.dataset, "pictures": source or self.given}
        return run_stage(os.path.join(self.folder, name), "collect", {**SETTINGS, **settings}, inputs)

    def warnings(self, result):
        return [message.message for message in result.messages if isinstance(message, WarningMessage)]

    def failure(self, result):
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        return next(message for message in result.messages if isinstance(message, Failure)).message

    def test_answers_are_taken_as_they_are(self):
        expected = {}
        for item in self.items:
            expected[item["id"]] = self.picture(item) // 2
            self.write(f"{item['id']}/t_output.png", expected[item["id"]])
            self.write(f"{item['id']}/r_output.png", self.picture(item, "reflection"))
        result = self.collected()
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        found = PredictionsFile.load(result.output)
        self.assertEqual((found.model, found.mode, found.label), ("other", ELSEWHERE, ELSEWHERE))
        self.assertEqual([item.id for item in found.items], list(expected))
        for item in found.items:
            with Image.open(os.path.join(result.output, item.transmission)) as picture:
                self.assertTrue(np.array_equal(np.array(picture), expected[item.id]))
            self.assertIsNone(item.seconds)
        self.assertIsNone(found.failed)
        self.assertIsNone(found.copies)
        read = SourcesFile.load(os.path.join(os.path.dirname(result.output), "facts"))
        self.assertEqual(len(read.read["pictures"]), 2 * len(self.items))

    def test_what_is_odd_is_named_one_by_one_and_the_rest_is_taken(self):
        first, second, third = self.items
        self.write(f"{first['id']}.png", self.picture(first)[:, :, 0])
        self.write(f"{second['id']}.png", self.picture(second)[:-1])
        self.write("elsewhere.png", self.picture(third))
        result = self.collected()
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        found = PredictionsFile.load(result.output)
        self.assertEqual([item.id for item in found.items], [first["id"]])
        reasons = {left_out.name: left_out.reason for left_out in found.failed}
        self.assertIn("47 x 64 pixels, the picture 48 x 64", reasons[second["id"]])
        self.assertEqual(reasons[third["id"]], "has no file among the predictions")
        said = "\n".join(self.warnings(result))
        self.assertIn("belonging to no picture of the dataset: elsewhere.png", said)
        self.assertIn(f"grey, repeated in three channels): {first['id']}.png", said)

    def test_a_stray_name_that_is_no_text_costs_no_answer(self):
        for item in self.items:
            self.write(f"{item['id']}.png", self.picture(item) // 2)
        self.write("z\udcff.png", self.picture(self.items[0]))
        result = self.collected()
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        found = PredictionsFile.load(result.output)
        self.assertEqual(len(found.items), len(self.items))
        self.assertIn("belonging to no picture of the dataset: z\ufffd.png", found.warnings)

    def test_sixteen_bits_are_narrowed_with_a_word(self):
        for item in self.items:
            self.write(f"{item['id']}.png", self.picture(item)[:, :, 0].astype(np.uint16) * 257)
        result = self.collected()
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertIn("16 bits per value, reduced to 8", "\n".join(self.warnings(result)))

    def test_input_and_truth_as_answers_are_known(self):
        first, second, third = self.items
        self.write(f"{first['id']}.png", self.picture(first, "blended"))
        self.write(f"{second['id']}.png", self.picture(second))
        self.write(f"{third['id']}.png", self.picture(third) // 2)
        found = PredictionsFile.load(self.collected().output)
        self.assertEqual(found.copies, {"input": (first["id"],), "truth": (second["id"],)})

    def test_zip_file_is_read_without_being_unpacked(self):
        archive = os.path.join(self.folder, "results.zip")
        with zipfile.ZipFile(archive, "w") as stream:
            for item in self.items:
                self.write("one.png", self.picture(item) // 2)
                stream.write(os.path.join(self.given, "one.png"), f"results/small/{item['id']}.png")
        result = self.collected(source=archive, folder="small")
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(len(PredictionsFile.load(result.output).items), len(self.items))
        said = self.failure(self.collected(source=archive, folder="large", name="other"))
        self.assertIn("the zip file of predictions has no folder 'large' with pictures; there are small", said)

    def test_a_zip_file_that_is_none_or_says_a_thing_twice_is_refused(self):
        archive = os.path.join(self.folder, "results.zip")
        self.write("one.png", self.picture(self.items[0]) // 2)
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
            stream.write(os.path.join(self.given, "one.png"), f"{self.items[0]['id']}.png")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                stream.writestr(f"{self.items[0]['id']}.png", b"another")
        self.assertIn("has two members", self.failure(self.collected(source=archive)))
        with zipfile.ZipFile(archive, "w") as stream:
            stream.writestr("results/../one.png", b"outside")
        self.assertIn("which leads out of its folder", self.failure(self.collected(source=archive, name="outside")))
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
            stream.write(os.path.join(self.given, "one.png"), f"{self.items[0]['id']}.png")
        with open(archive, "r+b") as stream:
            stream.seek(200)
            stream.write(b"\xff" * 40)
        self.assertIn("which is damaged", self.failure(self.collected(source=archive, name="broken")))
        with open(archive, "r+b") as stream:
            stream.truncate(300)
        self.assertIn("cannot be read as a zip file", self.failure(self.collected(source=archive, name="cut")))

    def test_predictions_of_another_set_are_refused_before_anything_is_scored(self):
        self.write("beach.png", self.picture(self.items[0]))
        self.assertIn("none of 1 pictures has the name of a picture of the dataset", self.failure(self.collected()))
        self.write(f"{self.items[0]['id']}.png", self.picture(self.items[0])[:-1])
        self.assertIn("none of the predictions can be used", self.failure(self.collected(name="second")))


if __name__ == "__main__":
    unittest.main()
