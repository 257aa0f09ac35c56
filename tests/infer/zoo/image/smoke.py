"""The environment's smoke test: everything that the zoo is made of can be imported."""

import torch
from zoo_networks.architectures import ARCHITECTURES

assert torch.__version__ == "2.13.0+cpu", torch.__version__
assert len(ARCHITECTURES) >= 25
