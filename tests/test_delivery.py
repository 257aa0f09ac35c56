"""Files handed to the user: whole or not at all, and never over what was not meant; full disks and odd file systems."""

import errno
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from orchestrator.delivery import Delivery
from orchestrator.errors import NoSpace, ResultExists, SpecError


@pytest.fixture
def result(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.png").write_bytes(b"a result")
    (tmp_path / "store" / "a.png").chmod(0o444)
    return tmp_path / "store" / "a.png"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_result_is_a_file_of_its_own_that_the_user_may_write_to(result: Path, out: Path) -> None:
    path = Delivery(out).copy(result, "a.png")
    assert (path.read_bytes(), path.stat().st_nlink) == (b"a result", 1)
    assert path.stat().st_mode & 0o200
    assert not path.samefile(result)


def test_a_name_that_the_disk_cannot_have_is_told_as_such(result: Path, out: Path) -> None:
    with pytest.raises(SpecError, match="takes no file of this name: File name too long"):
        Delivery(out).copy(result, "x" * 300)
    assert not contents(out)


def test_nothing_is_left_behind_by_trying_a_folder(out: Path) -> None:
    Delivery(out / "new" / "folder").prepare(1000)
    assert list((out / "new" / "folder").iterdir()) == []


def test_a_disk_with_too_little_space_is_refused_beforehand(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(2**30, 2**30 - 2**20, 2**20))
    Delivery(out).prepare(2**19)
    with pytest.raises(NoSpace, match=r"has 1\.0 MiB left, .* at least 5\.0 MiB") as found:
        Delivery(out).prepare(5 * 2**20)
    assert found.value.exit_code == 6


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_gets_full_leaves_no_half_of_a_file(
    result: Path, out: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(_handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    for act in (lambda: Delivery(out).prepare(), lambda: Delivery(out).copy(result, "a.png")):
        with pytest.raises(NoSpace, match="is full") as found:
            act()
        assert found.value.exit_code == 6
        assert "--out" in str(found.value.hint)
    assert contents(out) == {}


def test_a_file_that_appears_meanwhile_is_not_replaced(
    result: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(_handle: int) -> None:
        (out / "a.png").write_bytes(b"another program's")

    monkeypatch.setattr(os, "fsync", late)
    with pytest.raises(ResultExists):
        Delivery(out).copy(result, "a.png")
    assert contents(out) == {"a.png": b"another program's"}


def test_a_file_system_without_hard_links_takes_results_too(
    result: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(_source: object, _target: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    Delivery(out).copy(result, "a.png")
    Delivery(out).copy(result, "a.png")
    assert contents(out) == {"a.png": b"a result"}
    (out / "a.png").write_bytes(b"mine")
    with pytest.raises(ResultExists):
        Delivery(out).copy(result, "a.png")
    assert contents(out) == {"a.png": b"mine"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_a_link_leads_to_is_never_written(result: Path, out: Path, tmp_path: Path, overwrite: bool) -> None:
    mine = tmp_path / "mine.png"
    mine.write_bytes(b"mine")
    (out / "a.png").symlink_to(mine)
    delivery = Delivery(out, overwrite=overwrite)
    if overwrite:
        delivery.copy(result, "a.png")
        assert not (out / "a.png").is_symlink()
    else:
        with pytest.raises(ResultExists):
            delivery.copy(result, "a.png")
    assert mine.read_bytes() == b"mine"


def test_a_link_that_a_stage_left_is_not_followed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "private").write_bytes(b"private")
    (tmp_path / "left.png").symlink_to(tmp_path / "private")
    with pytest.raises(SpecError):
        Delivery(out).copy(tmp_path / "left.png", "a.png")
    assert contents(out) == {}
