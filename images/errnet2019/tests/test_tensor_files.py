"""Tensor files: what is read, what is refused, and that nothing inside a file ever runs."""

import collections
import os
import pickle
import shutil
import tempfile
import unittest
import warnings
import zipfile

import torch
from torch import nn

from netkit.torch_files import fill, load_plain, load_tensors, save_plain, save_tensors
from stagekit import BadInput
from tests.networks.tensor_file_cases import TensorFileCases


class Hostile:
    """Pickles as a call that leaves a file behind."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class ThroughTorch:
    """Pickles as a call of PyTorch's own loader, which is unrestricted."""

    def __init__(self, path: str) -> None:
        self.content = pickle.dumps(Hostile(path))

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.content,)


class AsPyTorchReadsThem(TensorFileCases, unittest.TestCase):
    """Random files of this image's PyTorch."""


class TensorFiles(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "file.pt")
        self.trace = os.path.join(self.folder, "was-here")

    def test_saved_tensors_come_back(self):
        tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(3, dtype=torch.int64)}
        save_tensors(self.path, tensors)
        found = load_tensors(self.path)
        self.assertEqual(list(found), ["a", "b"])
        self.assertTrue(all(torch.equal(found[name], tensors[name]) for name in tensors))

    def test_a_view_is_saved_without_the_rest_of_its_storage(self):
        save_tensors(self.path, {"a": torch.zeros(1000, 1000)[0]})
        self.assertLess(os.path.getsize(self.path), 10_000)

    def test_both_formats_are_read(self):
        state = nn.Conv2d(3, 4, 3).state_dict()
        for zipped in (True, False):
            with self.subTest(zipped=zipped):
                torch.save(state, self.path, _use_new_zipfile_serialization=zipped)
                self.assertEqual(zipfile.is_zipfile(self.path), zipped)
                self.assertTrue(torch.equal(load_tensors(self.path)["weight"], state["weight"]))

    def test_an_entry_of_a_training_checkpoint_is_found(self):
        adam = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
        save_plain(
            self.path, {"icnn": collections.OrderedDict(w=torch.ones(2)), "opt_g": adam.state_dict(), "epoch": 60}
        )
        self.assertEqual(load_tensors(self.path, ("icnn",))["w"].tolist(), [1, 1])
        self.assertEqual(load_plain(self.path)["epoch"], 60)
        with self.assertRaisesRegex(BadInput, "no entry 'netD'"):
            load_tensors(self.path, ("netD",))
        with self.assertRaisesRegex(BadInput, "names to tensors"):
            load_tensors(self.path)

    def test_a_hostile_pickle_never_runs(self):
        for content in (Hostile(self.trace), {"icnn": Hostile(self.trace)}, ThroughTorch(self.trace)):
            for zipped in (True, False):
                with self.subTest(content=type(content).__name__, zipped=zipped):
                    torch.save(content, self.path, _use_new_zipfile_serialization=zipped)
                    with self.assertRaises(BadInput):
                        load_plain(self.path)
                    self.assertFalse(os.path.exists(self.trace))

    def test_a_hostile_bare_pickle_never_runs(self):
        with open(self.path, "wb") as stream:
            pickle.dump(Hostile(self.trace), stream)
        with self.assertRaises(BadInput):
            load_plain(self.path)
        self.assertFalse(os.path.exists(self.trace))

    def test_a_program_is_refused(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            torch.jit.save(torch.jit.script(nn.ReLU()), self.path)
        with self.assertRaisesRegex(BadInput, "TorchScript"):
            load_plain(self.path)

    def test_missing_empty_and_truncated_files_are_refused(self):
        with self.assertRaisesRegex(BadInput, "absent.pt"):
            load_plain(os.path.join(self.folder, "absent.pt"))
        save_tensors(self.path, {"a": torch.zeros(1000)})
        with open(self.path, "rb") as stream:
            content = stream.read()
        for length in (0, 10, len(content) // 2):
            with self.subTest(length=length):
                with open(self.path, "wb") as stream:
                    stream.write(content[:length])
                with self.assertRaises(BadInput):
                    load_plain(self.path)

    def test_a_file_of_text_is_refused_with_more_than_a_number(self):
        with open(self.path, "wb") as stream:
            stream.write(b"hello\n")
        with self.assertRaisesRegex(BadInput, "a text that begins 'hello'"):
            load_plain(self.path)

    def test_filling_with_other_names_changes_nothing(self):
        layer = nn.Linear(2, 2)
        before = layer.weight.clone()
        with self.assertRaisesRegex(BadInput, "missing: bias"):
            fill(layer, {"weight": torch.zeros(2, 2)}, "the file")
        self.assertTrue(torch.equal(layer.weight, before))


if __name__ == "__main__":
    unittest.main()
