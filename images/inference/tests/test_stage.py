"""The stage `infer` from stage.json to predictions.json: what it writes, refuses, and takes up again."""

import signal
import tempfile
import unittest
from pathlib import Path

import numpy as np
from onnx import helper, numpy_helper
from PIL import ImageCms
from stage import KEEP, TILES, WHOLE, picture, run_stage, stop_stage, write_dataset, write_network

from orchestrator.infer.modes import APPROXIMATE, EXACT
from stagekit import ExitCode

HEAVY = (
    helper.make_node("Constant", [], ["times"], value_ints=[1, 4096, 1, 1]),
    helper.make_node("Tile", ["image", "times"], ["wide"]),
    helper.make_node("Sqrt", ["wide"], ["root"]),
    helper.make_node("ReduceMean", ["root"], ["mean"], axes=[1], keepdims=1),
    helper.make_node("Mul", ["image", "mean"], ["transmission"]),
)
"""Takes 100 KiB and more for every pixel."""


class StageTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.network = write_network(self.folder / "network")

    def dataset(self, *sizes: tuple[int, int]) -> Path:
        return write_dataset(self.folder / "dataset", {f"p{place}": picture(*size) for place, size in enumerate(sizes)})


class PredictionsTest(StageTest):
    def test_pictures_of_any_size_come_back_at_their_size(self) -> None:
        sizes = [(64, 96), (37, 51), (1, 1), (3, 130)]
        result = run_stage(self.folder / "stage", self.network, self.dataset(*sizes))
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        found = result.predictions
        self.assertEqual([(item["height"], item["width"]) for item in found["items"]], sizes)
        for item, size in zip(found["items"], sizes):
            self.assertTrue(np.array_equal(result.pixels(item["transmission"]), picture(*size)))
        self.assertEqual((found["model"], found["dataset"], found["mode"]), ("small", "small", "whole"))
        self.assertEqual((found["label"], found["warnings"]), (EXACT, []))
        self.assertEqual(found["runtime"]["provider"], "CPUExecutionProvider")
        self.assertTrue(all(item["peak_bytes"] > 2**20 and "plan" not in item for item in found["items"]))

    def test_tiles_of_a_pointwise_network_give_the_same_bytes_and_are_labelled(self) -> None:
        result = run_stage(self.folder / "stage", self.network, self.dataset((150, 101), (20, 30)), TILES)
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertTrue(np.array_equal(result.pixels("transmission/p0.png"), picture(150, 101)))
        self.assertEqual((result.predictions["mode"], result.predictions["label"]), ("tiles", APPROXIMATE))
        self.assertGreater(len(result.progress), 6)
        self.assertEqual(result.progress[-1].done, result.progress[-1].total)
        done = [progress.done for progress in result.progress]
        self.assertEqual(done, sorted(done))

    def test_tiles_that_hold_every_picture_are_exact(self) -> None:
        result = run_stage(self.folder / "stage", self.network, self.dataset((64, 64), (20, 30)), TILES)
        self.assertEqual(result.predictions["label"], EXACT)

    def test_exact_tiles_and_smaller_pictures_are_labelled_for_what_they_are(self) -> None:
        inference, dataset = {"mode": "exact"}, self.dataset((150, 101), (20, 30))
        for more, label in (({}, EXACT), ({"resize": {"short_edge": 64}}, "resized: short edge 64")):
            given = {**inference, **more}
            result = run_stage(self.folder / label[:5], self.network, dataset, given, memory_bytes=2**30)
            self.assertEqual(result.code, ExitCode.DONE, result.log)
            self.assertEqual((result.predictions["mode"], result.predictions["label"]), ("exact", label))
            far = np.abs(result.pixels("transmission/p0.png").astype(int) - picture(150, 101)).max()
            self.assertEqual(far == 0, label == EXACT)

    def test_answers_far_beyond_the_range_of_pictures_are_warned_of_once(self) -> None:
        factor = helper.make_node("Constant", [], ["factor"], value_float=255.0)
        write_network(self.network, (factor, helper.make_node("Mul", ["image", "factor"], ["transmission"])))
        result = run_stage(self.folder / "stage", self.network, self.dataset((60, 60), (50, 50)))
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(result.log.count("where 0 to 1 is meant"), 1, result.log)

    def test_outputs_that_are_no_maps_are_named_where_arrays_are_kept(self) -> None:
        turned = helper.make_node("Transpose", ["image"], ["last"], perm=[0, 2, 3, 1])
        mean = helper.make_node("GlobalAveragePool", ["image"], ["mean"])
        flat = helper.make_node("ReduceMean", ["image"], ["flat"], axes=[1], keepdims=0)
        write_network(self.network, (*KEEP, turned, mean, flat), ("transmission", "last", "mean", "flat"))
        dataset = self.dataset((150, 101), (150, 101))
        ways = {
            "exact": ({"mode": "exact"}, "maps, 1 x channels x rows x columns, and no values of the whole picture"),
            "whole": ({"mode": "whole"}, "outputs of 1 x channels x rows x columns"),
            "tiles": (TILES, "maps of the picture's own size"),
            "small": ({"mode": "exact", "resize": {"short_edge": 64}}, "maps of the picture's own size"),
        }
        for way, (inference, kept) in ways.items():
            given = {"inference": inference, "memory_bytes": 2**30, "settings": {"arrays": True}}
            result = run_stage(self.folder / way, self.network, dataset, **given)
            self.assertEqual(result.code, ExitCode.DONE, result.log)
            arrays = {path.name.split(".")[1] for path in (self.folder / way).rglob("p0.*.npy")}
            missing = [name for name in ("transmission", "last", "mean", "flat") if name not in arrays]
            self.assertIn("flat", missing)
            self.assertIn("mean" if way == "exact" else "flat", missing)
            outputs = f"output{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
            said = f"no array is kept of the network's {outputs}: kept are {kept}"
            self.assertEqual(result.log.count(said), 1, (way, result.log))

    def test_without_arrays_nothing_is_said_of_outputs_that_are_left_out(self) -> None:
        flat = helper.make_node("ReduceMean", ["image"], ["flat"], axes=[1], keepdims=0)
        write_network(self.network, (*KEEP, flat), ("transmission", "flat"))
        result = run_stage(self.folder / "stage", self.network, self.dataset((60, 50)), {"mode": "whole"})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertNotIn("flat", result.log)

    def test_values_are_clipped_and_rounded_and_their_range_is_kept(self) -> None:
        nodes = (
            helper.make_node("Constant", [], ["shift"], value_float=0.25),
            helper.make_node("Constant", [], ["factor"], value_float=2.0),
            helper.make_node("Mul", ["image", "factor"], ["twice"]),
            helper.make_node("Sub", ["twice", "shift"], ["transmission"]),
        )
        write_network(self.network, nodes)
        result = run_stage(self.folder / "stage", self.network, self.dataset((60, 60)))
        shown = picture(60, 60)
        exact = shown / 255 * 2 - 0.25
        expected = np.rint(np.clip(exact, 0, 1) * 255)
        self.assertLessEqual(np.abs(result.pixels("transmission/p0.png") - expected).max(), 1)
        item = result.predictions["items"][0]
        self.assertAlmostEqual(item["min"], -0.25, 5)
        self.assertAlmostEqual(item["max"], float(exact.max()), 5)
        self.assertGreaterEqual(item["seconds"], 0)

    def test_reflection_and_cascade_steps_are_written_in_order(self) -> None:
        nodes = [helper.make_node("Identity", ["image"], ["transmission"])]
        nodes.append(helper.make_node("Constant", [], ["one"], value_float=1.0))
        nodes.append(helper.make_node("Sub", ["one", "image"], ["reflection"]))
        for number, share in ((1, 0.0), (2, 0.5), (10, 1.0)):
            nodes.append(helper.make_node("Constant", [], [f"share{number}"], value_float=share))
            nodes.append(helper.make_node("Mul", ["image", f"share{number}"], [f"transmission_{number}"]))
        outputs = ("reflection", "transmission_10", "transmission_2", "transmission_1", "transmission")
        write_network(self.network, nodes, outputs)
        result = run_stage(self.folder / "stage", self.network, self.dataset((20, 30)))
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        item, shown = result.predictions["items"][0], picture(20, 30)
        self.assertTrue(np.array_equal(result.pixels(item["reflection"]), 255 - shown))
        steps = [result.pixels(step) for step in item["steps"]]
        self.assertEqual(len(steps), 3)
        self.assertEqual(int(steps[0].max()), 0)
        self.assertTrue(np.array_equal(steps[2], shown))

    def test_colour_profile_of_a_picture_is_kept(self) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        dataset = write_dataset(self.folder / "dataset", {"p0": picture(8, 9)}, icc_profile=profile)
        result = run_stage(self.folder / "stage", self.network, dataset)
        self.assertIn(b"iCCP", (result.output / "transmission" / "p0.png").read_bytes()[:200])

    def test_network_can_be_a_file(self) -> None:
        result = run_stage(self.folder / "stage", self.network / "network.onnx", self.dataset((8, 9)))
        self.assertEqual(result.code, ExitCode.DONE, result.log)


