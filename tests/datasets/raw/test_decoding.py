"""Pictures of a dataset are decoded in a process of their own: what one does there is told, and harms nothing."""

import os
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from orchestrator.datasets.raw.decoding import Bounds, stored_scenes
from orchestrator.datasets.raw.encode import SceneJob, StoredScene
from orchestrator.errors import InputInvalid
from orchestrator.execute.data import Reporter, add_set
from stagekit import BadInput
from tests.datasets.raw import trees


def job(root: Path, name: str, output: Path) -> SceneJob:
    return SceneJob(Path(name).stem, name, root, {"layer": PurePosixPath(name)}, output)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A small picture, and a file that is no picture."""
    folder = tmp_path / "raw"
    folder.mkdir()
    Image.new("RGB", (30, 20), (9, 8, 7)).save(folder / "small.png")
    (folder / "none.png").write_text("<html>")
    return folder


@pytest.fixture
def large(raw: Path) -> Path:
    """The same folder with a large picture of one colour."""
    Image.new("L", (9000, 9000)).save(raw / "large.png")
    return raw


def test_each_scene_is_answered_for_in_its_order(raw: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    jobs = [job(raw, name, tmp_path / "out") for name in ("none.png", "small.png")]
    first, second = stored_scenes(jobs, 2, lambda *step: heard.append(step))
    assert first == "none.png is no picture of a known kind"
    assert isinstance(second, StoredScene)
    assert (second.height, second.width) == (20, 30)
    assert heard == [(1, 2), (2, 2)]
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["small.png"]


@pytest.mark.slow
def test_picture_that_needs_too_much_memory_is_named(large: Path, tmp_path: Path) -> None:
    jobs = [job(large, name, tmp_path / "out") for name in ("large.png", "small.png")]
    first, second = stored_scenes(jobs, 1, lambda *_: None, Bounds(memory_bytes=700 * 2**20))
    assert first == "large.png needs more memory than a picture may take"
    assert isinstance(second, StoredScene)


@pytest.mark.slow
def test_picture_that_ends_the_process_is_named(large: Path, tmp_path: Path) -> None:
    bounds = Bounds(cpu_s=1, cpu_s_of_a_scene=0)
    jobs = [job(large, name, tmp_path / "out") for name in ("large.png", "large.png", "large.png")]
    with pytest.raises(BadInput, match=r"took longer than any picture may: one of large\.png"):
        stored_scenes(jobs, 1, lambda *_: None, bounds)


def test_folder_that_cannot_be_written_is_told(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInput, match="the dataset cannot be written: Not a directory"):
        stored_scenes([job(raw, "small.png", tmp_path / "out")], 1, lambda *_: None)


def test_names_that_are_no_text_come_through(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff[x]"))
    folder.mkdir()
    Image.new("RGB", (30, 20)).save(folder / "b.png")
    (found,) = stored_scenes([job(folder, "b.png", tmp_path / "out")], 1, lambda *_: None)
    assert isinstance(found, StoredScene)


def test_nothing_is_left_of_a_set_whose_pictures_cannot_be_read(data_home: Path, tmp_path: Path) -> None:
    root = trees.folders(tmp_path / "mine", "12", {"blended": "blended", "transmission": "transmission"})
    (root / "blended" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(InputInvalid, match=r"1 of 2 scenes cannot be prepared: .*1\.png"):
        add_set(root, "mine", Reporter())
    assert not list((data_home / "prepared").iterdir())
