"""Programs' answers to photographs, finished as what the photographs were."""

import tempfile
import unittest
from pathlib import Path
from typing import Optional

import numpy as np
import pyvips
from stage import Result, finish_photos, picture, prepare_photos
from test_photos import photo

from stagekit import ExitCode
from stagekit.results.dataset import DatasetFile
from stagekit.results.predictions import PredictionItem, PredictionsFile
from tests.networks.stages import assert_repeats


class FinishTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "source").mkdir()

    def write(self, name: str, pixels: np.ndarray, orientation: int = 1, profile: Optional[bytes] = None) -> None:
        space = "rgb16" if pixels.dtype == np.uint16 else "srgb"
        image = pyvips.Image.new_from_array(pixels, interpretation=space).copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
        if profile is not None:
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        save = image.tiffsave_buffer if name.endswith(".tif") else image.pngsave_buffer
        (self.folder / "source" / name).write_bytes(save())

    def prepared(self) -> Path:
        prepared = prepare_photos(self.folder / "prepare", self.folder / "source")
        self.assertEqual(prepared.code, ExitCode.DONE, prepared.log)
        return prepared.output

    def answered(self, answers: "dict[str, np.ndarray]", reflections: "dict[str, np.ndarray]") -> Path:
        """Write what a program answered as its stage leaves it."""
        output = self.folder / "answers"
        items = []
        for name, pixels in answers.items():
            layers = {"transmission": pixels, "reflection": reflections.get(name)}
            paths = {layer: f"{layer}/{name}.png" for layer, values in layers.items() if values is not None}
            for layer, path in paths.items():
                (output / path).parent.mkdir(parents=True, exist_ok=True)
                values = layers[layer]
                space = "rgb16" if values.dtype == np.uint16 else "srgb"
                pyvips.Image.new_from_array(values, interpretation=space).pngsave(str(output / path))
            items.append(PredictionItem(name, height=pixels.shape[0], width=pixels.shape[1], min=0, max=1, **paths))
        PredictionsFile("simple", "mine", "whole", "exact", tuple(items)).save(output)
        return output

    def finished(
        self,
        answers: "dict[str, np.ndarray]",
        reflections: "Optional[dict[str, np.ndarray]]" = None,
        name: str = "finish",
    ) -> Result:
        return finish_photos(self.folder / name, self.prepared(), self.answered(answers, reflections or {}))

    def pixels(self, path: Path) -> np.ndarray:
        return np.array(pyvips.Image.new_from_file(str(path)).numpy())

    def test_results_have_the_photographs_kind_depth_profile_and_transparency(self) -> None:
        profile = (
            pyvips.Image.black(4, 4, bands=3).copy(interpretation="srgb").icc_transform("p3").get("icc-profile-data")
        )
        answers, upright = {}, {}
        for bits in (8, 16):
            for suffix in ("png", "tif"):
                self.write(f"p{bits}{suffix}.{suffix}", photo(bits), 6, profile)
                upright[f"p{bits}{suffix}"] = np.rot90(photo(bits), -1)
                answers[f"p{bits}{suffix}"] = np.ascontiguousarray(upright[f"p{bits}{suffix}"][..., 2::-1])
        result = self.finished(answers, {"p16tif": answers["p16tif"] // 2})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        found = {item["id"]: item for item in result.predictions["items"]}
        self.assertEqual(set(found), set(answers))
        for name, item in found.items():
            path = result.output / item["transmission"]
            self.assertEqual(path.suffix, ".tif" if "tif" in name else ".png")
            pixels = self.pixels(path)
            self.assertTrue(np.array_equal(pixels[..., :3], answers[name]))
            self.assertTrue(np.array_equal(pixels[..., 3], upright[name][..., 3]))
            image = pyvips.Image.new_from_file(str(path))
            self.assertEqual(bytes(image.get("icc-profile-data")), bytes(profile))
            self.assertIn(image.get("orientation") if image.get_typeof("orientation") else 1, (1,))
        reflection = self.pixels(result.output / found["p16tif"]["reflection"])
        self.assertTrue(np.array_equal(reflection[..., :3], answers["p16tif"] // 2))
        self.assertNotIn("reflection", found["p8png"])

    def test_answers_of_another_depth_get_the_photographs(self) -> None:
        self.write("deep.png", photo(16, 3))
        self.write("flat.png", photo(8, 3))
        result = self.finished({"deep": picture(61, 83), "flat": photo(16, 3)})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        deep = self.pixels(result.output / "transmission" / "deep.png")
        self.assertTrue(np.array_equal(deep, picture(61, 83).astype(np.uint16) * 257))
        flat = self.pixels(result.output / "transmission" / "flat.png")
        self.assertTrue(np.array_equal(flat, np.rint(photo(16, 3) / 257).astype(np.uint8)))

    def test_answers_that_are_missing_or_no_picture_of_the_size_are_refused(self) -> None:
        self.write("a.png", photo(8, 3))
        for number, (answers, words) in enumerate(
            (
                ({"b": photo(8, 3)}, "the program has not answered picture a (61 x 83 pixels)"),
                ({"a": photo(8, 3, 60, 83)}, "the program's answer to picture a (61 x 83 pixels): a.png"),
                ({"a": photo(8, 4)}, "is no RGB picture of 8 or 16 bits, but has 4 bands of uchar"),
            )
        ):
            result = self.finished(answers, name=f"finish-{number}")
            self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
            self.assertIn(words, result.failure.message)
        output = self.answered({"a": photo(8, 3)}, {})
        (output / "transmission" / "a.png").write_bytes(b"no picture")
        result = finish_photos(self.folder / "none", self.prepared(), output)
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        self.assertIn(
            "the program's answer to picture a (61 x 83 pixels): a.png cannot be read", result.failure.message
        )

    def test_they_are_finished_to_the_same_bytes(self) -> None:
        self.write("a.tif", photo(16))
        inputs = {"dataset": str(self.prepared()), "predictions": str(self.answered({"a": photo(16, 3)}, {}))}
        self.assertEqual(DatasetFile.load(inputs["dataset"]).items[0].kind, "tiff")
        found = assert_repeats("inference_program", str(self.folder / "again"), "finish", {"model": "simple"}, inputs)
        self.assertEqual(sorted(found), ["predictions.json", "transmission/a.tif"])


if __name__ == "__main__":
    unittest.main()
