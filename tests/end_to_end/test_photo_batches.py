"""Batches of a user's files through the command line, with the real programs: what goes wrong, and what is kept."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.test_photos import halving  # noqa: F401 - a fixture
from tests.photos.photo_files import read_png, values, write

pytestmark = [pytest.mark.environment, pytest.mark.slow]


def state(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def test_a_folder_of_all_sorts_gives_every_result_that_there_can_be(local_program, halving, tmp_path):  # noqa: F811
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    write(folder / "photo-2.png", values(8, 3, 20, 24))
    write(folder / "photo.png", values(16, 3, 21, 25))
    write(folder / "photo.tif", values(8, 3, 22, 26))
    Image.fromarray(values(8, 3, 23, 27)).save(folder / "whole.jpg")
    whole = (folder / "whole.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / "desktop.ini").write_bytes(b"[x]")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "noending").write_bytes(whole)
    (folder / os.fsdecode(b"latin1-\xe9.jpg")).write_bytes(whole)
    before = state(folder)
    local_program("build", "inference", "--engine", "local")
    out = tmp_path / "results"
    given = sorted(folder.iterdir())
    said = local_program("infer", *given, "--onnx", halving, "--out", out, "--engine", "local", code=13)
    assert state(folder) == before
    results = {path.name for path in out.iterdir() if "-reflection" not in path.name}
    odd = os.fsdecode(b"latin1-\xe9.png")
    assert results == {"photo-2.png", "photo.png", "photo-3.tif", "whole.png", "noending.png", odd}
    assert "5 of 11 pictures have no result" in said
    for name, reason in (
        ("cut.jpg", "cannot be read"),
        ("Thumbs.db", "is no picture"),
        ("desktop.ini", "is no picture"),
        ("empty.jpg", "is not a picture of a known kind"),
        ("sub", "cannot be read: it is no file"),
    ):
        assert f"{name}' {reason}" in said
    assert np.abs(read_png(out / "photo.png") - values(16, 3, 21, 25) / 2).max() <= 0.5001


def test_a_batch_that_is_killed_keeps_what_was_done_and_the_next_call_does_the_rest(
    local_program,
    halving,  # noqa: F811
    tmp_path,
):
    local_program("build", "inference", "--engine", "local")
    photos = [
        write(tmp_path / f"{name}.png", values(8, 3, 1500, 1600 + number)) for number, name in enumerate("abcdef")
    ]
    out = tmp_path / "results"
    arguments = ("infer", *photos, "--onnx", halving, "--out", out, "--engine", "local")
    running = local_program.start(*arguments)
    deadline = time.monotonic() + 120
    while not (out.is_dir() and any(out.glob("*.png"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    kept = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in out.glob("*.png")}
    assert 0 < len(kept) < 12
    local_program(*arguments)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in kept} == kept
    assert sorted(path.stem for path in out.glob("?.png")) == list("abcdef")
