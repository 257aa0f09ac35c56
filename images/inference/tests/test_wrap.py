"""The stage `wrap`: what it writes of files from outside, and what it refuses in words."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from stage import picture, run_stage, wrap_network, write_dataset

from orchestrator.infer.modes import EXACT
from stagekit import ExitCode
from stagekit.results.apart import load_whole
from stagekit.results.wrap import WrapFile

PLAIN = {"scale": [1.0, 1.0, 1.0], "shift": [0.0, 0.0, 0.0]}
UP_TO_255 = {"scale": [255.0, 255.0, 255.0], "shift": [0.0, 0.0, 0.0]}
SETTINGS = {
    "input": "x",
    "outputs": {"transmission": "y"},
    "data": {},
    "taken": PLAIN,
    "answered": PLAIN,
    "channels": "rgb",
    "multiple_of": 1,
    "residual": "",
    "free_size": False,
}


def write(
    path: Path, nodes: Any, constants: Any = (), kind: int = TensorProto.FLOAT, channels: int = 3, **options: Any
) -> Path:
    """Write a network from 'x' to 'y'."""
    graph = helper.make_graph(
        list(nodes),
        "theirs",
        [helper.make_tensor_value_info("x", kind, (1, channels, "h", "w"))],
        [helper.make_tensor_value_info("y", kind, None)],
        list(constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
    onnx.save(model, str(path), **options)
    return path


def halves_blue(limit: float) -> Any:
    """Return the nodes of a network that clips at `limit` and halves its first channel, and its constants."""
    factors = np.float32([0.5, 1, 1]).reshape(1, 3, 1, 1)
    constants = [numpy_helper.from_array(factors, "k"), numpy_helper.from_array(np.float32(limit), "limit")]
    nodes = [helper.make_node("Clip", ["x", "", "limit"], ["c"]), helper.make_node("Mul", ["c", "k"], ["y"])]
    return nodes, constants


class WrapTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.starts = 0

    def wrap(self, path: Path, data: Any = (), **changes: Any) -> Any:
        inputs = {"network": path, **{f"data-{number}": self.folder / name for number, name in enumerate(data)}}
        named = {name: f"data-{number}" for number, name in enumerate(data)}
        settings = {**SETTINGS, "data": named, **changes}
        self.starts += 1
        return wrap_network(self.folder / f"wrap-{self.starts}", settings, inputs)

    def test_wrapped_network_goes_through_inference_exactly(self) -> None:
        path = write(self.folder / "theirs.onnx", *halves_blue(255))
        done = self.wrap(path, taken=UP_TO_255, answered=UP_TO_255, channels="bgr", multiple_of=8)
        self.assertEqual(done.code, ExitCode.DONE, done.log)
        found = load_whole(WrapFile, done.output, done.output.parent / "facts")
        self.assertEqual((found.kind, found.file_opset, found.parameters, found.multiple_of), ("float32", 16, 4, 8))
        self.assertLess(max(check.error for check in found.checks), 1e-6)
        self.assertNotIn("checks", json.loads((done.output / "wrap.json").read_text(encoding="utf-8")))
        given = picture(37, 51)
        dataset = write_dataset(self.folder / "dataset", {"p": given})
        result = run_stage(self.folder / "infer", done.output, dataset, {"mode": "exact"})
        self.assertEqual((result.code, result.predictions["label"]), (ExitCode.DONE, EXACT), result.log)
        expected = np.rint(given * np.float32([1, 1, 0.5])).astype(np.uint8)
        self.assertTrue(np.array_equal(result.pixels("transmission/p.png"), expected))

    def test_the_same_file_gives_the_same_bytes_with_its_data_inside_or_beside_it(self) -> None:
        nodes, constants = halves_blue(1)
        inside = write(self.folder / "inside.onnx", nodes, constants)
        first = self.wrap(inside)
        content = (first.output / "network.onnx").read_bytes()
        beside = write(
            self.folder / "beside.onnx",
            nodes,
            constants,
            save_as_external_data=True,
            location="data.bin",
            size_threshold=0,
        )
        second = self.wrap(beside, data=["data.bin"])
        self.assertEqual(second.code, ExitCode.DONE, second.log)
        self.assertEqual((second.output / "network.onnx").read_bytes(), content)

    def test_each_channel_alone_goes_through_inference_exactly(self) -> None:
        nodes, constants = halves_blue(1)
        constants[0] = numpy_helper.from_array(np.float32([0.5, 1]).reshape(1, 2, 1, 1), "k")
        path = write(self.folder / "theirs.onnx", nodes, constants, channels=2)
        done = self.wrap(path, channels="each", further_channels=[0.25], residual="add", multiple_of=4)
        self.assertEqual(done.code, ExitCode.DONE, done.log)
        found = load_whole(WrapFile, done.output, done.output.parent / "facts")
        self.assertEqual((found.channels, found.further_channels), ("each", (0.25,)))
        given = picture(37, 51) // 4 * 2  # even: half of it is whole
        dataset = write_dataset(self.folder / "dataset", {"p": given})
        result = run_stage(self.folder / "infer", done.output, dataset, {"mode": "exact"})
        self.assertEqual((result.code, result.predictions["label"]), (ExitCode.DONE, EXACT), result.log)
        expected = np.rint(given * np.float32(1.5)).astype(np.uint8)
        self.assertTrue(np.array_equal(result.pixels("transmission/p.png"), expected))

    def test_half_floats_are_labelled_or_whole(self) -> None:
        factor = numpy_helper.from_array(np.float16(0.5), "k")
        path = write(
            self.folder / "half.onnx", [helper.make_node("Mul", ["x", "k"], ["y"])], [factor], TensorProto.FLOAT16
        )
        done = self.wrap(path)
        self.assertEqual(done.code, ExitCode.DONE, done.log)
        dataset = write_dataset(self.folder / "dataset", {"p": picture(20, 30)})
        result = run_stage(self.folder / "infer", done.output, dataset, {"mode": "exact"})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        expected = np.rint(picture(20, 30) / np.float32(2)).astype(int)
        self.assertLessEqual(np.abs(result.pixels("transmission/p.png").astype(int) - expected).max(), 1)

    def test_a_range_that_cannot_be_is_warned_of(self) -> None:
        factor = numpy_helper.from_array(np.float32(255), "k")
        path = write(self.folder / "theirs.onnx", [helper.make_node("Mul", ["x", "k"], ["y"])], [factor])
        self.assertIn("is its range declared as it is?", self.wrap(path).log)

    def test_what_cannot_be_used_is_bad_input_with_its_reason(self) -> None:
        path = self.folder / "theirs.onnx"
        path.write_bytes(b"<html>")
        for changes, words in (
            ({}, "the ONNX file cannot be used: it cannot be loaded"),
            ({"input": "z"}, "it has the inputs 'x', and a picture goes into 'z' alone"),
        ):
            result = self.wrap(path, **changes)
            self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
            self.assertIn(words, result.failure.message)
            write(path, *halves_blue(1))


if __name__ == "__main__":
    unittest.main()
