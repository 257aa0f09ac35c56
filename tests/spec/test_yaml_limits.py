"""Files that are small and stand for too much: refused with the place, before anything is built of them."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from orchestrator.errors import SpecError
from orchestrator.spec.document import read_document
from orchestrator.spec.yaml_limits import DEEPEST, MOST_VALUES, excess


def found(text):
    return excess(YAML(typ="safe", pure=True).parse(text))


def multiplied(levels, width):
    """Return a file whose aliases stand for width ** levels values."""
    lines = [f"l0: &l0 [{', '.join('x' * width)}]"]
    for level in range(1, levels):
        lines.append(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * width)}]")
    return "\n".join(lines)


def test_aliases_that_multiply_are_refused_where_they_go_too_far(tmp_path):
    path = tmp_path / "many.yaml"
    path.write_text(multiplied(6, 10), encoding="utf-8")
    with pytest.raises(SpecError, match=f"more than {MOST_VALUES} values, with its aliases written out") as caught:
        read_document(path)
    assert caught.value.where.startswith(f"{path}:5:")


def test_no_event_is_taken_after_the_one_that_goes_too_far():
    events = list(YAML(typ="safe", pure=True).parse(multiplied(6, 10)))
    taken = itertools.count()
    assert excess(event for event in events if next(taken) is not None) is not None
    assert next(taken) < len(events)


def test_aliases_are_counted_as_what_they_stand_for():
    levels = 3
    held = sum(10**level for level in range(1, levels + 1))
    assert held < MOST_VALUES
    assert found(multiplied(levels, 10)) is None


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}")], ids=["lists", "groups"])
def test_nesting_is_refused_beyond_a_depth(opening, closing):
    def text(depth):
        return "a: " + opening * (depth - 1) + "x" + closing * (depth - 1)

    assert found(text(DEEPEST - 1)) is None
    deep = found(text(DEEPEST + 5))
    assert deep.words == f"values are nested more than {DEEPEST} deep"


def test_nesting_of_thousands_is_told_with_its_place(tmp_path):
    path = tmp_path / "deep.yaml"
    path.write_text("name: first\nnote: " + "[" * 3000 + "]" * 3000, encoding="utf-8")
    with pytest.raises(SpecError, match="nested more than") as caught:
        read_document(path)
    assert caught.value.where.startswith(f"{path}:2:")


def test_depth_counts_through_aliases():
    lines = ["l0: &l0 [x]", *(f"l{level}: &l{level} [*l{level - 1}]" for level in range(1, DEEPEST + 2))]
    assert found("\n".join(lines[:10])) is None
    assert "nested" in found("\n".join(lines)).words


WORDS = st.sampled_from(
    ["a: ", "- ", "&x ", "*x", "<<: ", "!!int ", "!!timestamp ", "!!set ", "1e400", "2024-13-01", "\n  "]
)


def test_an_anchor_that_is_given_twice_is_no_mistake(tmp_path):
    path = tmp_path / "twice.yaml"
    path.write_text("a: &x 1\nb: &x 2\nc: *x\n", encoding="utf-8")
    assert read_document(path).data["c"] == 2


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS | st.text("ab:?-[]{}&*!|>'\"#%@\n ,1.~\t\x07", max_size=4), max_size=15).map("".join))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        read_document(path)
        said = "read"
    except SpecError as error:
        said = error.message
    assert said
