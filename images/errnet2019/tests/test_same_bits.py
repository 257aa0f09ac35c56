"""The discriminator's gradients are the same bits every time, as engines run it."""

import os
import subprocess
import sys
import unittest

# MKL reads its settings once, at its first call: the gradients are computed in a process of their own.
GRADIENTS = """
import hashlib
import numpy as np, torch
from errnet2019.discriminator import Discriminator
from errnet2019.losses import relativistic_losses

torch.manual_seed(3)
discriminator = Discriminator()
real, fake = torch.rand(2, 1, 3, 32, 32)
sizes = np.random.default_rng(0)
for _ in range(40):
    elsewhere = [torch.empty(int(sizes.integers(1, 200000))) for _ in range(int(sizes.integers(0, 9)))]
    discriminator.zero_grad(set_to_none=True)
    _, loss = relativistic_losses(discriminator(real), discriminator(fake))
    loss.backward()
    digest = hashlib.sha256()
    for parameter in discriminator.parameters():
        digest.update(parameter.grad.numpy().tobytes())
    print(digest.hexdigest())
"""


class SameBits(unittest.TestCase):
    def test_gradients_are_the_same_every_time(self):
        # As every engine has it, see orchestrator/engine/program.py.
        environment = {**os.environ, "MKL_CBWR": "AUTO", "OMP_NUM_THREADS": "2", "OMP_DYNAMIC": "FALSE"}
        done = subprocess.run(
            [sys.executable, "-c", GRADIENTS], env=environment, stdout=subprocess.PIPE, check=True, encoding="utf-8"
        )
        digests = done.stdout.split()
        self.assertEqual((len(digests), len(set(digests))), (40, 1))


if __name__ == "__main__":
    unittest.main()
