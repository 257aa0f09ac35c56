#!/usr/bin/env bash
# One valid AVIF picture is three different pictures in three common readers, so that scores depend on who read the truth:
# - with colours at half resolution (4:2:0) libvips and FFmpeg repeat each colour where libavif (Pillow, OpenCV) interpolates:
#   tens of 255 apart at edges;
# - with values of limited range at full resolution libvips comes out brighter by 0.2 to 0.8 of 255 on average, FFmpeg does not;
# - OpenCV 5.0 answers nothing at all for what libvips writes with its own default metadata, and reads the same file without them;
# - pillow-heif 1.8's wheels have no AVIF any more, neither reading nor writing; its name still registers nothing for it.
#
# Seen on 2026-11-30 with Pillow 13.0.0 (libavif 1.4.2), OpenCV 5.0.0.93, libvips 8.18.7 (pyvips 3.2.0), PyAV 18.1.0,
# pillow-heif 1.8.1, Python 3.11.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 pillow==13.0.0 \
  opencv-python-headless==5.0.0.93 pyvips==3.2.0 pyvips-binary==8.18.7 av==18.1.0 pillow-heif==1.8.1
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import io
import sys

import av
import cv2
import numpy as np
import pillow_heif
import pyvips
from PIL import Image

rng = np.random.default_rng(0)
coarse = Image.fromarray(rng.integers(0, 256, (25, 33, 3), dtype=np.uint8))
picture = np.asarray(coarse.resize((264, 200), Image.Resampling.NEAREST))


def written(subsampling, value_range):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "AVIF", quality=90, subsampling=subsampling, range=value_range)
    return stream.getvalue()


def by_pillow(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def by_vips(data):
    return pyvips.Image.new_from_buffer(data, "").numpy()[..., :3].astype(int)


def by_ffmpeg(data):
    return next(av.open(io.BytesIO(data)).decode(video=0)).to_ndarray(format="rgb24").astype(int)


def by_opencv(data):
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if found is None else found[..., ::-1].astype(int)


def apart(one, other):
    """Return the largest difference, the mean difference, and the PSNR in decibels, of 255."""
    difference = one - other
    error = float((difference**2).mean())
    return int(np.abs(difference).max()), float(difference.mean()), 10 * np.log10(255**2 / error) if error else np.inf


seen = {}
for subsampling, value_range in (("4:4:4", "full"), ("4:2:0", "full"), ("4:4:4", "limited")):
    data = written(subsampling, value_range)
    truth = by_pillow(data)
    for reader in (by_opencv, by_vips, by_ffmpeg):
        largest, mean, psnr = seen[subsampling, value_range, reader.__name__] = apart(reader(data), truth)
        print(f"{subsampling} {value_range:7} {reader.__name__:9} against Pillow: at most {largest:3}, mean {mean:+.2f}, {psnr:.1f} dB")

image = pyvips.Image.new_from_array(picture)
for words, options in (("as it is", {}), ("without metadata", {"keep": "none"})):
    data = image.heifsave_buffer(compression="av1", Q=90, **options)
    seen[words] = by_opencv(data) is not None, by_pillow(data).shape == picture.shape
    print(f"libvips's AVIF {words}: OpenCV reads it: {seen[words][0]}, Pillow reads it: {seen[words][1]}")

try:
    pillow_heif.open_heif(io.BytesIO(written("4:4:4", "full")), convert_hdr_to_8bit=True)[0].to_pillow().load()
    seen["heif"] = "reads AVIF"
except Exception as error:
    seen["heif"] = type(error).__name__
print(f"pillow-heif on an AVIF file: {seen['heif']}; decoders {sorted(pillow_heif.libheif_info()['decoders'])}")

holds = (
    all(seen[key, "full", "by_opencv"][0] == 0 for key in ("4:4:4", "4:2:0"))
    and all(seen["4:4:4", "full", reader][0] <= 2 for reader in ("by_vips", "by_ffmpeg"))
    and all(seen["4:2:0", "full", reader][0] >= 20 for reader in ("by_vips", "by_ffmpeg"))
    and seen["4:4:4", "limited", "by_vips"][1] > 0.2
    and abs(seen["4:4:4", "limited", "by_ffmpeg"][1]) < 0.15
    and seen["as it is"] == (False, True)
    and seen["without metadata"] == (True, True)
    and seen["heif"] != "reads AVIF"
)
print("as seen" if holds else "it has changed")
sys.exit(0 if holds else 1)
PYTHON
