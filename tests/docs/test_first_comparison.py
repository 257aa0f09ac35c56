"""docs/tutorial/first-comparison.md runs as it is written, with six pairs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage import data

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "tutorial" / "first-comparison.md"
CORNERS = {
    "face": (0, 130),
    "badges": (290, 90),
    "shuttle": (0, 256),
    "cup": (5, 150),
    "spoon": (200, 230),
    "table": (200, 20),
}
"""Where the scenes begin in two photographs on which no network of the catalogue is trained: row, column."""


def write_pairs(folder: Path) -> None:
    """Write six pairs as the page names them: a scene, and the same with a blurred other one before it."""
    photographs = [data.astronaut()] * 3 + [data.coffee()] * 3
    scenes = [
        Image.fromarray(photograph[top : top + 192, left : left + 256]).resize((128, 96))
        for photograph, (top, left) in zip(photographs, CORNERS.values(), strict=True)
    ]
    folder.mkdir()
    for number, (name, scene) in enumerate(zip(CORNERS, scenes, strict=True)):
        other = np.asarray(scenes[number - 3].filter(ImageFilter.GaussianBlur(2)), np.float64)
        blended = np.clip(np.round(0.8 * np.asarray(scene, np.float64) + 0.4 * other), 0, 255).astype(np.uint8)
        Image.fromarray(blended).save(folder / f"{name}-input.png")
        scene.save(folder / f"{name}-truth.png")


@pytest.mark.slow
@pytest.mark.environment
def test_the_tutorial_runs_as_it_is_written(tmp_path: Path) -> None:
    write_pairs(tmp_path / "my-pairs")
    store = tmp_path / ".sirr"
    store.mkdir()
    (store / "environments").symlink_to(ROOT / ".sirr" / "environments")
    script = [text for language, text in blocks(PAGE) if not language]
    assert len(script) == 4
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=tmp_path,
        # No Docker engine answers there: everything runs in local environments.
        env={**os.environ, "PATH": path, "DOCKER_HOST": "unix:///nonexistent/docker.sock"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    report = tmp_path / ".sirr" / "runs" / "first" / "report"
    assert (report / "index.html").is_file()
    assert "toprule" in (tmp_path / "scores.tex").read_text()
    rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert {"ibcln2020", "yang2019"} <= {cell for row in rows for cell in row.split(",")}
    assert (tmp_path / "first.html").stat().st_size > 10_000
    assert len(list((report / "pictures").glob("my-pairs/*/input.png"))) == 6
