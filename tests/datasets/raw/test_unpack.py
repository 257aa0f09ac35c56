"""Archives are unpacked without harm: what leads outside, links or grows too large is refused, and nothing is left."""

import gzip
import io
import shutil
import stat
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from orchestrator.datasets.raw.unpack import MARK, UnpackLimits, is_archive, unpack
from orchestrator.errors import InputInvalid
from orchestrator.execute.data import Reporter, add_set
from tests.datasets.raw import trees
from tests.hostile_names import OUTSIDE

ENOUGH = UnpackLimits()
FILES = {"set/blended/1.png": b"one" * 500, "set/transmission/1.png": b"two" * 700, "set/прибор 1.txt": b""}


def as_zip(path, files=FILES, links=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return path


def as_tar(path, files=FILES, links=()):
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return path


KINDS = [
    pytest.param(as_zip, "a.zip", id="zip"),
    pytest.param(as_tar, "a.tar", id="tar"),
    pytest.param(as_tar, "a.tar.gz", id="tar.gz"),
]


def refused(archive, folder, said, limits=ENOUGH):
    with pytest.raises(InputInvalid, match=said) as caught:
        unpack(archive, folder, lambda _done, _total: None, limits)
    assert caught.value.hint
    assert not folder.exists()
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_good_archive_is_unpacked_whole(tmp_path, make, name):
    heard = []
    unpack(make(tmp_path / name), tmp_path / "out", lambda *step: heard.append(step))
    found = {path.relative_to(tmp_path / "out").as_posix(): path for path in (tmp_path / "out").rglob("*")}
    assert {file: found[file].read_bytes() for file in FILES} == FILES
    assert heard[-1] == (3, 3)
    assert is_archive(tmp_path / name)


def test_zip_file_that_holds_a_file_without_a_name_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"x")
    refused(tmp_path / "a.zip", tmp_path / "out", "a.zip is damaged or cut off: it holds a file without a name")


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize("path", ["../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png", "C:\\evil.png"])
def test_path_that_leads_outside_is_refused(tmp_path, make, name, path):
    refused(make(tmp_path / name, {"good.png": b"x", path: b"x"}), tmp_path / "out", "leads out|absolute path")
    assert not (tmp_path / "evil.png").exists()


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize("target", ["/etc/passwd", "good.png"])
def test_link_is_refused(tmp_path, make, name, target):
    refused(make(tmp_path / name, {"good.png": b"x"}, [("link.png", target)]), tmp_path / "out", "holds a link")


@pytest.mark.parametrize(
    ("kind", "said"),
    [(tarfile.LNKTYPE, "holds a link"), (tarfile.CHRTYPE, "holds a special file"), (tarfile.FIFOTYPE, "special file")],
)
def test_other_things_than_files_are_refused(tmp_path, kind, said):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("thing")
        info.type, info.linkname = kind, "other"
        archive.addfile(info)
    refused(tmp_path / "a.tar", tmp_path / "out", said)


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize("part", [0.2, 0.4, 0.6])
def test_archive_that_is_cut_off_is_refused(tmp_path, make, name, part):
    archive = make(tmp_path / name, {"a.png": bytes(range(256)) * 40, "b.png": bytes(range(255, -1, -1)) * 40})
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * part)])
    refused(archive, tmp_path / "out", "damaged or cut off")


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_what_is_no_archive_is_refused(tmp_path, name):
    (tmp_path / name).write_text("please log in")
    refused(tmp_path / name, tmp_path / "out", "damaged or cut off")


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (UnpackLimits(members=2), "holds more than 2 files"),
        (UnpackLimits(total_bytes=3000), "unpacks to more than 3000 bytes"),
        (UnpackLimits(member_bytes=2000), "of 2100 bytes"),
    ],
)
def test_more_than_expected_is_refused_before_anything_is_written(tmp_path, make, name, limits, said):
    refused(make(tmp_path / name), tmp_path / "out", said, limits)


def test_zip_whose_table_lies_about_sizes_is_stopped_while_it_unfolds(tmp_path):
    archive = as_zip(tmp_path / "a.zip", {"bomb.png": b"\0" * 100_000})
    content = archive.read_bytes()
    size = (100_000).to_bytes(4, "little")
    archive.write_bytes(content.replace(size, (10).to_bytes(4, "little")))
    refused(archive, tmp_path / "out", "damaged or cut off")


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_files_that_some_disks_take_for_one_are_refused(tmp_path, make, name):
    refused(make(tmp_path / name, {"a/1.png": b"x", "A/1.PNG": b"y"}), tmp_path / "out", "twice")


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize("path", [case for case in OUTSIDE if case.values[0].strip("./") and ".." in case.values[0]])
def test_member_that_leads_out_is_refused(tmp_path, make, name, path):
    refused(make(tmp_path / name, {path: b"x"}), tmp_path / "out", "leads out")


