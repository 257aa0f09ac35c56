"""MatConvNet's file is read in both of its generations, and nothing else is."""

import os
import pickle
import tempfile
import unittest
from typing import Any, Dict, List, Sequence

import numpy as np
import scipy.io
from zhang2018.features import load_features, random_features

from netkit.seeded import VGG19_LAYERS
from stagekit import BadInput

WEIGHTS_THIRD = ("name", "type", "weights", "pad", "stride")
WEIGHTS_FIRST = ("weights", "pad", "type", "name", "stride")
APART = ("filters", "biases", "pad", "stride", "name", "type")


def write_matconvnet(path: str, fields: Sequence[str], leave_out: str = "", spoilt: str = "") -> None:
    """Write random features as MatConvNet stores them: a cell of structures, one for each layer."""
    layers: List[Any] = []
    for name, (kernel, bias) in random_features().items():
        if name == leave_out:
            continue
        taps = kernel if name != spoilt else np.full_like(kernel, np.nan)
        cell = np.empty((1, 2), object)
        cell[0, 0], cell[0, 1] = taps, bias[None]
        values: Dict[str, Any] = {
            "name": name,
            "type": "conv",
            "weights": cell,
            "filters": taps,
            "biases": bias[None],
            "pad": np.ones((1, 4)),
            "stride": np.ones((1, 2)),
        }
        layers.append({field: values[field] for field in fields})
        layers += [{"name": "relu" + name[4:], "type": "relu"}, {"type": "other"}]
    stored = np.empty((1, len(layers)), object)
    stored[0, :] = layers
    scipy.io.savemat(path, {"layers": stored, "meta": {"note": "small"}})


class FeaturesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "vgg.mat")

    def test_every_order_of_fields_gives_the_same_weights(self) -> None:
        expected = random_features()
        for fields in (WEIGHTS_THIRD, WEIGHTS_FIRST, APART):
            with self.subTest(fields=fields):
                write_matconvnet(self.path, fields)
                found = load_features(self.path)
                self.assertEqual(list(found), list(expected))
                for name in ("conv1_1", "conv5_2"):
                    np.testing.assert_array_equal(found[name][0], expected[name][0])
                    np.testing.assert_array_equal(found[name][1], expected[name][1])

    def test_random_features_end_at_the_last_layer_used(self) -> None:
        features = random_features()
        self.assertEqual(list(features), [name for name, *_rest in VGG19_LAYERS[:14]])
        self.assertEqual(features["conv2_1"][0].shape, (3, 3, 64, 128))

    def test_missing_layer_is_named(self) -> None:
        write_matconvnet(self.path, WEIGHTS_THIRD, leave_out="conv4_3")
        with self.assertRaisesRegex(BadInput, "no layer conv4_3"):
            load_features(self.path)

    def test_other_files_are_refused(self) -> None:
        for content in (b"", b"not a MATLAB file" * 100):
            with self.subTest(length=len(content)):
                with open(self.path, "wb") as stream:
                    stream.write(content)
                with self.assertRaisesRegex(BadInput, "is not MatConvNet's VGG-19"):
                    load_features(self.path)

    def test_a_file_cut_short_is_refused(self) -> None:
        write_matconvnet(self.path, WEIGHTS_THIRD)
        with open(self.path, "r+b") as stream:
            stream.truncate(os.path.getsize(self.path) // 2)
        with self.assertRaisesRegex(BadInput, "is not MatConvNet's VGG-19"):
            load_features(self.path)

    def test_weights_that_are_not_finite_are_refused(self) -> None:
        write_matconvnet(self.path, WEIGHTS_THIRD, spoilt="conv3_1")
        with self.assertRaisesRegex(BadInput, "layer conv3_1 .* not finite"):
            load_features(self.path)

    def test_a_hostile_file_runs_nothing(self) -> None:
        stolen = self.path + ".stolen"

        class Hostile:
            def __reduce__(self) -> Any:
                return (open, (stolen, "w"))

        layers = np.empty((1, 1), object)
        layers[0, 0] = {"name": "conv1_1", "type": "conv", "weights": "__import__('os').system('touch %s')" % stolen}
        pickled = {
            "layers": np.frombuffer(pickle.dumps(Hostile()), np.uint8),
            "__function_workspace__": np.zeros((1, 9)),
        }
        for content in ({"layers": layers}, pickled):
            scipy.io.savemat(self.path, content)
            with self.assertRaises(BadInput):
                load_features(self.path)
        for text in (pickle.dumps(Hostile()), pickle.dumps({"layers": Hostile()}, protocol=0)):
            with open(self.path, "wb") as stream:
                stream.write(text)
            with self.assertRaises(BadInput):
                load_features(self.path)
        self.assertFalse(os.path.exists(stolen))

    def test_missing_file_is_refused(self) -> None:
        with self.assertRaises(BadInput):
            load_features(self.path)


if __name__ == "__main__":
    unittest.main()
