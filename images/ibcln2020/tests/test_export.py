"""The export stage: the graph answers as the cascade at every size, step by step, and says so."""

import collections
import os
import shutil
import tempfile
import time
import unittest

import onnx
import onnxruntime
import torch
from ibcln2020.export import native_answer
from ibcln2020.network import Ibcln, output_names
from ibcln2020.weights import read_cascade
from stage import run_stage
from stand_in import cascade, relative_error

from netkit.seeded import seeded_image
from netkit.torch_files import save_tensors
from stagekit.results.apart import load_whole
from stagekit.results.export import ExportFile
from tests.networks.stages import results

DETOURS = {"SpaceToDepth", "DepthToSpace", "Loop", "If", "Scan", "Transpose", "ATen", "Dropout"}


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.network = Ibcln(cascade())
        cls.weights = os.path.join(cls.folder, "weights")
        os.mkdir(cls.weights)
        save_tensors(os.path.join(cls.weights, "weights.pt"), cls.network.cascade.state_dict())
        cls.result = run_stage(cls.folder, "export", cls.settings(), {"weights": cls.weights})
        cls.path = os.path.join(cls.folder, "output", "network.onnx")
        cls.session = onnxruntime.InferenceSession(cls.path, providers=["CPUExecutionProvider"])

    @staticmethod
    def settings():
        return {"model": "ibcln2020", "features": "random", "tolerance": 1e-4, "cascade": 3}

    def test_stage_succeeds_and_reports_every_output(self):
        self.assertEqual(self.result.code, 0, self.result.log)
        report = load_whole(ExportFile, os.path.join(self.folder, "output"), os.path.join(self.folder, "facts"))
        self.assertEqual(report.outputs, output_names(3))
        self.assertEqual(report.outputs[:4], ("transmission", "reflection", "transmission_1", "reflection_1"))
        self.assertTrue(any(check.height % 4 for check in report.checks))
        self.assertLess(max(check.error for check in report.checks), 1e-5)

    def test_equal_runs_leave_the_same_bytes(self):
        time.sleep(max(0.0, 2.1 - (time.time() - os.path.getmtime(self.path))))
        folder = os.path.join(self.folder, "again")
        result = run_stage(folder, "export", self.settings(), {"weights": self.weights}, elsewhere=True, threads=3)
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(results(folder), results(self.folder))

    def test_answers_are_the_networks_at_even_odd_and_tiny_sizes(self):
        for height, width in ((64, 96), (90, 76), (91, 77), (33, 50), (9, 5), (1, 1)):
            with self.subTest(height=height, width=width):
                image = seeded_image("even", max(height, 2), max(width, 2))[:height, :width]
                found = self.session.run(None, {"image": image.transpose(2, 0, 1)[None]})
                expected = native_answer(self.network, image)
                for name, answer in zip(output_names(3), found):
                    self.assertEqual(answer.shape, (1, 3, height, width))
                    self.assertLess(relative_error(answer[0].transpose(1, 2, 0), expected[name]), 1e-5)

    def test_graph_is_plain(self):
        model = onnx.load(self.path)
        kinds = collections.Counter(node.op_type for node in model.graph.node)
        self.assertFalse(DETOURS & set(kinds))
        self.assertEqual({node.domain for node in model.graph.node}, {""})
        size = model.graph.input[0].type.tensor_type.shape.dim
        self.assertEqual([part.dim_param or part.dim_value for part in size], [1, 3, "height", "width"])

    def test_the_authors_two_checkpoints_are_read(self):
        folder = os.path.join(self.folder, "released")
        os.mkdir(folder)
        for name in ("G_T", "G_R"):
            state = getattr(self.network.cascade, name).state_dict()
            save_tensors(os.path.join(folder, "final_net_%s.pth" % name), state)
        found = read_cascade(folder, 3).state_dict()
        expected = self.network.cascade.state_dict()
        self.assertTrue(all(torch.equal(found[name], value) for name, value in expected.items()))


if __name__ == "__main__":
    unittest.main()
