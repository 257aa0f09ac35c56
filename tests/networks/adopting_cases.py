"""What adopting a checkpoint must do for every network: take it over exactly, or name all that is wrong with it.

A network's own tests inherit `AdoptingCases`. Python 3.8, standard library and NumPy.
"""

import json
import os
import pickle
import shutil
import tempfile

import numpy as np

from stagekit import decode
from tests.networks.stages import assert_repeats, run_stage


class Hostile:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


class AdoptingCases:
    """Mixed into a unittest.TestCase with what tells a network's checkpoints apart.

    arrays(): released names to arrays; write(path, arrays): writes a released checkpoint and returns what to adopt
    tensors(path): the arrays of a weights file; released_file: one of the files of a released checkpoint
    """

    network = ""
    file = "weights.pt"
    released_file = ""
    settings = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)

    def at(self, *parts):
        """Return a path in the test's folder."""
        return os.path.join(self.folder, *parts)

    def adopted(self, run, checkpoint):
        """Run the stage `adopt`."""
        settings = {"model": self.network, **self.settings}
        return run_stage(self.network, self.at(run), "adopt", settings, {"checkpoint": checkpoint})

    def released(self, run, weights):
        """Run the stage `release`."""
        settings = {"model": self.network, **self.settings}
        result = run_stage(self.network, self.at(run), "release", settings, {"weights": weights})
        self.assertEqual(result.code, 0, result.log)

    def assert_refused(self, result, *parts):
        """The stage ended as for bad input, with one message that holds all of these."""
        self.assertEqual(result.code, 10, result.log)
        message = decode([line for line in result.log.splitlines() if "BadInput" in line][-1]).message
        for part in parts:
            self.assertIn(part, message)
        self.assertFalse(os.path.exists(self.at("out", "output", self.file)))

    def test_a_released_checkpoint_becomes_weights_and_back(self):
        arrays = self.arrays()
        result = self.adopted("first", self.write(self.at("released"), arrays))
        self.assertEqual(result.code, 0, result.log)
        found = self.tensors(self.at("first", "output", self.file))
        self.assertEqual([name for name in found if not np.array_equal(found[name], arrays[name])], [])
        with open(self.at("first", "output", "adopt.json"), encoding="utf-8") as stream:
            facts = json.load(stream)
        self.assertEqual((facts["format"], facts["tensors"]), ("released", len(found)))
        self.assertEqual(facts["parameters"], sum(value.size for value in found.values()))
        self.released("back", self.at("first", "output"))
        with open(self.at("back", "output", "release.json"), encoding="utf-8") as stream:
            files = json.load(stream)["files"]
        self.assertTrue(all(os.path.isfile(self.at("back", "output", name)) for name in files))
        self.assertIn(self.released_file, files)
        os.unlink(self.at("back", "output", "release.json"))
        self.assertEqual(self.adopted("second", self.at("back", "output")).code, 0)
        again = self.tensors(self.at("second", "output", self.file))
        self.assertEqual(list(found), list(again))
        self.assertEqual([name for name in found if not np.array_equal(found[name], again[name])], [])

    def test_equal_runs_leave_the_same_bytes(self):
        inputs = {"checkpoint": self.write(self.at("released"), self.arrays())}
        settings = {"model": self.network, **self.settings}
        found = assert_repeats(self.network, self.at("adopt"), "adopt", settings, inputs)
        self.assertEqual(set(found), {self.file, "adopt.json"})
        weights = {"weights": self.at("adopt", "one", "output")}
        found = assert_repeats(self.network, self.at("release"), "release", settings, weights)
        self.assertIn(self.released_file, found)

    def test_own_weights_are_adopted_too(self):
        self.assertEqual(self.adopted("first", self.write(self.at("released"), self.arrays())).code, 0)
        result = self.adopted("second", self.at("first", "output", self.file))
        self.assertEqual(result.code, 0, result.log)
        with open(self.at("second", "output", "adopt.json"), encoding="utf-8") as stream:
            self.assertEqual(json.load(stream)["format"], "own")

    def test_every_wrong_tensor_is_named(self):
        arrays = self.arrays()
        missing, misshapen, non_finite = list(arrays)[:3]
        del arrays[missing]
        arrays[misshapen] = np.zeros((2, 3), np.float32)
        value = np.array(arrays[non_finite])
        value.flat[0] = np.nan
        arrays[non_finite] = value
        arrays[missing + "_new"] = np.zeros(4, np.float32)
        result = self.adopted("out", self.write(self.at("released"), arrays))
        self.assert_refused(
            result,
            "missing: %s" % missing,
            "%s_new" % missing,
            "%s is 2 x 3" % misshapen,
            "not finite: %s" % non_finite,
        )

    def test_a_checkpoint_of_another_network_is_refused(self):
        others = {"somebody/else%d" % number: np.zeros(number + 1, np.float32) for number in range(3)}
        self.assert_refused(
            self.adopted("out", self.write(self.at("released"), self.renamed(others))), "none of its", "else0"
        )

    def renamed(self, others):
        """Return other names as a checkpoint of this format can hold them."""
        return others

    def test_a_truncated_checkpoint_is_refused(self):
        for name in self.damaged_files:
            checkpoint = self.write(self.at("released-" + name), self.arrays())
            path = os.path.join(checkpoint, name) if os.path.isdir(checkpoint) else checkpoint
            with open(path, "r+b") as stream:
                stream.truncate(os.path.getsize(path) * 2 // 3)
            self.assert_refused(self.adopted("out", checkpoint))

    @property
    def damaged_files(self):
        """The files that are cut short, in turns."""
        return (self.released_file,)

    def test_a_hostile_pickle_runs_nothing(self):
        checkpoint = self.write(self.at("released"), self.arrays())
        path = os.path.join(checkpoint, self.released_file) if os.path.isdir(checkpoint) else checkpoint
        with open(path, "wb") as stream:
            pickle.dump({"icnn": Hostile(self.at("stolen"))}, stream, protocol=2)
        self.assert_refused(self.adopted("out", checkpoint))
        self.assertFalse(os.path.exists(self.at("stolen")))
