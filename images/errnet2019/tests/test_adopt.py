"""Adopting ERRNet's released checkpoint, and writing it."""

import json
import os
import unittest

import torch
from errnet2019.network import Generator
from stand_in import filled

from netkit.torch_files import load_tensors
from tests.networks.adopting_cases import AdoptingCases
from tests.networks.stages import run_stage


class Adopt(AdoptingCases, unittest.TestCase):
    network = "errnet2019"
    released_file = "errnet2019.pt"

    @staticmethod
    def arrays():
        return {name: value.numpy() for name, value in filled(Generator()).state_dict().items()}

    @staticmethod
    def tensors(path):
        return {name: value.numpy() for name, value in load_tensors(path).items()}

    @staticmethod
    def write(path, arrays):
        state = {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}
        adam = {"state": {0: {"step": 7, "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
        os.makedirs(path)
        file = os.path.join(path, "errnet_060_00463920.pt")
        torch.save({"icnn": state, "opt_g": adam, "epoch": 60, "iterations": 463920}, file)
        return file

    def test_the_older_file_format_is_read(self):
        state = {name: torch.from_numpy(value) for name, value in self.arrays().items()}
        torch.save({"icnn": state}, self.at("old.pt"), _use_new_zipfile_serialization=False)
        result = self.adopted("old", self.at("old.pt"))
        self.assertEqual(result.code, 0, result.log)

    def test_wrapped_and_prefixed_weights_are_taken_and_said(self):
        state = {"module." + name: torch.from_numpy(value) for name, value in self.arrays().items()}
        torch.save({"params": state, "netD": {"w": torch.zeros(3)}}, self.at("wrapped.pt"))
        result = self.adopted("wrapped", self.at("wrapped.pt"))
        self.assertEqual(result.code, 0, result.log)
        with open(self.at("wrapped", "output", "adopt.json"), encoding="utf-8") as stream:
            notes = " | ".join(json.load(stream)["notes"])
        for part in ("entry 'params'", "'module.' was left out", "'netD' (1 tensor)"):
            self.assertIn(part, notes)
            self.assertIn(part, result.log)

    def test_of_two_sets_of_weights_one_is_chosen_by_its_entry(self):
        state = {name: torch.from_numpy(value) for name, value in self.arrays().items()}
        torch.save({"params": state, "params_ema": state}, self.at("two.pt"))
        self.assert_refused(self.adopted("out", self.at("two.pt")), "'params', 'params_ema'")
        settings = {"model": self.network, "entry": "params_ema"}
        inputs = {"checkpoint": self.at("two.pt")}
        result = run_stage(self.network, self.at("chosen"), "adopt", settings, inputs)
        self.assertEqual(result.code, 0, result.log)


if __name__ == "__main__":
    unittest.main()
