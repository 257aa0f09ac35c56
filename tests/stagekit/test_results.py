"""Result files: what is saved comes back, the same content is the same bytes, and everything else is refused."""

import json
import math
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import OutputInvalid
from orchestrator.results import read_result
from stagekit import BadInput
from stagekit.inside import inside
from stagekit.results.dataset import DatasetFile, DatasetItem
from stagekit.results.document import InvalidResult
from stagekit.results.scores import NotMeasured, PictureScores, ScoresFile

ITEM = DatasetItem("a", 3, 5, "a.png", ("was grey",), blended="blended/a.png", transmission="transmission/a.png")
DATASET = DatasetFile("d", "pairs", (ITEM,), "D")
SCORES = ScoresFile("m", "d", "standard", 1, ("psnr", "ssim"), (PictureScores("a", {"psnr": 20.0, "ssim": 0.5}),))


def document(form, **changed):
    return {**json.loads(form.text()), **changed}


numbers = st.floats(allow_nan=False).filter(lambda value: value != -math.inf)
values = numbers | st.builds(NotMeasured, st.text(st.characters(exclude_categories=["Cs"])))


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=4))
def test_scores_come_back_to_the_last_digit(found):
    scores = replace(SCORES, metrics=tuple(found), items=(PictureScores("a", found),))
    assert ScoresFile.decode(json.loads(scores.text())) == scores


def test_same_content_is_the_same_bytes_in_whatever_order_it_was_made(tmp_path):
    swapped = PictureScores("a", {"ssim": 0.5, "psnr": 20})
    (tmp_path / "other").mkdir()
    SCORES.save(tmp_path)
    replace(SCORES, items=(swapped,)).save(tmp_path / "other")
    assert (tmp_path / "scores.json").read_bytes() == (tmp_path / "other" / "scores.json").read_bytes()
    assert not list(tmp_path.rglob("*.partial"))


def test_unknown_fields_are_kept_at_every_level(tmp_path):
    (tmp_path / "dataset.json").write_text(
        json.dumps(document(DATASET, licence={"name": "CC0"}, items=[{**document(DATASET)["items"][0], "camera": 7}]))
    )
    dataset = DatasetFile.load(tmp_path)
    assert dataset.unknown == {"licence": {"name": "CC0"}}
    replace(dataset, title="another").save(tmp_path)
    found = json.loads((tmp_path / "dataset.json").read_text())
    assert (found["title"], found["licence"], found["items"][0]["camera"]) == ("another", {"name": "CC0"}, 7)


def test_file_without_schema_is_from_before_there_was_one():
    flat = {**document(SCORES), "items": [{"id": "a", "psnr": "inf", "ssim": {"not_measured": "too small"}}]}
    del flat["schema"]
    (item,) = ScoresFile.decode(flat).items
    assert item.values == {"psnr": math.inf, "ssim": NotMeasured("too small")}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"name": 3}, "name: 3 is not a text", id="type"),
        pytest.param({"role": "pear"}, "role: 'pear' is not one of layers, pairs, photos", id="literal"),
        pytest.param({"role": ["pairs"]}, "role: a list is not one of", id="unhashable"),
        pytest.param({"items": 3}, "items: 3 is not a list", id="list"),
        pytest.param({"items": [3]}, "items.0: 3 is not an object", id="item"),
        pytest.param({"title": "\udcff"}, "title: '\\udcff' is not text of whole characters", id="half-character"),
        pytest.param({"licence": math.nan}, "licence: nan is not a finite number", id="nan-in-unknown"),
        pytest.param({"schema": 99}, "it is of version 99; this program reads up to 1", id="newer"),
        pytest.param({"schema": True}, "schema: True is no version", id="version"),
    ],
)
def test_field_that_is_not_as_declared_is_named(changed, said):
    with pytest.raises(InvalidResult) as caught:
        DatasetFile.decode(document(DATASET, **changed))
    assert said in caught.value.message
    assert caught.value.message.startswith("dataset.json is not what its stage declares: ")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"height": 0}, "items.0.height: 0 is less than 1", id="bound"),
        pytest.param({"height": 3.0}, "items.0.height: 3.0 is not a whole number", id="float"),
        pytest.param({"height": True}, "items.0.height: True is not a whole number", id="boolean"),
        pytest.param({"bits": 8.0}, "items.0.bits: 8.0 is not one of 8, 16", id="literal-type"),
        pytest.param({"id": ""}, "items.0.id: '' is not a plain name", id="empty"),
        pytest.param({"id": "a/../b"}, "items.0.id: 'a/../b' is not a plain name", id="id-with-parts"),
        pytest.param({"blended": "../a.png"}, "items.0.blended: '../a.png' leads out of its folder", id="up"),
        pytest.param({"blended": "/etc/hostname"}, "'/etc/hostname' is an absolute path", id="absolute"),
        pytest.param({"transmission": None}, "item 'a' of role 'pairs' has no transmission picture", id="no-truth"),
    ],
)
def test_item_that_is_not_as_declared_is_named(changed, said):
    item = {**document(DATASET)["items"][0], **changed}
    with pytest.raises(InvalidResult) as caught:
        DatasetFile.decode(document(DATASET, items=[item]))
    assert said in caught.value.message


