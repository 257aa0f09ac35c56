"""Names that come out of files never lead out of their folder."""

import io
import os
from functools import partial
from unicodedata import category

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.inside import path_inside
from stagekit import BadInput, StageContext, StageRequest, write_atomically
from stagekit.inside import inside, unsafe_id, unsafe_name
from stagekit.left_behind import escaped_name, unkept_name
from stagekit.request import FOLDERS
from stagekit.results.document import InvalidResult, read_document
from tests.hostile_names import NOT_PLAIN, OUTSIDE


@pytest.mark.parametrize("name", ["a", "a/b.png", ".hidden", "a b/ü", "a\\b", "..a/b"])
def test_plain_names_lie_inside(tmp_path, name):
    assert path_inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize("name", [*OUTSIDE, pytest.param("a\udcff", id="no-text")])
def test_names_that_lead_elsewhere_or_are_no_text_are_not_kept(name):
    assert unkept_name(name)


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="no path inside a folder"):
        path_inside(tmp_path, name)


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_names_that_files_must_not_be_called_after_are_refused(name):
    assert "plain name" in unsafe_id(name)


@pytest.mark.parametrize("name", ["Süd", "窗户-2", "прибор.1", "हिन्दी", "_a", "9"])
def test_letters_of_any_script_are_plain(name):
    assert unsafe_id(name) == ""


@given(st.text(st.characters(), max_size=9))
@example("a\u2028b")
@example("a\u2029b\x85c")
@example("a\u202egnp.exe")
@example("")
def test_every_escaped_name_can_be_printed_and_kept(name):
    escaped = escaped_name(name)
    assert escaped.encode().decode() == escaped
    assert len(escaped.splitlines()) == bool(name)
    assert not [character for character in escaped if category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_escaped_names_tell_bytes_that_are_no_text_from_characters():
    assert escaped_name("ü\udcff\n\x1b[31m\ud800.png") == r"ü\xff\n\x1b[31m\ud800.png"
    assert escaped_name("a\u2028b\u202e.png") == r"a\u2028b\u202e.png"


@given(st.text(min_size=1, max_size=20))
def test_every_name_as_datasets_make_them_is_plain(name):
    (identifier,) = safe_identifiers([name])
    assert unsafe_id(identifier) == ""


@given(st.text(st.sampled_from("a./\\\0\n~"), max_size=8))
def test_whatever_is_taken_lies_below_the_folder(name):
    folder = "/nowhere/folder"
    if not unsafe_name(name):
        assert os.path.normpath(inside(folder, name)).startswith(folder + "/")


@pytest.mark.parametrize("parts", [("..", "a"), ("/etc/hostname",), ("a/../../b",), ("link", "a")])
def test_a_stage_gets_no_path_outside_its_folders(tmp_path, parts):
    inputs = {"dataset": str(tmp_path / "given")}
    context = StageContext(StageRequest.below(str(tmp_path / "stage"), "s", "infer", {}, inputs), io.StringIO())
    for folder in (tmp_path / "given", *(tmp_path / "stage" / name for name in FOLDERS)):
        folder.mkdir(parents=True)
        (folder / "link").symlink_to(tmp_path)
    for way in (partial(context.input, "dataset"), context.output, context.work, context.facts):
        with pytest.raises(BadInput, match=r"inside a folder|outside its folder"):
            way(*parts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "stage"]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_plain_file_is_not_read_as_a_result(tmp_path, kind):
    path = tmp_path / "dataset.json"
    if kind == "link":
        (tmp_path / "real.json").write_text("{}")
        path.symlink_to(tmp_path / "real.json")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(InvalidResult, match="cannot be read"):
        read_document(str(path))


def test_a_link_that_somebody_left_is_not_written_through(tmp_path):
    (tmp_path / "precious").write_text("as it was")
    (tmp_path / "a.json.partial").symlink_to(tmp_path / "precious")
    with write_atomically(str(tmp_path / "a.json"), "w") as stream:
        stream.write("new")
    assert (tmp_path / "precious").read_text() == "as it was"
    assert (tmp_path / "a.json").read_text() == "new"


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    (folder / "in").symlink_to(folder)
    with pytest.raises(ValueError, match="leads outside"):
        path_inside(folder, "out/a")
    assert path_inside(folder, "in/a") == folder / "in" / "a"
