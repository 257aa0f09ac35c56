"""What people really have in place of a dataset is named for what it is, with a remedy that fits."""

import io
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from orchestrator.datasets.raw.unpack import unpack
from orchestrator.errors import InputInvalid
from orchestrator.execute.data import Reporter, add_set
from tests.datasets.raw import trees


def packed_tar(mode):
    """Return a packed tar file of one picture."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        archive.addfile(tarfile.TarInfo("a.png"))
    return stream.getvalue()


def zipped(name="a.png", content=b""):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


PAGE = b"\xef\xbb\xbf \n<!DOCTYPE html><html>Google Drive can't scan this file for viruses</html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize(
    ("name", "content", "said", "remedy"),
    [
        pytest.param("a.zip", PAGE, "is a web page and no archive", "open the address in a browser", id="page"),
        pytest.param("a.tar.gz", PAGE[3:], "is a web page and no archive", "open the address", id="page-as-tar"),
        pytest.param("a.zip", POINTER, "is a pointer of Git LFS", "git lfs pull", id="pointer"),
        pytest.param("a.zip", b"", "is empty", "download it again", id="empty"),
        pytest.param("a.zip", packed_tar("w:gz"), "is packed with gzip", "rename it to a.tar.gz", id="gzip-as-zip"),
        pytest.param("a.zip", packed_tar("w:xz"), "is packed with xz", "rename it to a.tar.xz", id="xz-as-zip"),
        pytest.param("a.tar", zipped(), "is a zip archive, whatever", "rename it to a.zip", id="zip-as-tar"),
        pytest.param("a.zip", b"Rar!\x1a\x07\x01", "is a RAR or 7z archive", "unpack it by hand", id="rar"),
    ],
)
def test_file_that_is_no_such_archive_is_named_for_what_it_is(tmp_path, name, content, said, remedy):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputInvalid) as caught:
        unpack(tmp_path / name, tmp_path / "out", lambda *_: None)
    assert f"{name} {said}" in caught.value.message
    assert remedy in caught.value.hint
    assert not (tmp_path / "out").exists()


def test_archive_in_an_archive_is_named_with_the_command_that_takes_it(data_home, tmp_path):
    (tmp_path / "pack.zip").write_bytes(zipped("inner one.zip", zipped()))
    with pytest.raises(InputInvalid, match=r"holds no pictures, but the archive 'inner one\.zip'") as caught:
        add_set(tmp_path / "pack.zip", "office", Reporter())
    assert "--from '" in caught.value.hint


def test_numbers_with_leading_zeros_are_named_as_the_cause(prepared, tmp_path):
    root = trees.berkeley(tmp_path / "raw", [number.zfill(3) for number in trees.TEST_NUMBERS])
    with pytest.raises(InputInvalid, match="published test scenes are not there") as caught:
        prepared("berkeley-real-test", root)
    assert "rename the files: '003' has leading zeros, and the published number is '3'" in caught.value.hint


@pytest.mark.parametrize("turned", [False, True], ids=["one-pixel", "on-its-side"])
def test_truth_of_another_size_is_named_with_the_cause(prepared, tmp_path, turned):
    root = trees.folders(tmp_path / "wild", "123", trees.PACK, end="jpg")
    truth = Image.fromarray(trees.pixels(2))
    exif = Image.Exif()
    exif[0x112] = 6
    if turned:
        truth.transpose(Image.Transpose.ROTATE_90).save(root / "transmission_layer" / "2.jpg", exif=exif)
    else:
        Image.fromarray(np.asarray(truth)[:, 1:]).save(root / "transmission_layer" / "2.jpg")
    with pytest.raises(InputInvalid, match="sizes differ") as caught:
        prepared("sir2-wild", root)
    assert "take both files of a pair as they were published" in caught.value.hint
    assert ("so one of them lies on its side" in caught.value.message) == turned
    assert ("transmission_layer/2.jpg: EXIF orientation 6 not followed" in caught.value.message) == turned


@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("form", ["folders", "tagged"])
def test_table_2_of_ceilnet_is_read_in_every_form(prepared, tmp_path, form, layers):
    parts = dict(list({**trees.PACK, "reflection": "reflection_layer"}.items())[:layers])
    if form == "folders":
        root = trees.folders(tmp_path / "CEILNet", ["a", "b"], parts)
    else:
        root = trees.ceilnet(tmp_path / "CEILNet", 2)
        for path in list(root.rglob("*-label2.png")) if layers == 2 else ():
            path.unlink()
    found = prepared("ceilnet-table2", root)
    assert len(found.ids) == 2
    assert all(set(item["layers"]) == set(parts) for item in found.index["items"])


def test_table_2_of_ceilnet_that_lacks_one_of_its_second_labels_is_refused(prepared, tmp_path):
    root = trees.ceilnet(tmp_path / "CEILNet", 3)
    next(root.rglob("*1-label2.png")).unlink()
    with pytest.raises(InputInvalid, match="has no reflection"):
        prepared("ceilnet-table2", root)
