"""Every usual way of naming a checkpoint of several files is understood, and paths are never patterns."""

import os
from pathlib import Path

import pytest

from orchestrator.spec.checkpoint import checkpoint_files, checkpoint_problem

SHARDS = ("model.ckpt.data-00000-of-00002", "model.ckpt.data-00001-of-00002")


@pytest.fixture(params=["plain", "a [x] v1:2 *", "\u00fcn\u00efcode"])
def folder(request, tmp_path):
    """A folder of a TensorFlow checkpoint beside others."""
    made = tmp_path / request.param
    made.mkdir()
    for name in ("model.ckpt.index", "model.ckpt.meta", *SHARDS, "model.ckpt-7.index", "notes.txt"):
        (made / name).write_bytes(b"x")
    (made / "checkpoint").write_text('model_checkpoint_path: "C:\\\\Users\\\\me\\\\model.ckpt"\n', encoding="utf-8")
    return made


@pytest.mark.parametrize("named", ["model.ckpt", "model.ckpt.index", "model.ckpt.meta", SHARDS[0], "checkpoint"])
def test_every_name_of_a_tensorflow_checkpoint_gives_all_its_files(folder, named):
    found = {name: path.name for name, path in checkpoint_files(folder / named).items()}
    assert found == {
        "checkpoint": "model.ckpt.index",
        "checkpoint.index": "model.ckpt.index",
        "checkpoint.data-00000-of-00002": SHARDS[0],
        "checkpoint.data-00001-of-00002": SHARDS[1],
    }
    assert checkpoint_problem(folder / named) is None


def test_a_folder_and_a_file_of_its_own_are_given_as_they_are(folder):
    assert checkpoint_files(folder) == {"checkpoint": folder}
    assert checkpoint_files(folder / "notes.txt") == {"checkpoint": folder / "notes.txt"}


def test_one_of_ibclns_files_gives_both(tmp_path):
    for name in ("final_net_G_T.pth", "final_net_G_R.pth", "final_net_D.pth", "30_net_G_T.pth"):
        (tmp_path / name).write_bytes(b"x")
    for named in ("final_net_G_T.pth", "final_net_G_R.pth"):
        found = {path.name for path in checkpoint_files(tmp_path / named).values()}
        assert found == {"final_net_G_T.pth", "final_net_G_R.pth"}


def test_pipes_devices_and_nothing_are_no_checkpoints(folder):
    os.mkfifo(folder / "pipe")
    assert "a pipe or a device" in checkpoint_problem(folder / "pipe")
    assert "a pipe or a device" in checkpoint_problem(Path("/dev/zero"))
    assert "there is no checkpoint" in checkpoint_problem(folder / "absent.pt")