@pytest.mark.parametrize(("make", "name"), KINDS)
@pytest.mark.parametrize("path", ["a\x1b[31mb.png", "a\nb.png", MARK, f"a/{MARK}"])
def test_member_with_an_odd_name_is_refused(tmp_path, make, name, path):
    refused(make(tmp_path / name, {path: b"x"}), tmp_path / "out", "control character|unpacked folders are told")


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_file_that_is_a_folder_too_is_refused(tmp_path, make, name):
    refused(make(tmp_path / name, {"A": b"x", "a/1.png": b"x"}), tmp_path / "out", "as a file and as a folder")


@pytest.mark.parametrize(("make", "name"), KINDS)
def test_more_than_the_disk_holds_is_refused_before_anything_is_written(tmp_path, make, name, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=2**28 + 100))
    refused(make(tmp_path / name), tmp_path / "out", "0 MiB are free")


def test_encrypted_archive_is_named_for_what_it_is(tmp_path):
    archive = as_zip(tmp_path / "a.zip", {"a.png": b"x" * 50})
    content = bytearray(archive.read_bytes())
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(magic) + flags] |= 1
    archive.write_bytes(content)
    refused(archive, tmp_path / "out", "is encrypted: 'a.png' needs a password")


def test_header_that_claims_to_be_huge_is_not_read(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**33
    with gzip.open(tmp_path / "a.tar.gz", "wb") as stream:
        stream.write(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 4096)
    refused(tmp_path / "a.tar.gz", tmp_path / "out", r"has a header of \d+ bytes")


def test_sparse_file_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("a.png")
        info.type = tarfile.GNUTYPE_SPARSE
        archive.addfile(info)
    refused(tmp_path / "a.tar", tmp_path / "out", "holds a special file")


def test_tar_file_is_told_by_its_content(tmp_path):
    (as_tar(tmp_path / "a.tar.gz")).rename(tmp_path / "b.tar")
    unpack(tmp_path / "b.tar", tmp_path / "out", lambda _done, _total: None)
    assert (tmp_path / "out" / "set" / "blended" / "1.png").is_file()


ODD_NAMES = [
    ".tar",
    "..tar",
    "...tar",
    "....zip",
    ".tar.gz",
    "..zip",
    "-.tar",
    "a b.zip",
    "~.tar",
    "a.tar.zip",
    "A.TAR",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_archive_of_whatever_name_is_unpacked_beside_the_raw_downloads(data_home, tmp_path, name):
    """The folder that an archive goes to was made of its name, and a name could lead to all downloads."""
    root = trees.folders(tmp_path / "pack" / "mine", "12", {"blended": "blended", "transmission": "transmission"})
    kept = [data_home / "raw" / "sir2-wild" / "SIR2.zip", data_home / "raw" / "mine" / "notes.txt"]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("kept")
    with (zipfile.ZipFile if name.lower().endswith("zip") else tarfile.open)(tmp_path / name, "w") as archive:
        add = archive.write if isinstance(archive, zipfile.ZipFile) else archive.add
        for path in root.rglob("*.png"):
            add(path, path.relative_to(tmp_path / "pack"))
    add_set(tmp_path / name, "mine", Reporter())
    assert [path.read_text() for path in kept] == ["kept", "kept"]
    (made,) = (path for path in (data_home / "raw" / "mine").iterdir() if path.is_dir())
    assert (made / MARK).is_file()
    add_set(tmp_path / name, "again", Reporter())


def test_folder_that_was_not_unpacked_is_never_replaced(data_home, tmp_path):
    root = trees.folders(tmp_path / "pack" / "mine", "12", {"blended": "blended", "transmission": "transmission"})
    own = data_home / "raw" / "mine" / "pictures" / "own.png"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"my own")
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path / "pack"))
    with pytest.raises(InputInvalid, match="is there already and was not unpacked by this program"):
        add_set(tmp_path / "pictures.zip", "mine", Reporter())
    assert own.read_bytes() == b"my own"
    own.unlink()
    own.parent.rmdir()
    for name in ("mine", "mine"):  # what was unpacked is replaced
        unpack(tmp_path / "pictures.zip", data_home / "raw" / name / "pictures", lambda _done, _total: None)


def test_archive_is_prepared_like_the_folder_in_it(prepared, tmp_path):
    root = trees.folders(tmp_path / "pack" / "wild", "123", trees.PACK)
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path / "pack"))
    from_archive = prepared("sir2-wild", tmp_path / "pack.zip").index
    from_folder = prepared("sir2-wild", tmp_path / "pack", replace=True).index
    assert from_archive["items"] == from_folder["items"]


def test_archive_that_was_put_where_fetch_says_is_found(prepared, data_home, tmp_path):
    root = trees.folders(tmp_path / "pack" / "wild", "123", trees.PACK)
    (data_home / "raw" / "sir2-wild").mkdir(parents=True)
    with zipfile.ZipFile(data_home / "raw" / "sir2-wild" / "SIR2.zip", "w") as archive:
        for path in root.rglob("*.png"):
            archive.write(path, path.relative_to(tmp_path / "pack"))
    assert prepared("sir2-wild", None).ids == ["1", "2", "3"]
