"""Adopting IBCLN's two released checkpoints, and writing them."""

import os
import shutil
import unittest
from typing import ClassVar

import torch
from ibcln2020.network import Cascade
from stand_in import filled

from netkit.torch_files import load_tensors
from tests.networks.adopting_cases import AdoptingCases
from tests.networks.stages import run_stage


class Adopt(AdoptingCases, unittest.TestCase):
    network = "ibcln2020"
    released_file = "final_net_G_T.pth"
    settings: ClassVar = {"cascade": 3}

    @staticmethod
    def arrays():
        return {name: value.numpy() for name, value in filled(Cascade()).state_dict().items()}

    @staticmethod
    def tensors(path):
        return {name: value.numpy() for name, value in load_tensors(path).items()}

    @staticmethod
    def write(path, arrays):
        os.makedirs(path)
        for part in ("G_T", "G_R"):
            state = {
                name.split(".", 1)[1]: torch.from_numpy(value.copy())
                for name, value in arrays.items()
                if name.startswith(part + ".")
            }
            torch.save(state, os.path.join(path, "final_net_%s.pth" % part))
        return path

    def renamed(self, others):
        return {"G_T." + name: value for name, value in others.items()}

    def test_a_missing_file_is_named(self):
        folder = self.write(self.at("released"), self.arrays())
        os.unlink(os.path.join(folder, "final_net_G_R.pth"))
        self.assert_refused(self.adopted("out", folder), "*_net_G_R.pth")

    def test_of_two_epochs_one_is_chosen(self):
        folder = self.write(self.at("released"), self.arrays())
        for part in ("G_T", "G_R"):
            shutil.copy(os.path.join(folder, "final_net_%s.pth" % part), os.path.join(folder, "80_net_%s.PTH" % part))
        self.assert_refused(self.adopted("out", folder), "several epochs: 80, final")
        settings = {"model": self.network, **self.settings, "entry": "80"}
        result = run_stage(self.network, self.at("chosen"), "adopt", settings, {"checkpoint": folder})
        self.assertEqual(result.code, 0, result.log)

    def test_two_files_that_were_given_one_by_one_are_read_and_others_are_said(self):
        folder = self.write(self.at("released"), self.arrays())
        torch.save({"w": torch.zeros(3)}, os.path.join(folder, "final_net_D.pth"))
        self.assertIn("left out, for the network does not use it: final_net_D.pth", self.adopted("whole", folder).log)
        inputs = {"checkpoint.%s" % part: os.path.join(folder, "final_net_%s.pth" % part) for part in ("G_T", "G_R")}
        settings = {"model": self.network, **self.settings}
        result = run_stage(self.network, self.at("parts"), "adopt", settings, inputs)
        self.assertEqual(result.code, 0, result.log)


if __name__ == "__main__":
    unittest.main()
