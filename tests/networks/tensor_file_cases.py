"""What a file of tensors must be read as: what PyTorch itself reads, whatever was drawn for it. Python 3.8.

An image's own tests inherit `TensorFileCases`, so that files of each PyTorch version are read.
"""

import collections
import inspect
import os
import random
import shutil
import tempfile

import torch

from netkit.torch_files import load_plain

KINDS = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool)


def drawn_tensor(draw):
    """Return a tensor of a drawn type and shape, often a view of a larger one."""
    shape = [draw.randint(0, 4) for _ in range(draw.randint(0, 4))]
    whole = (torch.rand([side + 2 for side in shape]) * 100).to(draw.choice(KINDS))
    view = whole
    for axis, side in enumerate(shape):
        view = view.narrow(axis, draw.randint(0, 2), side)
    if len(shape) > 1 and draw.random() < 0.5:
        view = view.transpose(0, 1)
    if draw.random() < 0.2:
        view = view.unsqueeze(0).expand(3, *view.shape)
    if view.dtype == torch.float32 and draw.random() < 0.3:
        return torch.nn.Parameter(view, requires_grad=draw.random() < 0.5)
    return view if draw.random() < 0.5 else view.clone()


def drawn_content(draw, depth=3):
    """Return nested containers of tensors, numbers and texts; some tensors share their memory."""
    kind = draw.randint(0, 7 if depth else 3)
    if kind == 0:
        return draw.choice([None, True, 3, -(2**40), 1.5, "name", "\u00fc", b"raw"])
    if kind <= 3:
        return drawn_tensor(draw)
    if kind == 4:
        shared = torch.arange(12.0)
        return {"all": shared, "odd": shared[1::2], "rows": shared.view(3, 4).t()}
    inner = [drawn_content(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    if kind == 5:
        return inner
    if kind == 6:
        return tuple(inner)
    return collections.OrderedDict(("name%d.weight" % number, value) for number, value in enumerate(inner))


def as_pytorch_reads(path):
    """Return the content of a file that this test has written itself."""
    limits = {"weights_only": False} if "weights_only" in inspect.signature(torch.load).parameters else {}
    return torch.load(path, map_location="cpu", **limits)


class TensorFileCases:
    """Mixed into a unittest.TestCase."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "file.pt")

    def assert_same(self, found, expected):
        if isinstance(expected, torch.Tensor):
            self.assertEqual((found.dtype, found.shape), (expected.dtype, expected.shape))
            self.assertTrue(torch.equal(found, expected.detach()))
        elif isinstance(expected, dict):
            self.assertEqual(list(found), list(expected))
            for key, value in expected.items():
                self.assert_same(found[key], value)
        elif isinstance(expected, (list, tuple)):
            self.assertEqual((type(found), len(found)), (type(expected), len(expected)))
            for place, value in enumerate(expected):
                self.assert_same(found[place], value)
        else:
            self.assertEqual(found, expected)

    def test_random_files_are_read_as_pytorch_reads_them(self):
        for seed in range(60):
            for zipped in (True, False):
                with self.subTest(seed=seed, zipped=zipped):
                    torch.manual_seed(seed)
                    content = {"content": drawn_content(random.Random(seed))}
                    torch.save(content, self.path, _use_new_zipfile_serialization=zipped)
                    self.assert_same(load_plain(self.path), as_pytorch_reads(self.path))

    def test_networks_and_optimisers_are_read_as_pytorch_reads_them(self):
        network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
        adam = torch.optim.Adam(network.parameters())
        network(torch.rand(2, 3, 8, 8)).sum().backward()
        adam.step()
        content = {"network": network.state_dict(), "adam": adam.state_dict(), "epoch": 3}
        for protocol in (2, 3, 4):
            for zipped in (True, False):
                with self.subTest(zipped=zipped, protocol=protocol):
                    torch.save(content, self.path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
                    self.assert_same(load_plain(self.path), as_pytorch_reads(self.path))
