"""Which file answers which picture, for all ways in which published programs name what they write."""

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.datasets.prediction_matching import Asked, matched_by_name, matched_by_pattern
from stagekit import BadInput

PICTURES = ("1", "1-2", "night_view")
ASKED = [Asked(name, (name, f"{name}-input")) for name in PICTURES]


def paths(*patterns, pictures=PICTURES):
    return [PurePosixPath(pattern.format(id=name)) for name in pictures for pattern in patterns]


WAYS = {
    "called as the pictures": (["{id}.png"], "{id}.png", ""),
    "called as the inputs": (["{id}-input.png"], "{id}-input.png", ""),
    "zhang2018: a folder a picture": (
        ["{id}/input.png", "{id}/t_output.png", "{id}/r_output.png"],
        "{id}/t_output.png",
        "t_output",
    ),
    "errnet2019: a folder a picture": (
        ["{id}/errnet.png", "{id}/t_label.png", "{id}/m_input.png"],
        "{id}/errnet.png",
        "errnet",
    ),
    "dsrnet2023: test": (
        ["{id}/dsrnet_l_l.png", "{id}/dsrnet_l_r.png", "{id}/dsrnet_l_rr.png", "{id}/m_input.png"],
        "{id}/dsrnet_l_l.png",
        "dsrnet_l_l",
    ),
    "dsrnet2023: evaluation": (
        ["{id}/dsrnet_t.png", "{id}/dsrnet_r.png", "{id}/dsrnet_rr.png", "{id}/t_label.png", "{id}/r_label.png"],
        "{id}/dsrnet_t.png",
        "dsrnet_t",
    ),
    "pix2pix and its kin": (["{id}_real_A.png", "{id}_fake_B.png", "{id}_real_B.png"], "{id}_fake_B.png", "fake_B"),
    "windowseat": (
        ["{id}_windowseat_output.png", "{id}_windowseat_side_by_side.png"],
        "{id}_windowseat_output.png",
        "windowseat_output",
    ),
    "windowseat of .jpeg": (
        ["{id}._windowseat_output.png", "{id}._windowseat_side_by_side.png"],
        "{id}._windowseat_output.png",
        "windowseat_output",
    ),
    "layers by their names": (
        ["{id}_transmission.jpg", "{id}_reflection.jpg"],
        "{id}_transmission.jpg",
        "transmission",
    ),
    "layers in folders": (["out/{id}.png"], "out/{id}.png", ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_understood(way):
    patterns, answer, layer = WAYS[way]
    found = matched_by_name(paths(*patterns), ASKED)
    assert found.answers == {name: PurePosixPath(answer.format(id=name)) for name in PICTURES}
    assert (found.layer, found.missing, found.surplus) == (layer, (), ())
    assert sum(found.others.values()) == (len(patterns) - 1) * len(PICTURES)


def test_missing_and_surplus_are_named():
    found = matched_by_name([PurePosixPath("1.png"), PurePosixPath("other.png")], ASKED)
    assert found.answers == {"1": PurePosixPath("1.png")}
    assert (found.missing, found.surplus) == (("1-2", "night_view"), (PurePosixPath("other.png"),))


def test_the_longest_name_is_meant():
    found = matched_by_name([PurePosixPath("1-2_result.png"), PurePosixPath("1_result.png")], ASKED)
    assert found.answers == {"1": PurePosixPath("1_result.png"), "1-2": PurePosixPath("1-2_result.png")}


@pytest.mark.parametrize(
    ("files", "layer", "words"),
    [
        (["1.png", "1.jpg"], None, "'1': '1.jpg'|1.png and 1.jpg answer '1'"),
        (["1_a.png", "1_b.png"], None, "it is open which files are the answers: their names end in 'a' \\(1\\), 'b'"),
        (["1_r.png", "1-2_r.png"], None, "it is open which files are the answers: their names end in 'r' \\(2\\)"),
        (["1_gt.png"], None, "their names end in 'gt' \\(1\\)"),
        (["1_t.png", "1_clean.png"], None, "their names end in 'clean' \\(1\\), 't' \\(1\\)"),
        (["1_t.png"], "x", "no file is of layer 'x'; there are 't' \\(1\\)"),
        (["7.png", "8.png"], None, "none of 2 pictures has the name of a picture of the dataset: '7.png', '8.png'"),
    ],
)
def test_what_is_open_is_never_guessed(files, layer, words):
    with pytest.raises(BadInput, match=words):
        matched_by_name([PurePosixPath(name) for name in files], ASKED, layer)


def test_files_beside_folders_of_the_same_pictures_are_open():
    with pytest.raises(BadInput, match=r"their names end in '' \(the picture's name alone\) \(3\), 't_output' \(3\)"):
        matched_by_name(paths("{id}.png", "{id}/t_output.png"), ASKED)


def test_letters_with_marks_are_the_same_in_either_form():
    asked = [Asked("n", (unicodedata.normalize("NFC", "Süd"),))]
    apart = PurePosixPath(unicodedata.normalize("NFD", "Süd") + "_t.png")
    assert matched_by_name([apart], asked).answers == {"n": apart}


def test_a_layer_can_be_chosen():
    files = paths("{id}_a.png", "{id}_b.png")
    assert matched_by_name(files, ASKED, "b").answers["1"] == PurePosixPath("1_b.png")


def test_a_name_that_several_pictures_share_is_no_ones():
    asked = [Asked("a", ("a", "m_input")), Asked("b", ("b", "m_input"))]
    found = matched_by_name([PurePosixPath("m_input.png"), PurePosixPath("a.png")], asked)
    assert (found.answers, found.surplus) == ({"a": PurePosixPath("a.png")}, (PurePosixPath("m_input.png"),))


def test_a_pattern_says_it_all():
    files = paths("{id}/x/a.png", "{id}/x/b.png")
    assert matched_by_pattern(files, ASKED, "{id}/x/b.*").answers["1-2"] == PurePosixPath("1-2/x/b.png")
    with pytest.raises(BadInput, match=r"has no \{id\}"):
        matched_by_pattern(files, ASKED, "x/b.png")
    with pytest.raises(BadInput, match=r"fits the answer to no picture; it fits '9\.png', which no picture is called"):
        matched_by_pattern([PurePosixPath("9.png")], ASKED, "{id}.png")


NAMES = st.lists(st.text("ab1-_. ", min_size=1, max_size=6).filter(lambda name: name.strip(". ")), unique=True)


@given(NAMES, st.lists(st.text("ab1-_. /", min_size=1, max_size=9).filter(lambda name: name.strip(". /"))))
def test_every_file_is_an_answer_another_layer_or_surplus_and_no_answer_is_given_twice(names, files):
    asked = [Asked(name, (name,)) for name in names]
    distinct = list(dict.fromkeys(PurePosixPath(f"{file.strip('/')}.png") for file in files))
    try:
        found = matched_by_name(distinct, asked)
    except BadInput:
        return
    assert len(found.answers) + sum(found.others.values()) + len(found.surplus) == len(distinct)
    assert set(found.answers) | set(found.missing) == set(names)
    assert len(set(found.answers.values())) == len(found.answers)
    for name, path in found.answers.items():
        assert path.stem.startswith(name) or path.parent.name == name
