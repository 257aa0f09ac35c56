"""Photographs from the user's file to the result: prepared, inferred, and finished as what they were."""

import json
import struct
import tempfile
import unittest
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from onnx import helper, numpy_helper
from stage import Result, prepare_photos, run_stage, write_dataset, write_network

from orchestrator.datasets.colour_profiles import BT709, rgb_profile
from stagekit import ExitCode

EXACT = {"mode": "exact"}
HALVED = (
    helper.make_node("Constant", [], ["half"], value_float=0.5),
    helper.make_node("Mul", ["image", "half"], ["transmission"]),
    helper.make_node("Sub", ["image", "transmission"], ["reflection"]),
)
ODD = "a [0]\udcff.tif"
"""A name that is no text, with what libvips takes for options."""


def photo(bits: int, bands: int = 4, height: int = 61, width: int = 83) -> np.ndarray:
    """Return values whose bands and corners differ: (H, W, bands)."""
    rows, columns, band = np.mgrid[0:height, 0:width, 0:bands]
    mixed = (rows * 2311 + columns * 4877 + band * 15731 + rows * columns * 37) % 2**bits
    return mixed.astype(np.uint8 if bits == 8 else np.uint16)


def blurring(folder: Path) -> Path:
    """Write a network of two convolutions and a global reduction."""
    rng = np.random.default_rng(0)
    first, second = (rng.normal(0, 0.2, shape).astype(np.float32) for shape in ((8, 3, 3, 3), (3, 8, 3, 3)))
    nodes = (
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(first)),
        helper.make_node("Constant", [], ["v"], value=numpy_helper.from_array(second)),
        helper.make_node("Conv", ["image", "w"], ["wide"], pads=[1] * 4),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Sub", ["wide", "mean"], ["centred"]),
        helper.make_node("Conv", ["centred", "v"], ["transmission"], pads=[1] * 4),
    )
    return write_network(folder, nodes)


class PhotosTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.source = self.folder / "source"
        self.source.mkdir()

    def write(self, name: str, pixels: np.ndarray, orientation: int = 1) -> None:
        space = "rgb16" if pixels.dtype == np.uint16 else "srgb"
        image = pyvips.Image.new_from_array(pixels, interpretation=space).copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
        save = image.tiffsave_buffer if name.endswith(".tif") else image.pngsave_buffer
        (self.source / name).write_bytes(save())

    def inferred(self, network: Path, name: str = "infer", inference: Any = EXACT, **request: Any) -> Result:
        prepared = prepare_photos(self.folder / "prepare", self.source)
        self.assertEqual(prepared.code, ExitCode.DONE, prepared.log)
        result = run_stage(self.folder / name, network, prepared.output, inference, **request)
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        return result

    def pixels(self, path: Path) -> np.ndarray:
        return np.array(pyvips.Image.new_from_file(str(path)).numpy())

    def test_results_are_files_of_the_photographs_kind_and_depth_with_its_transparency(self) -> None:
        network = write_network(self.folder / "network", HALVED, ("transmission", "reflection"))
        for bits in (8, 16):
            for suffix in ("png", "tif"):
                self.write(f"p{bits}{suffix}.{suffix}", photo(bits), 6)
        result = self.inferred(network, settings={"as_photos": True})
        upright = {bits: np.rot90(photo(bits), -1) for bits in (8, 16)}
        for item in result.predictions["items"]:
            bits = 16 if "16" in item["id"] else 8
            for layer in ("transmission", "reflection"):
                path = result.output / item[layer]
                self.assertEqual(path.suffix, ".tif" if "tif" in item["id"] else ".png")
                found = self.pixels(path)
                self.assertEqual((found.dtype, found.shape), (upright[bits].dtype, upright[bits].shape))
                self.assertTrue(np.array_equal(found[..., 3], upright[bits][..., 3]))
                far = np.abs(found[..., :3].astype(float) - upright[bits][..., :3] / 2)
                self.assertLessEqual(far.max(), 0.5001)
                orientation = pyvips.Image.new_from_file(str(path))
                self.assertIn(orientation.get("orientation") if orientation.get_typeof("orientation") else 1, (1,))

    def test_unchanged_values_come_back_bit_for_bit(self) -> None:
        self.write("a.png", photo(16))
        result = self.inferred(write_network(self.folder / "network"), settings={"as_photos": True})
        self.assertTrue(np.array_equal(self.pixels(result.output / "transmission" / "a.png"), photo(16)))

    def test_colours_that_a_chunk_tells_are_told_by_a_profile_of_the_result(self) -> None:
        self.write("a.png", photo(16))
        content = (self.source / "a.png").read_bytes()
        body = b"gAMA" + struct.pack(">I", 100000)
        chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
        (self.source / "a.png").write_bytes(content[:33] + chunk + content[33:])
        result = self.inferred(write_network(self.folder / "network"), settings={"as_photos": True})
        path = result.output / "transmission" / "a.png"
        self.assertTrue(np.array_equal(self.pixels(path), photo(16)))
        profile = pyvips.Image.new_from_file(str(path)).get("icc-profile-data")
        self.assertEqual(bytes(profile), rgb_profile("PNG gAMA 1", BT709, (1.0,)))

    def test_results_for_reports_are_png_without_transparency(self) -> None:
        self.write("a.tif", photo(16))
        result = self.inferred(write_network(self.folder / "network"))
        self.assertEqual(result.predictions["items"][0]["transmission"], "transmission/a.png")
        self.assertTrue(np.array_equal(self.pixels(result.output / "transmission" / "a.png"), photo(16)[..., :3]))

    def test_strips_and_files_give_the_result_of_the_whole(self) -> None:
        network = blurring(self.folder / "network")
        self.write("a.tif", photo(16, 3, 1500, 1100))
        whole = self.inferred(network, "whole", {"mode": "whole"}, settings={"arrays": True})
        tight = self.inferred(network, "tight", memory_bytes=350 * 2**20, settings={"arrays": True})
        arrays = [np.load(result.output / "arrays" / "a.transmission.npy") for result in (whole, tight)]
        self.assertLessEqual(np.abs(arrays[0] - arrays[1]).max(), 1e-5)
        paths = [result.output / "transmission" / "a.png" for result in (whole, tight)]
        self.assertLessEqual(np.abs(self.pixels(paths[0]).astype(int) - self.pixels(paths[1])).max(), 1)

    def test_names_that_are_no_text_are_photographs(self) -> None:
        self.write(ODD, photo(8))
        prepared = prepare_photos(self.folder / "prepare", self.source)
        self.assertEqual(prepared.code, ExitCode.DONE, prepared.log)

    def test_damaged_photographs_end_with_bad_input_that_names_them(self) -> None:
        self.write("whole.png", photo(16))
        content = (self.source / "whole.png").read_bytes()
        (self.source / "cut.png").write_bytes(content[: len(content) * 2 // 3])
        prepared = prepare_photos(self.folder / "prepare", self.source)
        self.assertEqual(prepared.code, ExitCode.BAD_INPUT, prepared.log)
        self.assertIn("cut.png is damaged", prepared.failure.message)
        self.assertFalse((prepared.output / "dataset.json").exists())

    def test_each_alone_leaves_out_what_is_unusable_and_says_why(self) -> None:
        self.write("whole.png", photo(16))
        content = (self.source / "whole.png").read_bytes()
        (self.source / "cut.png").write_bytes(content[: len(content) * 2 // 3])
        (self.source / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
        alone = {"dataset": {"kind": "photos", "pictures": "*"}, "each_alone": True}
        prepared = prepare_photos(self.folder / "prepare", self.source, settings=alone)
        self.assertEqual(prepared.code, ExitCode.DONE, prepared.log)
        found = json.loads((prepared.output / "dataset.json").read_text(encoding="utf-8"))
        self.assertEqual([item["origin"] for item in found["items"]], ["whole.png"])
        reasons = {left_out["name"]: left_out["reason"] for left_out in found["left_out"]}
        self.assertEqual(sorted(reasons), ["cut.png", "phone.heic"])
        self.assertIn("damaged", reasons["cut.png"])
        self.assertIn("damaged", reasons["phone.heic"])
        (self.source / "whole.png").unlink()
        prepared = prepare_photos(self.folder / "none", self.source, settings=alone)
        self.assertEqual(prepared.code, ExitCode.BAD_INPUT, prepared.log)

    def test_each_alone_answers_what_the_network_takes_and_tells_it_as_it_comes(self) -> None:
        pictures = {name: photo(8, 3, 8, width) for name, width in (("a", 8), ("b", 9), ("c", 8))}
        dataset = write_dataset(self.folder / "dataset", pictures)
        nodes = (
            helper.make_node("Constant", [], ["shape"], value_ints=[1, 3, 8, 8]),
            helper.make_node("Reshape", ["image", "shape"], ["transmission"]),
        )
        network = write_network(self.folder / "network", nodes)
        result = run_stage(self.folder / "infer", network, dataset, {"mode": "whole"}, settings={"each_alone": True})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual([item["id"] for item in result.predictions["items"]], ["a", "c"])
        (failed,) = result.predictions["failed"]
        self.assertEqual(failed["name"], "b")
        self.assertIn("gave no result", failed["reason"])
        known = json.loads((self.folder / "infer" / "work" / "predictions.json").read_text(encoding="utf-8"))
        self.assertEqual([item["id"] for item in known["items"]], ["a", "c"])
        only = write_dataset(self.folder / "only", {"b": pictures["b"]})
        result = run_stage(self.folder / "none", network, only, {"mode": "whole"}, settings={"each_alone": True})
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)


if __name__ == "__main__":
    unittest.main()