class RefusalsTest(StageTest):
    def test_network_that_fails_on_a_picture_names_picture_and_size(self) -> None:
        nodes = (
            helper.make_node("Constant", [], ["shape"], value_ints=[1, 3, 8, 8]),
            helper.make_node("Reshape", ["image", "shape"], ["transmission"]),
        )
        write_network(self.network, nodes)
        result = run_stage(self.folder / "stage", self.network, self.dataset((8, 8), (8, 9)))
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIn("p1 (8 x 9 pixels)", result.failure.message)
        self.assertFalse((result.output / "predictions.json").exists())

    def test_network_that_takes_no_picture_is_told_of_and_no_picture_is(self) -> None:
        one_channel = (helper.make_node("ReduceMean", ["image"], ["transmission"], axes=[1], keepdims=1),)
        unknown = (helper.make_node("Magic", ["image"], ["transmission"], domain="my.ops"),)
        for name, nodes, words in (
            ("shape", one_channel, "has shape (1, 1, 8, 9)"),
            ("ops", unknown, "cannot be loaded"),
        ):
            for mode in ("exact", "whole"):
                write_network(self.network, nodes)
                dataset = write_dataset(self.folder / f"{name}-{mode}" / "dataset", {"p": picture(8, 9)})
                result = run_stage(self.folder / f"{name}-{mode}" / "stage", self.network, dataset, {"mode": mode})
                self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
                self.assertIn(words, result.failure.message)
                self.assertNotIn("refused picture", result.failure.message)
                self.assertEqual(result.failure.hint, "export the network again, or name another file")

    def test_memory_that_does_not_suffice_names_the_picture_and_the_exact_mode(self) -> None:
        write_network(self.network, HEAVY)
        result = run_stage(self.folder / "stage", self.network, self.dataset((128, 128)), memory_bytes=128 * 2**20)
        self.assertEqual(result.code, ExitCode.OUT_OF_MEMORY, result.log)
        self.assertIn("p0 (128 x 128 pixels)", result.failure.message)
        self.assertIn("'exact'", str(result.failure.hint))

    def test_tiles_take_what_the_whole_picture_does_not(self) -> None:
        write_network(self.network, HEAVY)
        dataset = self.dataset((128, 160))
        memory = 1100 * 2**20
        whole = run_stage(self.folder / "whole", self.network, dataset, WHOLE, memory_bytes=memory)
        self.assertEqual(whole.code, ExitCode.OUT_OF_MEMORY, whole.log)
        tiled = run_stage(self.folder / "tiled", self.network, dataset, TILES, memory_bytes=memory)
        self.assertEqual(tiled.code, ExitCode.DONE, tiled.log)

    def test_answer_that_is_not_finite_names_the_picture(self) -> None:
        write_network(self.network, (helper.make_node("Log", ["image"], ["transmission"]),))
        result = run_stage(self.folder / "stage", self.network, self.dataset((8, 9)))
        self.assertEqual(result.code, ExitCode.FAILED)
        self.assertIn("transmission of picture p0 (8 x 9 pixels)", result.failure.message)
        self.assertNotIn("Traceback", result.log)

    def test_graphics_processor_that_is_not_there_is_not_replaced(self) -> None:
        result = run_stage(self.folder / "stage", self.network, self.dataset((8, 9)), device="cuda")
        self.assertEqual(result.code, ExitCode.FAILED)
        self.assertIn("CUDA", result.failure.message)
        self.assertIn("device: cpu", str(result.failure.hint))

    def test_file_that_is_no_network_is_refused(self) -> None:
        (self.network / "network.onnx").write_bytes(b"no network")
        result = run_stage(self.folder / "stage", self.network, self.dataset((8, 9)))
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIn("network.onnx cannot be loaded", result.failure.message)

    def test_overlap_of_a_whole_tile_is_refused(self) -> None:
        inference = {"mode": "tiles", "tile": 64, "overlap": 64}
        result = run_stage(self.folder / "stage", self.network, self.dataset((8, 9)), inference)
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIn("overlap of 64", result.failure.message)

    def test_damaged_picture_of_a_dataset_is_refused_by_name(self) -> None:
        dataset = self.dataset((8, 9))
        path = dataset / "blended" / "p0.png"
        path.write_bytes(path.read_bytes()[:60])
        result = run_stage(self.folder / "stage", self.network, dataset)
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIn("p0.png", result.failure.message)

    def test_dataset_of_layers_is_refused(self) -> None:
        dataset = self.dataset((8, 9))
        text = (dataset / "dataset.json").read_text(encoding="utf-8")
        text = text.replace('"blended":', '"transmission":').replace('"role": "photos"', '"role": "layers"')
        (dataset / "dataset.json").write_text(text, encoding="utf-8")
        result = run_stage(self.folder / "stage", self.network, dataset)
        self.assertEqual(result.code, ExitCode.BAD_INPUT)
        self.assertIn("no blended pictures", result.failure.message)