def test_all_mistakes_are_named_at_once():
    item = {**document(DATASET)["items"][0], "height": "3", "width": -1}
    with pytest.raises(InvalidResult) as caught:
        DatasetFile.decode(document(DATASET, items=[item, item], title=None))
    assert len(caught.value.mistakes) == 5


def test_item_twice_is_refused():
    with pytest.raises(InvalidResult, match="item 'a' twice"):
        DatasetFile.decode(document(DATASET, items=document(DATASET)["items"] * 2))


@pytest.mark.parametrize("text", ["", "{", '"d"', "[" * 100_000, '{"name": ' + "1" * 5000 + "}"])
def test_file_that_is_no_such_json_is_refused(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InvalidResult, match=r"dataset\.json is not what its stage declares"):
        DatasetFile.load(tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_could_not_be_read_is_not_written(tmp_path, value):
    wrong = replace(SCORES, items=(PictureScores("a", {"psnr": math.nan, "ssim": value}),))
    with pytest.raises(InvalidResult, match=r"items\.0\.values\.psnr: nan is not a finite number"):
        wrong.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_failed_save_leaves_the_file_as_it_was(tmp_path):
    SCORES.save(tmp_path)
    with pytest.raises(InvalidResult):
        replace(SCORES, version=-1).save(tmp_path)
    assert ScoresFile.load(tmp_path) == SCORES


def test_named_file_that_is_not_there_is_an_invalid_output(tmp_path):
    DATASET.save(tmp_path)
    assert list(DATASET.named_files()) == ["blended/a.png", "transmission/a.png"]
    with pytest.raises(OutputInvalid, match=r"names the file 'blended/a\.png', which is not there"):
        read_result(DatasetFile, tmp_path)


def test_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.png").write_text("secret")
    (tmp_path / "output").mkdir()
    os.symlink(tmp_path / "secret", tmp_path / "output" / "blended")
    DATASET.save(tmp_path / "output")
    with pytest.raises(InvalidResult, match=r"items\.0\.blended: 'blended/a\.png' leads outside its folder"):
        DatasetFile.load(tmp_path / "output")


@pytest.mark.parametrize("name", ["", ".", "..", "a/../b", "a/..", "/a", "a//b", "a/", "./a", "a\0b", "a/" * 3000])
def test_name_that_is_no_plain_path_inside_is_refused(tmp_path, name):
    with pytest.raises(BadInput):
        inside(tmp_path, name)


@pytest.mark.parametrize("name", ["a.png", "a/b.png", "...", "a..b/c", "ä ö/ü.png"])
def test_name_inside_is_a_path_in_the_folder(tmp_path, name):
    assert inside(tmp_path, name) == str(tmp_path / name)
    assert inside(str(tmp_path) + "/", name) == os.path.join(str(tmp_path) + "/", name)


def test_folder_may_itself_be_reached_by_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    os.symlink(tmp_path / "real", tmp_path / "link")
    assert inside(tmp_path / "link", "a.png") == str(tmp_path / "link" / "a.png")
