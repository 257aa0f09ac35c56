"""How large datasets are before they are prepared."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from orchestrator.execute.dataset_sizes import described_size, picture_size
from orchestrator.plan.work import DatasetSize
from orchestrator.spec.dataset import LayersDataset, PairsDataset, PhotosDataset

KINDS = ("png", "jpeg")


def write(path: Path, height: int, width: int, **how) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path, **how)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        pytest.param("a.png", {}, id="png"),
        pytest.param("a.jpg", {}, id="jpeg"),
        pytest.param("a.jpg", {"progressive": True}, id="progressive"),
        pytest.param("a.jpg", {"exif": b"Exif\0\0" + bytes(3000), "icc_profile": bytes(60000)}, id="long-head"),
    ],
)
def test_size_of_a_picture_stands_in_its_head(tmp_path, name, how):
    write(tmp_path / name, 31, 47, **how)
    assert picture_size(tmp_path / name) == (31, 47)


def test_files_that_tell_no_size_have_none(tmp_path):
    write(tmp_path / "a.bmp", 3, 4)
    write(tmp_path / "b.png", 3, 4)
    (tmp_path / "cut.png").write_bytes((tmp_path / "b.png").read_bytes()[:20])
    (tmp_path / "folder.png").mkdir()
    for name in ("a.bmp", "cut.png", "folder.png", "nothing.png"):
        assert picture_size(tmp_path / name) is None


@given(st.binary(max_size=200))
def test_no_head_of_a_jpeg_file_does_harm(tmp_path_factory, rest):
    path = tmp_path_factory.getbasetemp() / "drawn.jpg"
    path.write_bytes(b"\xff\xd8" + rest)
    found = picture_size(path)
    assert found is None or min(found) > 0


@given(st.integers(0, 700), st.sampled_from(KINDS))
def test_a_picture_that_was_cut_off_tells_its_size_or_none(tmp_path_factory, length, kind):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((31, 47, 3), np.uint8)).save(stream, kind)
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(stream.getvalue()[:length])
    assert picture_size(path) in {None, (31, 47)}


def test_pairs_count_once_and_layers_serve_as_both(tmp_path):
    for name in ("one", "two"):
        for layer in ("blended", "transmission"):
            write(tmp_path / layer / f"{name}.png", 10, 20)
    assert described_size(PairsDataset(kind="pairs", folder=tmp_path)) == DatasetSize(2, 400, 2, 0, shared=False)
    layers = LayersDataset(kind="layers", folder=tmp_path / "blended")
    assert described_size(layers) == DatasetSize(2, 400, 2, 2, shared=True)
    apart = LayersDataset(kind="layers", folder=tmp_path, pictures="blended/*.png", reflections="transmission/*.png")
    assert described_size(apart) == DatasetSize(4, 800, 2, 2, shared=False)


def test_one_picture_of_unknown_size_leaves_the_set_unknown(tmp_path):
    write(tmp_path / "a.png", 10, 20)
    photos = PhotosDataset(kind="photos", folder=tmp_path)
    assert described_size(photos) == DatasetSize(1, 200, 1, 0, shared=False)
    write(tmp_path / "b.bmp", 10, 20)
    assert described_size(photos) is None
    assert described_size(PhotosDataset(kind="photos", folder=tmp_path / "nothing")) is None
