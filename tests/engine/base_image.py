"""A Docker image for the tests, made without a registry: this interpreter, what it links to, stagekit and a program."""

import hashlib
import io
import json
import re
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

import stagekit
from orchestrator.conformance import engine_program
from orchestrator.process import run

REPOSITORY = "sirr-orch-test-engine"
PROGRAM = Path(engine_program.__file__)
_CONTRACT = Path(stagekit.__file__).parent
_LEFT_OUT = {
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "__pycache__",
    "idlelib",
    "tkinter",
    "ensurepip",
    "lib2to3",
}


def engine_image(client) -> str:
    """Return the id of the image, made where it is not there yet; images of older contents are removed."""
    tag = f"{REPOSITORY}:{_digest()[:16]}"
    for image in client.images.list():
        names = [name.split("/")[-1] for name in image.tags]  # Podman puts a registry in front
        if tag in names:
            return image.id
        if any(name.startswith(f"{REPOSITORY}:") for name in names):
            client.images.remove(image.id, force=True)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        _fill(tar)
    changes = ["ENV PYTHONPATH=/program", "ENV PATH=/interpreter:/bin"]
    said = client.api.import_image_from_data(archive.getvalue(), repository=REPOSITORY, changes=changes)
    made = json.loads(said)["status"]
    client.api.tag(made, REPOSITORY, tag.split(":")[1])  # Podman has no ear for the tag of an import
    return made


def _digest() -> str:
    digest = hashlib.sha256(sys.version.encode() + Path(__file__).read_bytes())
    for path in sorted([PROGRAM, *_CONTRACT.rglob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _fill(tar: tarfile.TarFile) -> None:
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    linked = {interpreter, *(path for path in library.glob("lib-dynload/*.so"))}
    for path in {interpreter, *(found for binary in linked for found in _linked(binary))}:
        tar.add(path.resolve(), str(path), recursive=False)
    for path in _files(library):
        tar.add(path, str(path), recursive=False)
    link = tarfile.TarInfo("interpreter/python")
    link.type, link.linkname = tarfile.SYMTYPE, str(interpreter)
    tar.addfile(link)
    for path in _CONTRACT.rglob("*.py"):
        tar.add(path, f"program/stagekit/{path.relative_to(_CONTRACT).as_posix()}")
    tar.add(PROGRAM, f"program/{PROGRAM.name}")
    for name in ("tmp", "stage", "inputs", "proc", "sys", "dev"):
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(folder)


def _linked(binary: Path) -> Iterator[Path]:
    for line in run(["ldd", str(binary)]).stdout.splitlines():
        found = re.search(r"(/\S+)", line)
        if found:
            yield Path(found.group(1))


def _files(library: Path) -> Iterator[Path]:
    for path in sorted(library.rglob("*")):
        parts = path.relative_to(library).parts
        if path.is_file() and not _LEFT_OUT.intersection(parts) and not parts[0].startswith("config-"):
            yield path
