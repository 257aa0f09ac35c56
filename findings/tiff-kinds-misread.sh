#!/usr/bin/env bash
# Valid TIFF files that two common readers turn into another picture without a word, each right in the other one, so that a
# comparison whose data goes through Pillow and whose inference goes through libvips scores two different pictures:
# - Pillow reads uncompressed 16-bit RGB in separate planes as 8-bit planes, and leaves 16-bit grey of the kind "white is zero" inverted;
# - libvips drops PNG's chunks cICP and gAMA, so that a picture that it copies means other colours.
#
# Seen on 2026-11-30 with Pillow 13.0.0, libvips 8.18.7 (pyvips 3.2.0), tifffile 2025.5.10, Python 3.11.
#
# Exits 0 while that holds, 1 where it has changed, another status where the packages cannot be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  pillow==13.0.0 pyvips==3.2.0 pyvips-binary==8.18.7 tifffile==2025.5.10 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import struct
import sys
import zlib

import numpy as np
import pyvips
import tifffile
from PIL import Image

rows, columns = 40, 56
ramp = np.linspace(2000, 60000, rows * columns).reshape(rows, columns)
colour = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1).astype(np.uint16)
tifffile.imwrite("planes.tif", colour.transpose(2, 0, 1), photometric="rgb", planarconfig="separate")
tifffile.imwrite("white-is-zero.tif", 65535 - colour[..., 0], photometric="miniswhite")


def eight_bits(values):
    """Return values as 8 bits, whatever depth a reader gave."""
    values = np.asarray(values)
    return np.rint(values / 257).astype(int) if values.dtype.itemsize > 1 else values.astype(int)


def by_pillow(name):
    with Image.open(name) as picture:
        return eight_bits(np.asarray(picture))


def by_vips(name):
    return eight_bits(pyvips.Image.new_from_file(name).numpy())


found = {}
for name, meant in (("planes.tif", colour), ("white-is-zero.tif", colour[..., 0])):
    for reader in (by_pillow, by_vips):
        off = int(np.abs(reader(name).reshape(-1) - eight_bits(meant).reshape(-1)).max())
        found[name, reader.__name__] = off
        print(f"{name} {reader.__name__}: at most {off} of 255 off")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


Image.fromarray((colour >> 8).astype(np.uint8)).save("plain.png")
plain = open("plain.png", "rb").read()
head = 8 + 25
for kind, content in ((b"gAMA", struct.pack(">I", 100000)), (b"cICP", bytes([1, 8, 0, 1]))):
    with open("meant.png", "wb") as stream:
        stream.write(plain[:head] + chunk(kind, content) + plain[head:])
    pyvips.Image.new_from_file("meant.png").write_to_file("copied.png")
    kept = kind in open("copied.png", "rb").read()
    found[kind] = kept
    print(f"PNG {kind.decode()} (linear): {'kept' if kept else 'dropped'} by libvips")
sys.exit(
    not (
        found["planes.tif", "by_pillow"] > 50
        and found["planes.tif", "by_vips"] <= 1
        and found["white-is-zero.tif", "by_pillow"] > 50
        and found["white-is-zero.tif", "by_vips"] <= 1
        and not found[b"gAMA"]
        and not found[b"cICP"]
    )
)
PYTHON
