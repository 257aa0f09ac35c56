"""What `data add` takes `run` takes, and as the same: the table of kinds, read in images that have another Pillow."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orchestrator.datasets.picture_reading import UnusablePicture, read_rgb
from tests.photos.picture_kinds import picture_kinds

ROOT = Path(__file__).resolve().parents[2]
READER = """
import sys
from pathlib import Path
import json
import numpy as np
from orchestrator.datasets.picture_reading import UnusablePicture, read_rgb

told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        picture = read_rgb(path)
    except UnusablePicture as error:
        told[path.name] = str(error)
        continue
    told[path.name] = list(picture.notes)
    np.save(Path(sys.argv[2]) / (path.name + ".npy"), picture.pixels)
print(json.dumps(told))
"""
DECODERS_DB = 45
"""How far two versions of a decoder or of a colour engine may lie apart: about a level."""


@pytest.mark.environment
@pytest.mark.parametrize("image", ["metrics", "inference"])
def test_a_file_is_read_in_an_image_as_it_is_here(
    image: str, image_python: Callable[[str], Path], tmp_path: Path
) -> None:
    files, seen = tmp_path / "files", tmp_path / "seen"
    files.mkdir()
    seen.mkdir()
    for kind in picture_kinds():
        kind.write(files / kind.name)
    done = subprocess.run(
        [str(image_python(image)), "-W", "ignore", "-c", READER, str(files), str(seen)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {path.name: here(path) for path in files.iterdir()}
    for path in files.iterdir():
        if isinstance(told[path.name], list):
            difference = np.load(seen / (path.name + ".npy")).astype(float) - read_rgb(path).pixels
            assert np.mean(difference**2) <= 255**2 / 10 ** (DECODERS_DB / 10), path.name


def here(path: Path) -> list[str] | str:
    """Return a file's notes, or why it is refused."""
    try:
        return list(read_rgb(path).notes)
    except UnusablePicture as error:
        return str(error)
