"""What is odd about a prepared dataset is found, each by its own check."""

import hashlib
import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orchestrator.datasets.description import UniformDescription
from orchestrator.datasets.preparation import Preparation, prepare_dataset
from orchestrator.datasets.raw.dataset_checks import check_dataset
from orchestrator.datasets.raw.shift import shift_estimate
from orchestrator.errors import InputInvalid
from orchestrator.execute.data import Reporter, add_set, check_set
from orchestrator.spec.prepared import prepared_folder
from stagekit import BadInput
from tests.datasets.raw import trees
from tests.hostile_names import NOT_PLAIN, OUTSIDE

SIZE = {"height": 64, "width": 80}


def found(root):
    """Return the findings on a pack of own pairs by check."""
    add_set(root, "office", Reporter())
    return {finding.check: finding for finding in check_dataset(prepared_folder("office"), lambda *_: None)}


@pytest.fixture
def pack(tmp_path, data_home):
    """Three good pairs with reflections; tests spoil them."""
    return trees.folders(tmp_path / "office", ["1", "2", "3"], trees.FULL_PACK, **SIZE)


def test_nothing_is_odd_about_good_pairs(pack):
    findings = found(pack)
    assert {finding.severity for finding in findings.values()} == {"ok"}
    assert set(findings) == {"files", "sizes", "modes", "aligned", "truths", "layers", "reflections", "duplicates"}


def test_moved_pair_is_named_with_its_shift(pack):
    wide = trees.pixels(2, height=80, width=90)
    trees.write(pack / "transmission_layer" / "2.png", wide[5:69, 3:83])
    trees.write(pack / "blended" / "2.png", wide[2:66, 7:87])
    finding = found(pack)["aligned"]
    assert (finding.severity, finding.scenes) == ("warning", ("2",))
    assert "2 by (-3, 4)" in finding.message


def test_equal_layers_are_named(pack):
    trees.write(pack / "blended" / "3.png", trees.triple(2, **SIZE)["transmission"])
    finding = found(pack)["layers"]
    assert (finding.severity, finding.scenes) == ("warning", ("3",))


def test_black_reflection_is_named(pack):
    trees.write(pack / "reflection" / "1.png", np.ones((64, 80, 3), np.uint8))
    finding = found(pack)["reflections"]
    assert (finding.severity, finding.scenes) == ("warning", ("1",))


@pytest.mark.parametrize(("layer", "severity"), [("blended", "warning"), ("transmission_layer", "note")])
def test_picture_that_is_there_twice_is_named(pack, layer, severity):
    (pack / layer / "1.png").write_bytes((pack / layer / "3.png").read_bytes())
    finding = found(pack)["duplicates"]
    assert (finding.severity, finding.scenes) == (severity, ("1", "3"))
    assert "1 = 3" in finding.message


def test_sizes_that_a_published_program_resizes_are_noted(tmp_path, data_home):
    finding = found(trees.folders(tmp_path / "office", ["1"], trees.PACK, height=65, width=80))["sizes"]
    assert finding.severity == "note"
    assert "multiples of 4" in finding.message


def test_converted_pictures_are_noted(pack):
    trees.write(pack / "blended" / "1.png", trees.triple(0, **SIZE)["blended"][..., 0])
    finding = found(pack)["modes"]
    assert (finding.severity, finding.scenes) == ("note", ("1",))
    assert "grey" in finding.message


@pytest.mark.parametrize("spoil", ["changed", "removed"])
def test_files_that_changed_after_they_were_prepared_are_an_error(pack, spoil):
    add_set(pack, "office", Reporter())
    path = prepared_folder("office") / "blended" / "2.png"
    path.unlink() if spoil == "removed" else trees.write(path, trees.pixels(9, **SIZE))
    finding = check_dataset(prepared_folder("office"), lambda *_: None)[0]
    assert (finding.check, finding.severity, finding.scenes) == ("files", "error", ("2",))


def test_set_that_is_not_prepared_names_the_command(data_home):
    with pytest.raises(InputInvalid) as caught:
        check_set("sir2-wild", lambda *_: None)
    assert "sirr-orch data prepare sir2-wild" in caught.value.hint
    with pytest.raises(InputInvalid) as caught:
        check_set("office", lambda *_: None)
    assert "sirr-orch data add FOLDER --name office" in caught.value.hint


