"""Archives of pictures: zip and tar files that are unpacked before a dataset is made of them."""

import contextlib
import io
import os
import random
import tarfile

from orchestrator.datasets.raw.unpack import UnpackLimits, unpack
from orchestrator.errors import InputInvalid
from tests.fuzz.mutation import changed_bytes, changed_zip, zipped
from tests.fuzz.target import Scratch

EXECUTIONS = 1_500

_SCRATCH = Scratch()
_LIMITS = UnpackLimits(members=40, member_bytes=1 << 16, total_bytes=1 << 18)
_FILES = {"set/blended/1.png": b"\x89PNG" * 20, "set/transmission_layer/1.png": b"pixels" * 9, "readme.txt": b""}


def seeds() -> list[bytes]:
    packed = zipped([(name, content, way) for name, content in _FILES.items() for way in (8,)])
    return [packed, _tar("w:"), _tar("w:gz")]


def _tar(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for name, content in _FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def fuzz_one(data: bytes) -> None:
    name = "a.zip" if data.startswith(b"PK") else "a.tar.gz" if data.startswith(b"\x1f\x8b") else "a.tar"
    archive = _SCRATCH.file(name, data)
    folder = _SCRATCH.folder / "unpacked"
    with contextlib.suppress(InputInvalid):
        unpack(archive, folder, lambda _done, _total: None, _LIMITS)
    archive.unlink()
    assert set(os.listdir(_SCRATCH.folder)) <= {"unpacked"}, "written beside its folder"
    found = [os.path.join(place, name) for place, _, names in os.walk(folder) for name in names]
    assert not any(os.path.islink(path) for path in found)
    assert sum(os.path.getsize(path) for path in found) <= _LIMITS.total_bytes + 4096


def mutate(data: bytes, rng: random.Random) -> bytes:
    if data.startswith(b"PK"):
        return changed_zip(data, rng, lambda _name, content, source: changed_bytes(content, source))
    return changed_bytes(data, rng)
