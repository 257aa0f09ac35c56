"""Stage `prepare`, run by the image's program."""

import os
import tempfile
import unittest

import numpy as np
import tifffile
from PIL import Image
from skimage import data
from stage import run_stage, scenes

from netkit.sampling import stream
from netkit.synthesis import blend
from orchestrator.datasets.colour_profiles import BT709, rgb_profile
from stagekit import ExitCode, Failure, Progress

FOLDER = {"name": "mine", "title": "Mine", "dataset": {"kind": "layers", "pictures": "*.*", "reflections": None}}


def pixels(result, name):
    with Image.open(os.path.join(result.output, name)) as picture:
        return np.array(picture)


class PrepareTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def stage(self, settings, inputs=None, name="stage"):
        return run_stage(os.path.join(self.folder, name), "prepare", settings, inputs or {})

    def photographs(self):
        source = os.path.join(self.folder, "source")
        os.makedirs(source)
        exif = Image.Exif()
        exif[0x0112] = 6
        picture = Image.fromarray(data.coffee()[:40, :60])
        picture.save(os.path.join(source, "turned <1>.jpg"), exif=exif)
        picture.convert("CMYK").save(os.path.join(source, "printed.tif"))
        return source

    def test_blended_scenes_are_those_of_the_synthesis(self):
        for synthesis in ("zhang", "errnet", "ibcln"):
            result = self.stage(scenes(blend=synthesis), name=synthesis)
            self.assertEqual(result.code, ExitCode.DONE, result.log)
            item = result.document("dataset.json")["items"][0]
            layers = [np.float32(whole[40:88, 60:124]) / 255 for whole in (data.astronaut(), data.chelsea())]
            expected = blend(synthesis, layers[0], layers[1], stream(7, "pair", 0))
            for part in ("blended", "transmission", "reflection"):
                difference = pixels(result, item[part]) - 255.0 * getattr(expected, part)
                self.assertLessEqual(np.abs(difference).max(), 0.5001)

    def test_scenes_depend_on_nothing_but_the_description(self):
        first, second = self.stage(scenes(), name="first"), self.stage(scenes(), name="second")
        other = self.stage(scenes(seed=8), name="other")
        name = first.document("dataset.json")["items"][1]["blended"]
        self.assertTrue(np.array_equal(pixels(first, name), pixels(second, name)))
        self.assertFalse(np.array_equal(pixels(first, name), pixels(other, name)))

    def test_scenes_without_blending_are_layers(self):
        document = self.stage(scenes(blend=None)).document("dataset.json")
        self.assertEqual(document["role"], "layers")
        self.assertEqual(len(document["items"]), 4)

    def test_photographs_are_turned_and_converted(self):
        result = self.stage(FOLDER, {"source": self.photographs()})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        printed, turned = result.document("dataset.json")["items"]
        self.assertEqual((turned["origin"], turned["height"], turned["width"]), ("turned <1>.jpg", 60, 40))
        self.assertEqual(turned["notes"], ["turned upright (EXIF orientation 6)"])
        self.assertEqual(printed["notes"], ["CMYK, converted to RGB without a colour profile"])
        self.assertEqual([message for message in result.messages if isinstance(message, Progress)][-1].done, 2)

    def test_files_are_taken_as_what_they_mean(self):
        source = os.path.join(self.folder, "source")
        os.makedirs(source)
        picture = data.coffee()[:50, :70]
        deep = np.moveaxis(picture.astype(np.uint16) * 257, -1, 0)
        for name, options in (("strips", {"rowsperstrip": 7}), ("tiles", {"tile": (16, 32)})):
            tifffile.imwrite(
                os.path.join(source, name + ".tif"), deep, photometric="rgb", planarconfig="separate", **options
            )
        linear = np.rint((picture / 255.0) ** 2.2 * 255).astype(np.uint8)
        profile = rgb_profile("Linear, with sRGB in its name", BT709, (1.0,))
        Image.fromarray(linear).save(os.path.join(source, "linear.png"), icc_profile=profile)
        exif = Image.Exif()
        exif[0x8769] = {0xA001: 2}
        Image.fromarray(picture).save(os.path.join(source, "adobe.jpg"), exif=exif, quality=100, subsampling=0)
        result = self.stage(FOLDER, {"source": source})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        adobe, converted, strips, tiles = result.document("dataset.json")["items"]
        for item in (strips, tiles):
            self.assertTrue(np.array_equal(pixels(result, item["transmission"]), picture))
            self.assertEqual(item["notes"], ["16 bits per value, reduced to 8"])
        error = np.mean((pixels(result, converted["transmission"]).astype(float) - picture) ** 2)
        self.assertGreater(10 * np.log10(255**2 / error), 28)  # as far as 8 bits of light, and another curve, allow
        self.assertEqual(converted["notes"], ["colour profile 'Linear, with sRGB in its name', converted to sRGB"])
        self.assertEqual(adobe["notes"], ["Adobe RGB by its EXIF data, converted to sRGB"])

    def test_unusable_files_end_with_bad_input(self):
        source = self.photographs()
        with open(os.path.join(source, "cut.png"), "wb") as stream_:
            stream_.write(b"\x89PNG\r\n\x1a\n")
        result = self.stage(FOLDER, {"source": source})
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIsInstance(result.messages[-1], Failure)
        self.assertIn("cut.png", result.messages[-1].message)
        self.assertFalse(os.path.exists(os.path.join(result.output, "dataset.json")))

    def test_an_unknown_synthesis_ends_with_bad_input(self):
        result = self.stage(scenes(blend="alpha"))
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        self.assertIn("no synthesis 'alpha'", result.messages[-1].message)

    def test_a_wide_grey_picture_keeps_its_upper_bits(self):
        source = os.path.join(self.folder, "source")
        os.makedirs(source)
        values = np.arange(0, 65536, 331, dtype=np.uint16)[:180].reshape(12, 15)
        Image.fromarray(values).save(os.path.join(source, "wide.png"))
        result = self.stage(FOLDER, {"source": source})
        (item,) = result.document("dataset.json")["items"]
        self.assertTrue(np.array_equal(pixels(result, item["transmission"])[..., 2], values >> 8))
        self.assertIn("16 bits per value, reduced to 8", item["notes"])


if __name__ == "__main__":
    unittest.main()