def test_index_of_another_version_is_refused(pack):
    add_set(pack, "office", Reporter())
    path = prepared_folder("office") / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.raises(InputInvalid, match="version 99"):
        check_set("office", lambda *_: None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "cannot identify", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\xff" * 60, "2.png", id="no-picture"),
        pytest.param(b"II*\0" + bytes(60), "cannot identify", id="another-kind"),
    ],
)
def test_file_that_is_no_prepared_picture_is_an_error_and_no_traceback(pack, content, said):
    add_set(pack, "office", Reporter())
    folder = prepared_folder("office")
    index = json.loads((folder / "index.json").read_text())
    index["items"][1]["layers"]["blended"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "blended" / "2.png").write_bytes(content)
    finding = check_dataset(folder, lambda *_: None)[0]
    assert (finding.severity, finding.scenes) == ("error", ("2",))
    assert said in finding.message


def test_pipe_in_a_prepared_dataset_is_not_waited_for(pack, tmp_path):
    add_set(pack, "office", Reporter())
    folder = prepared_folder("office")
    (folder / "blended" / "2.png").unlink()
    os.mkfifo(folder / "blended" / "2.png")
    assert "it is no plain file" in check_dataset(folder, lambda *_: None)[0].message
    order = Preparation("office", "office", UniformDescription("pairs"), folder, tmp_path / "output")
    with pytest.raises(BadInput, match="it is no plain file"):
        prepare_dataset(order, lambda *_: None, lambda *_: None)


def test_picture_larger_than_its_index_says_is_not_decoded(pack):
    add_set(pack, "office", Reporter())
    folder = prepared_folder("office")
    Image.new("RGB", (3000, 20)).save(folder / "blended" / "2.png")
    finding = check_dataset(folder, lambda *_: None)[0]
    assert "blended/2.png has another size than the index says" in finding.message


def spoilt(pack, field, value):
    """Prepare pairs, change one field of the second one in the index, and return the folder."""
    add_set(pack, "office", Reporter())
    folder = prepared_folder("office")
    index = json.loads((folder / "index.json").read_text())
    item = index["items"][1]
    (item["layers"]["blended"] if field == "file" else item)[field] = value
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def refused_by_check_and_stage(folder, output, said):
    order = Preparation("office", "office", UniformDescription("pairs"), folder, output)
    for act in (
        lambda: check_set("office", lambda *_: None),
        lambda: prepare_dataset(order, lambda *_: None, lambda *_: None),  # type: ignore[arg-type]  # nothing to blend
    ):
        with pytest.raises((InputInvalid, BadInput), match=said):
            act()
    assert not output.exists()


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_odd_id_in_an_index_is_refused_by_check_and_stage(pack, tmp_path, name):
    refused_by_check_and_stage(spoilt(pack, "id", name), tmp_path / "output", r"items\.1\.id: .*plain name")


@pytest.mark.parametrize("name", OUTSIDE)
def test_odd_path_in_an_index_is_refused_by_check_and_stage(pack, tmp_path, name):
    refused_by_check_and_stage(spoilt(pack, "file", name), tmp_path / "output", r"items\.1\.layers\.blended\.file")


def test_link_out_of_a_prepared_dataset_is_not_followed(pack, tmp_path):
    folder = spoilt(pack, "file", "blended/leak.png")
    (tmp_path / "private.png").write_bytes((folder / "blended" / "1.png").read_bytes())
    (folder / "blended" / "leak.png").symlink_to(tmp_path / "private.png")
    refused_by_check_and_stage(folder, tmp_path / "output", "leads outside its folder")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("height", -1),
        ("height", "7"),
        ("layers", {}),
        ("layers", {"wrong": {"file": "a", "sha256": "b"}}),
        ("notes", 3),
    ],
)
def test_index_that_is_not_as_it_should_be_says_what_is_wrong(pack, tmp_path, field, value):
    refused_by_check_and_stage(spoilt(pack, field, value), tmp_path / "output", "holds no prepared dataset")


@settings(max_examples=20, deadline=None)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 3))
def test_shift_is_found_whatever_its_direction(down, across, seed):
    wide = trees.pixels(seed, height=90, width=110)
    first, second = wide[10:74, 10:90], wide[10 - down : 74 - down, 10 - across : 90 - across]
    assert shift_estimate(first, second) == (down, across)


def test_shift_agrees_with_scikit_image():
    from skimage.registration import phase_cross_correlation

    wide = trees.pixels(5, height=90, width=110).mean(axis=2)
    first, second = wide[10:74, 10:90], wide[4:68, 13:93]
    moved, *_ = phase_cross_correlation(second, first)
    assert shift_estimate(first, second) == tuple(int(value) for value in moved)


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(trees.pixels(8, **SIZE), id="another-picture"),
        pytest.param(np.full((64, 80, 3), 7, np.uint8), id="plain"),
    ],
)
def test_shift_of_what_shares_nothing_is_not_guessed(second):
    assert shift_estimate(trees.pixels(7, **SIZE), second) is None


def test_shift_of_tiny_pictures_is_not_guessed():
    assert shift_estimate(trees.pixels(1, height=20, width=80), trees.pixels(1, height=20, width=80)) is None
