"""Tensor files of this image's PyTorch, read without it."""

import unittest

from tests.networks.tensor_file_cases import TensorFileCases


class AsPyTorchReadsThem(TensorFileCases, unittest.TestCase):
    """Random files of this image's PyTorch."""


if __name__ == "__main__":
    unittest.main()
