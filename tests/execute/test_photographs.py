"""What results of photographs are called."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.delivery import comparable
from orchestrator.execute.photographs import settled
from stagekit.inside import unsafe_id

LAYERS = ("", "-reflection")
STEMS = st.one_of(
    st.sampled_from(
        ["a", "A", "a-2", "a-3", "a-reflection", "A-Reflection", "e\u0301", "\u00e9", "\u00df", "SS", "L" * 250]
    ),
    st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=12),
    st.binary(min_size=1, max_size=12).map(lambda name: os.fsdecode(name.replace(b"/", b"_").replace(b"\0", b"_"))),
)
NAMES = (
    st.tuples(STEMS, st.sampled_from([".jpg", ".png", ".JPG", "", ".npy"]))
    .map("".join)
    .filter(lambda name: name not in {".", ".."})
)


@given(st.lists(st.tuples(st.sampled_from(["", "one", "two"]), NAMES).map(lambda parts: Path(*parts)), max_size=12))
def test_no_two_results_have_one_name_on_any_disk(paths: list[Path]) -> None:
    found = settled(paths, LAYERS)
    assert [photograph.path for photograph in found] == list(dict.fromkeys(paths))
    names = [comparable(f"{one.stem}{words}") for one in found for words in LAYERS]
    assert len(set(names)) == len(names)
    copies = [photograph.copy for photograph in found]
    assert len(set(map(str.lower, copies))) == len(copies)
    assert all(not copy.startswith(".") and len(os.fsencode(copy)) < 200 for copy in copies)
    assert not [copy for copy in copies if unsafe_id(copy)]
    assert all(len(os.fsencode(one.result("-reflection"))) <= 255 for one in found)
    alone = {comparable(one.path.stem) for one in found}
    if len(alone) == len(found) and not any("-reflection" in name for name in alone):
        assert all(one.stem == one.path.stem for one in found if len(os.fsencode(one.path.stem)) <= 200)


@pytest.mark.parametrize(
    "order", [["photo-2.png", "photo.jpg", "photo.png"], ["photo.jpg", "photo.png", "photo-2.png"]]
)
def test_a_name_that_another_photograph_has_is_never_given_to_a_second(order: list[str]) -> None:
    called = {str(one.path): one.stem for one in settled([Path(name) for name in order])}
    assert called == {"photo.jpg": "photo", "photo.png": "photo-3", "photo-2.png": "photo-2"}
