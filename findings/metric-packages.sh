#!/usr/bin/env bash
# Four public packages that score one picture against another, on the same pair of 8-bit pictures.
#
# Seen on 2026-11-29 with Python 3.11, numpy 1.26.4, scikit-image 0.20.0 (the reference: 24.21 dB, SSIM 0.9567 and 0.9606):
# - fast-ssim 1.4.0 takes floats in 0 to 1 without a word and measures them against 255: the same pair reads
#   72.34 dB and 0.9995 instead of 24.21 dB and 0.9567.
# - image-similarity-measures 0.3.6 measures against 4095 unless told otherwise: 48.33 dB and 0.9894. Its spectral angle
#   multiplies in 8 bits, which wraps around: 89.5 degrees, where the same values as floats give 5.6. Its information
#   theoretic measure (issm) is 0 for this pair and 0 for a picture and itself.
# - blazediff-ssim 6.1.1 makes pictures smaller before it looks (as ssim.m of 2009 does): a checkerboard of plus and
#   minus 25 levels over 1024 x 1024 pixels, 20.2 dB and an SSIM of 0.876 at full size, scores exactly 1.
# - sewar 0.4.10 scores the pair in either range as the reference does, but for another padding of SSIM's window.
#
# Exits 0 while all of that holds, 1 where a value has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==1.26.4 scikit-image==0.20.0 fast-ssim==1.4.0 \
  image-similarity-measures==0.3.6 blazediff-ssim==6.1.1 sewar==0.4.10
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import sys

import blazediff_ssim
import fast_ssim
import numpy as np
import sewar
from image_similarity_measures import quality_metrics as measures
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

height, width = 301, 443
y, x = np.mgrid[:height, :width].astype(float)
truth = np.stack(
    [
        127 + 100 * np.sin(x / 9) * np.cos(y / 23),
        127 + 90 * np.cos((x + y) / 31) * np.sin(y / 7),
        60 + ((x * 3 + y * 5) % 113),
    ],
    axis=-1,
).round().astype(np.uint8)
veil = np.stack([20 + 20 * np.sin(x / 17), 30 + 10 * np.cos(y / 11), 0.2 * ((x + y) % 97)], axis=-1)
blended = np.clip(0.8 * truth + veil, 0, 255).round().astype(np.uint8)
unit = [(picture / 255).astype(np.float32) for picture in (truth, blended)]
doubles = [picture.astype(float) for picture in (truth, blended)]


def rgba(picture):
    return np.concatenate([picture, np.full((*picture.shape[:2], 1), 255, np.uint8)], axis=-1).tobytes()


side = 1024
row, column = np.mgrid[:side, :side]
plain = (127 + 100 * np.sin(column / 1.3) * np.cos(row / 1.7)).astype(np.uint8)
checked = np.clip(plain.astype(int) + np.where((row + column) % 2, 25, -25), 0, 255).astype(np.uint8)
coloured = [rgba(np.repeat(picture[..., None], 3, axis=2)) for picture in (plain, checked)]
gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}

seen = {
    "reference psnr": (peak_signal_noise_ratio(truth, blended), 24.2096),
    "reference ssim, 7 x 7": (structural_similarity(truth, blended, channel_axis=2), 0.9567),
    "reference ssim, gaussian": (structural_similarity(truth, blended, channel_axis=2, **gaussian), 0.9606),
    "fast-ssim psnr, 8 bits": (fast_ssim.psnr(truth, blended), 24.2096),
    "fast-ssim psnr, 0 to 1": (fast_ssim.psnr(*unit), 72.3404),
    "fast-ssim ssim, 8 bits": (fast_ssim.ssim(truth, blended), 0.9567),
    "fast-ssim ssim, 0 to 1": (fast_ssim.ssim(*unit), 0.9995),
    "image-similarity-measures psnr": (measures.psnr(truth, blended), 48.3275),
    "image-similarity-measures ssim": (measures.ssim(truth, blended), 0.9894),
    "image-similarity-measures sam, 8 bits": (measures.sam(truth, blended), 89.4858),
    "image-similarity-measures sam, floats": (measures.sam(*doubles), 5.5578),
    "image-similarity-measures issm": (measures.issm(truth, blended), 0.0),
    "image-similarity-measures issm, identical": (measures.issm(truth, truth), 0.0),
    "sewar psnr, 8 bits": (sewar.psnr(truth, blended), 24.2096),
    "sewar psnr, 0 to 1": (sewar.psnr(*unit), 24.2096),
    "sewar ssim": (sewar.ssim(truth, blended)[0], 0.9544),
    "reference ssim, checkerboard": (structural_similarity(plain, checked, **gaussian), 0.8760),
    "blazediff-ssim, checkerboard": (blazediff_ssim.compare_rgba(*coloured, side, side).score, 1.0),
}
changed = 0
for name, (value, expected) in seen.items():
    same = abs(float(value) - expected) < 1e-3
    changed += not same
    print(f"{name:45} {float(value):9.4f} {'' if same else f'CHANGED, was {expected}'}")
sys.exit(1 if changed else 0)
PYTHON
