"""The stages as the orchestrator runs them: a training that is killed twice, then its export."""

import json
import os
import signal
import subprocess
import tempfile
import unittest
from typing import Any, Dict

import numpy as np
import onnx
import onnxruntime
from stand_in import filled, recipe, relative_error, start, write_layers, write_pair
from zhang2018.arrays import load_arrays, save_arrays
from zhang2018.export import native_answers
from zhang2018.features import random_features
from zhang2018.parameters import discriminator_shapes, generator_shapes

from netkit.seeded import seeded_image
from stagekit import ExitCode, decode
from stagekit.messages import Checkpoint, Failure, Progress


class StagesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.makedirs(self.at("layers"))
        os.makedirs(self.at("real"))
        self.inputs = {"synthetic": write_layers(self.at("layers")), "real": write_pair(self.at("real"))}

    def at(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def training(self, name: str, **changes: Any) -> "subprocess.Popen[str]":
        settings = {"model": "zhang2018", "recipe": recipe(**changes), "features": "random"}
        return start(self.at(name), "train", settings, self.inputs)

    def ended(self, process: "subprocess.Popen[str]") -> int:
        output, _ = process.communicate(timeout=600)
        self.output = output
        return process.returncode

    def stopped_at(self, process: "subprocess.Popen[str]", kind: type, number: int) -> int:
        """Send a signal when the program has come this far, and return its exit status."""
        assert process.stdout is not None
        for line in process.stdout:
            message = decode(line)
            if isinstance(message, kind) and message.done >= 1:
                process.send_signal(number)
                break
        return self.ended(process)

    def test_training_killed_twice_ends_with_the_weights_of_one_that_was_not(self) -> None:
        self.assertEqual(self.ended(self.training("whole")), ExitCode.DONE)
        self.assertEqual(self.stopped_at(self.training("cut"), Progress, signal.SIGTERM), ExitCode.INTERRUPTED)
        self.assertIn('"failure_class": "Cancelled"', self.output)
        self.assertEqual(self.stopped_at(self.training("cut"), Checkpoint, signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(self.ended(self.training("cut")), ExitCode.DONE)

        whole, cut = (load_arrays(self.at(name, "output", "weights.npz")) for name in ("whole", "cut"))
        self.assertEqual(set(whole), {*generator_shapes(), *discriminator_shapes()})
        for name, value in whole.items():
            np.testing.assert_array_equal(cut[name], value, name)
        curves = [self.written(name, "curves.json")["steps"] for name in ("whole", "cut")]
        self.assertEqual([point["losses"] for point in curves[1]], [point["losses"] for point in curves[0]])
        facts = self.written("whole", "train.json")
        self.assertEqual((facts["steps"], facts["epochs"], facts["features"]), (6, 3, "random"))

    def test_batches_of_two_are_refused(self) -> None:
        self.assertEqual(self.ended(self.training("batch", batch=2)), ExitCode.BAD_INPUT)
        failure = [message for message in map(decode, self.output.splitlines()) if isinstance(message, Failure)]
        self.assertIn("batches of 2", failure[0].message)

    def test_export_answers_as_the_network_at_every_size(self) -> None:
        parameters = filled({**generator_shapes(), **discriminator_shapes()})
        os.makedirs(self.at("weights"))
        save_arrays(self.at("weights", "weights.npz"), parameters)
        settings = {"model": "zhang2018", "tolerance": 1e-4, "features": "random"}
        process = start(self.at("export"), "export", settings, {"weights": self.at("weights")})
        self.assertEqual(self.ended(process), ExitCode.DONE)

        report = self.written("export", "export.json")
        self.assertEqual((report["inputs"], report["outputs"]), (["image"], ["transmission", "reflection"]))
        path = self.at("export", "output", "network.onnx")
        self.check_graph(onnx.load(path))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        for height, width in ((96, 128), (101, 77), (33, 17)):
            image = seeded_image("size", height, width)
            answers = session.run(None, {"image": image.transpose(2, 0, 1)[None]})
            native = native_answers(image, parameters, random_features())
            for answer, (name, expected) in zip(answers, native.items()):
                with self.subTest(height=height, width=width, output=name):
                    self.assertLess(relative_error(answer[0].transpose(1, 2, 0), expected), 1e-4)

    def check_graph(self, model: onnx.ModelProto) -> None:
        """Plain convolutions with the paper's dilations, and no detour over batches."""
        operations = [node.op_type for node in model.graph.node]
        self.assertFalse({"SpaceToDepth", "DepthToSpace", "Transpose", "Pad"} & set(operations))
        dilations = [
            onnx.helper.get_attribute_value(attribute)
            for node in model.graph.node
            if node.op_type == "Conv"
            for attribute in node.attribute
            if attribute.name == "dilations"
        ]
        self.assertEqual([d for d, _ in dilations if d > 1], [2, 4, 8, 16, 32, 64])

    def written(self, stage: str, name: str) -> Dict[str, Any]:
        with open(self.at(stage, "output", name), encoding="utf-8") as stream:
            content: Dict[str, Any] = json.load(stream)
        return content


if __name__ == "__main__":
    unittest.main()
