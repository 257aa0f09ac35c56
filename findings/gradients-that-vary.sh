#!/usr/bin/env bash
# PyTorch on the CPU, two threads: the gradient of a convolution's input has other last digits from one repetition to the
# next, in one process, with the same numbers and the same seed, where the map is one or two pixels wide.
# torch.use_deterministic_algorithms(True) raises nothing and changes nothing; nor do MKL_DYNAMIC=FALSE and
# OMP_DYNAMIC=FALSE. The environment variable MKL_CBWR=AUTO, which MKL reads at its first call, gives the same bits every
# time, and so does one thread.
#
# Seen on 2026-11-29 with torch 2.13.0 (CPU) on an x86-64 processor with AVX-512 (and with torch 2.4.1 in Python 3.8, not
# run here): 200 repetitions, 64 and 512 channels, 3 x 3, maps of 1 x 1: 2 to 4 different gradients of the input, 4e-8 to
# 4e-7 apart; outputs and gradients of weights never differ. A GAN's discriminator ends in such maps when it is trained on
# small crops, and two equal trainings part.
#
# Exits 0 while that holds, 1 where it has changed (on another kind of processor too), another status where torch cannot
# be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 torch==2.13.0
cat >"$folder/repeat.py" <<'PYTHON'
import hashlib
import sys

import numpy as np
import torch

torch.set_num_threads(int(sys.argv[1]))
torch.use_deterministic_algorithms(True)
torch.manual_seed(0)
sizes = np.random.default_rng(0)


def digest(tensor):
    return hashlib.sha256(tensor.detach().contiguous().numpy().tobytes()).hexdigest()


most = {"output": 0, "input": 0, "weights": 0}
for channels in (64, 512):
    weights = torch.randn(channels, channels, 3, 3, requires_grad=True)
    picture = torch.rand(1, channels, 1, 1)
    seen = {name: set() for name in most}
    for _ in range(200):
        elsewhere = [torch.empty(int(sizes.integers(1, 200000))) for _ in range(int(sizes.integers(0, 9)))]
        given = picture.clone().requires_grad_(True)
        weights.grad = None
        output = torch.nn.functional.conv2d(given, weights, stride=2, padding=1)
        output.backward(torch.linspace(-1, 1, output.numel()).reshape(output.shape))
        for name, tensor in (("output", output), ("input", given.grad), ("weights", weights.grad)):
            seen[name].add(digest(tensor))
    most = {name: max(count, len(seen[name])) for name, count in most.items()}
print(*most.values())
PYTHON
changed=0
look() { # threads, environment, whether gradients of the input may differ
  read -r output input weights < <(env -u MKL_CBWR "$2" OMP_NUM_THREADS="$1" "$folder/venv/bin/python" "$folder/repeat.py" "$1")
  echo "$1 threads, $2: $output outputs, $input gradients of the input, $weights of the weights"
  if [ "$output $weights" != "1 1" ] || { [ "$3" = differ ] && [ "$input" = 1 ]; } || { [ "$3" = same ] && [ "$input" != 1 ]; }; then
    changed=1
  fi
}
look 2 MKL_DYNAMIC=FALSE differ
look 2 MKL_CBWR=AUTO same
look 1 MKL_DYNAMIC=FALSE same
exit $changed