def reducing(folder: Path) -> Path:
    """Write a network with wide maps and two global reductions, which in short memory goes in several segments."""
    weights = np.random.default_rng(0).normal(0, 0.2, (96, 3, 3, 3)).astype(np.float32)
    nodes = (
        helper.make_node("Constant", [], ["in"], value=numpy_helper.from_array(weights)),
        helper.make_node("Constant", [], ["out"], value=numpy_helper.from_array(weights.transpose(1, 0, 2, 3).copy())),
        helper.make_node("Conv", ["image", "in"], ["wide"], pads=[1] * 4),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Mul", ["wide", "mean"], ["scaled"]),
        helper.make_node("Conv", ["scaled", "out"], ["narrow"], pads=[1] * 4),
        helper.make_node("ReduceMean", ["narrow"], ["level"], axes=[2, 3], keepdims=1),
        helper.make_node("Sub", ["narrow", "level"], ["transmission"]),
    )
    return write_network(folder, nodes)


class InterruptionTest(StageTest):
    def test_stage_that_is_stopped_within_a_picture_takes_the_picture_up_where_it_was(self) -> None:
        network, dataset, exact = reducing(self.folder / "reducing"), self.dataset((1500, 1100)), {"mode": "exact"}
        short = {"memory_bytes": 420 * 2**20}
        whole = run_stage(self.folder / "whole", network, dataset, exact, **short)
        self.assertEqual(whole.code, ExitCode.DONE, whole.log)
        folder = self.folder / "cut"
        stopped = stop_stage(folder, network, dataset, exact, signal.SIGTERM, 0.8, **short)
        self.assertEqual(stopped.code, ExitCode.INTERRUPTED, stopped.log)
        self.assertTrue(list((folder / "work" / "checkpoints" / "p0").glob("resume-*/state.json")))
        resumed = run_stage(folder, network, dataset, exact, **short)
        self.assertEqual(resumed.code, ExitCode.DONE, resumed.log)
        plan, peak = whole.predictions["items"][0]["plan"], whole.predictions["items"][0]["peak_bytes"]
        self.assertGreaterEqual(plan["segments"], 3)
        self.assertLessEqual(max(peak, plan["expected_bytes"]), short["memory_bytes"])
        first = [result.progress[0].done / result.progress[0].total for result in (whole, resumed)]
        self.assertLess(first[0], 0.2)
        self.assertGreater(first[1], 0.3)
        name = whole.predictions["items"][0]["transmission"]
        self.assertEqual((resumed.output / name).read_bytes(), (whole.output / name).read_bytes())
        self.assertFalse((folder / "work" / "checkpoints" / "p0").exists())

    def test_stopped_stage_says_so_and_takes_up_what_is_done(self) -> None:
        dataset = self.dataset(*[(300, 300)] * 4)
        folder = self.folder / "stage"
        stopped = stop_stage(folder, self.network, dataset, WHOLE, signal.SIGTERM)
        self.assertEqual(stopped.code, ExitCode.INTERRUPTED, stopped.log)
        self.assertFalse((stopped.output / "predictions.json").exists())
        first = (folder / "output" / "transmission" / "p0.png").stat().st_mtime_ns
        resumed = run_stage(folder, self.network, dataset)
        self.assertEqual(resumed.code, ExitCode.DONE, resumed.log)
        self.assertEqual(len(resumed.predictions["items"]), 4)
        self.assertEqual((folder / "output" / "transmission" / "p0.png").stat().st_mtime_ns, first)

    def test_stage_stops_between_two_tiles(self) -> None:
        write_network(self.network, KEEP)
        stopped = stop_stage(self.folder / "stage", self.network, self.dataset((900, 900)), TILES, signal.SIGTERM)
        self.assertEqual(stopped.code, ExitCode.INTERRUPTED, stopped.log)

    def test_killed_stage_ends_with_the_result_of_one_that_was_not(self) -> None:
        dataset = self.dataset((60, 70), (61, 71), (62, 72))
        whole = run_stage(self.folder / "whole", self.network, dataset)
        stop_stage(self.folder / "cut", self.network, dataset, WHOLE, signal.SIGKILL)
        cut = run_stage(self.folder / "cut", self.network, dataset)
        for item in whole.predictions["items"]:
            name = item["transmission"]
            self.assertEqual((cut.output / name).read_bytes(), (whole.output / name).read_bytes())
        drop = {"seconds", "peak_bytes"}
        items = [
            [{key: value for key, value in item.items() if key not in drop} for item in result.predictions["items"]]
            for result in (whole, cut)
        ]
        self.assertEqual(items[0], items[1])


if __name__ == "__main__":
    unittest.main()
