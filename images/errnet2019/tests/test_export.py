"""The export stage: the graph answers as the network at every size, and says so."""

import collections
import os
import shutil
import tempfile
import time
import unittest

import numpy as np
import onnx
import onnxruntime
import torch
from errnet2019.export import native_answer
from errnet2019.weights import read_generator
from stage import run_stage
from stand_in import errnet, relative_error

from netkit.onnx_checks import export_checks
from netkit.onnx_sizes import SizeRule, edge_padded
from netkit.seeded import seeded_image
from netkit.torch_files import save_plain, save_tensors
from stagekit import StageError
from stagekit.results.apart import load_whole
from stagekit.results.export import ExportFile
from tests.networks.stages import results

DETOURS = {"SpaceToDepth", "DepthToSpace", "Loop", "If", "Scan", "Transpose", "ATen"}


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.network = errnet()
        cls.weights = os.path.join(cls.folder, "weights")
        os.mkdir(cls.weights)
        save_tensors(os.path.join(cls.weights, "weights.pt"), cls.network.generator.state_dict())
        cls.result = run_stage(cls.folder, "export", cls.settings(), {"weights": cls.weights})
        cls.path = os.path.join(cls.folder, "output", "network.onnx")
        cls.session = onnxruntime.InferenceSession(cls.path, providers=["CPUExecutionProvider"])

    @staticmethod
    def settings(**changes):
        return {"model": "errnet2019", "features": "random", "tolerance": 1e-4, **changes}

    def test_stage_succeeds(self):
        self.assertEqual(self.result.code, 0, self.result.log)

    def test_report_names_what_was_compared(self):
        report = load_whole(ExportFile, os.path.join(self.folder, "output"), os.path.join(self.folder, "facts"))
        self.assertEqual((report.inputs, report.outputs), (("image",), ("transmission",)))
        self.assertIn("torch", report.native)
        self.assertTrue(any(check.height % 2 for check in report.checks))
        self.assertLess(max(check.error for check in report.checks), 1e-5)

    def test_equal_runs_leave_the_same_bytes(self):
        time.sleep(max(0.0, 2.1 - (time.time() - os.path.getmtime(self.path))))
        folder = os.path.join(self.folder, "again")
        result = run_stage(folder, "export", self.settings(), {"weights": self.weights}, elsewhere=True, threads=3)
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(results(folder), results(self.folder))

    def test_answers_are_the_networks_at_even_odd_and_tiny_sizes(self):
        # 114 rows over 28 cells is a size at which a Resize node's float32 scale picks another row.
        for height, width in ((64, 96), (90, 76), (114, 66), (91, 77), (33, 50), (20, 15), (1, 1)):
            with self.subTest(height=height, width=width):
                image = seeded_image("even", max(height, 2), max(width, 2))[:height, :width]
                (found,) = self.session.run(None, {"image": image.transpose(2, 0, 1)[None]})
                self.assertEqual(found.shape, (1, 3, height, width))
                expected = native_answer(self.network, image)["transmission"]
                self.assertLess(relative_error(found[0].transpose(1, 2, 0), expected), 1e-5)

    def test_graph_is_plain(self):
        model = onnx.load(self.path)
        kinds = collections.Counter(node.op_type for node in model.graph.node)
        self.assertFalse(DETOURS & set(kinds))
        self.assertEqual({node.domain for node in model.graph.node}, {""})
        self.assertEqual((kinds["Conv"], kinds["GlobalAveragePool"], kinds["Constant"]), (49, 13, 0))
        size = model.graph.input[0].type.tensor_type.shape.dim
        self.assertEqual([part.dim_param or part.dim_value for part in size], [1, 3, "height", "width"])

    def test_the_authors_checkpoint_is_read(self):
        path = os.path.join(self.folder, "errnet_060_00463920.pt")
        state = self.network.generator.state_dict()
        save_plain(path, {"icnn": state, "opt_g": {"state": {}, "param_groups": []}, "epoch": 60, "iterations": 463920})
        found = read_generator(path).state_dict()
        self.assertTrue(all(torch.equal(found[name], value) for name, value in state.items()))

    def test_unfit_weights_are_named(self):
        path = os.path.join(self.folder, "unfit.pt")
        state = dict(self.network.generator.state_dict())
        del state["conv1.conv2d.bias"]
        state["conv2.conv2d.weight"] = torch.zeros(1)
        save_tensors(path, state)
        result = run_stage(os.path.join(self.folder, "unfit"), "export", self.settings(), {"weights": path})
        self.assertEqual(result.code, 10)
        self.assertIn("missing: conv1.conv2d.bias", result.log)
        self.assertIn("conv2.conv2d.weight is 1 and should be 256 x 256 x 3 x 3", result.log)

    def test_a_difference_past_the_tolerance_fails(self):
        with self.assertRaisesRegex(StageError, "transmission at 32 x 33 has a relative error of"):
            export_checks(self.path, lambda image: native_answer(self.network, image), 1e-12, [(32, 33)])


class Sizes(unittest.TestCase):
    def test_padding_repeats_the_edge_up_to_the_rule(self):
        image = seeded_image("pad", 5, 7)
        padded = edge_padded(image, SizeRule(multiple=4, minimum=6))
        self.assertEqual(padded.shape, (8, 8, 3))
        self.assertTrue(np.array_equal(padded[:5, :7], image))
        self.assertTrue(np.array_equal(padded[5:, 7], np.repeat(image[-1:, -1], 3, axis=0)))

    def test_fitting_pictures_stay_as_they_are(self):
        self.assertEqual(SizeRule(multiple=2, minimum=32).padded(32, 64), (32, 64))
        self.assertEqual(SizeRule(multiple=2, minimum=32).padded(31, 65), (32, 66))


if __name__ == "__main__":
    unittest.main()
