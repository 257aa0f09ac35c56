"""What files of pictures tell beside their pixels, as our own code reads it: TIFF, PNG, JPEG 2000, HEIF, EXIF, XMP."""

import io
import random
import struct

import numpy as np
from PIL import Image

from orchestrator.datasets.jpeg2000 import bits, without_profile
from orchestrator.datasets.picture_reading import UnusablePicture, refuse_unread_tiff
from orchestrator.datasets.png_chunks import frames
from orchestrator.datasets.stated_colours import stated_colours
from orchestrator.datasets.tiff import HEADS, stream_facts
from orchestrator.photos.exif import without_thumbnail
from orchestrator.photos.heif import heif_coding, heif_colours
from orchestrator.photos.xmp import without_attachments
from tests.fuzz.mutation import changed_bytes
from tests.fuzz.target import Scratch

EXECUTIONS = 4_000

_SCRATCH = Scratch()
_XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<r:RDF><r:Description xmlns:g="http://ns.adobe.com/hdr-gain-map/1.0/" g:Version="1.0">
<g:Gamma>1</g:Gamma><a>text</a></r:Description></r:RDF></x:xmpmeta>"""


def seeds() -> list[bytes]:
    picture = Image.fromarray(np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3))
    exif = Image.Exif()
    exif[274] = 3
    found = [exif.tobytes(), _XMP]
    for kind, options in (("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("PNG", {}), ("JPEG", {"exif": exif})):
        stream = io.BytesIO()
        picture.save(stream, kind, **options)
        found.append(stream.getvalue())
    boxes = struct.pack(">I4s", 23, b"colr") + b"\2\0\0" + bytes(12)
    found.append(struct.pack(">I4s", 8 + len(boxes), b"jp2h") + boxes)
    heif = struct.pack(">I4s", 19, b"colr") + b"nclx" + struct.pack(">HHHB", 9, 16, 9, 128)
    for kind, head in ((b"ipco", b""), (b"iprp", b""), (b"meta", bytes(4))):
        heif = struct.pack(">I4s", 8 + len(head) + len(heif), kind) + head + heif
    return [*found, struct.pack(">I4s", 20, b"ftyp") + b"avif\0\0\0\0heic" + heif]


def fuzz_one(data: bytes) -> None:
    path = _SCRATCH.file("picture", data)
    if data.startswith(HEADS):
        try:
            refuse_unread_tiff(stream_facts(io.BytesIO(data)))
        except UnusablePicture:
            return
    assert frames(path) >= 1
    assert bits(path) >= 1
    stated_colours(path)
    heif_coding(path)
    heif_colours(path)
    assert isinstance(without_profile(data)[0], bytes)
    assert len(without_thumbnail(data)) == len(data)
    without_attachments(data)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Return other bytes; where they are XMP, now and then with many levels."""
    if data.startswith(b"<") and rng.random() < 0.05:
        depth = rng.choice((10, 500, 5_000))
        return data.replace(b"text", b"<b>" * depth + b"</b>" * depth)
    return changed_bytes(data, rng)
