"""Which files a pattern means, and by what name."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.datasets.patterns import matches, other_case, pattern_expression
from stagekit import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ("a.png", "a.b.png", "c.JPG", "readme", ".hidden.png", "sub/a.png", "sub/deep/z-input.png", ".git/x.png")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        pytest.param("*.*", {"a": "a.png", "a.b": "a.b.png", "c": "c.JPG"}, id="any-with-an-end"),
        pytest.param("*", {"a": "a.png", "a.b": "a.b.png", "c": "c.JPG", "readme": "readme"}, id="any"),
        pytest.param("./{id}.png", {"a": "a.png", "a.b": "a.b.png"}, id="named"),
        pytest.param("?.png", {"a": "a.png"}, id="one-letter"),
        pytest.param("[!a].*", {"c": "c.JPG"}, id="none-of-these-letters"),
        pytest.param("[a-c].???", {"a": "a.png", "c": "c.JPG"}, id="letters"),
        pytest.param("sub/{id}.png", {"a": "sub/a.png"}, id="folder"),
        pytest.param("{id}/a.png", {"sub": "sub/a.png"}, id="name-is-the-folder"),
        pytest.param("**/{id}-input.png", {"z": "sub/deep/z-input.png"}, id="any-depth"),
        pytest.param("*/deep/*.png", {"sub/deep/z-input": "sub/deep/z-input.png"}, id="wildcards-name-by-path"),
        pytest.param("{id}.tif", {}, id="nothing"),
    ],
)
def test_matches_of_a_pattern(folder: Path, pattern: str, found: dict[str, str]) -> None:
    assert {match.id: str(match.path) for match in matches(folder, pattern)} == found


def test_matches_are_sorted_by_path(folder: Path) -> None:
    paths = [str(match.path) for match in matches(folder, "**/*.png")]
    assert paths == sorted(paths)
    assert len(paths) == 4


def test_a_name_that_stands_twice_is_the_same_both_times() -> None:
    expression = pattern_expression("{id}/{id}.png")
    assert expression.fullmatch("a/a.png")
    assert not expression.fullmatch("a/b.png")


def test_letters_that_mean_something_in_expressions_are_taken_as_they_are() -> None:
    assert pattern_expression("a+(1).png").fullmatch("a+(1).png")
    assert not pattern_expression("a.png").fullmatch("axpng")


@pytest.mark.parametrize("pattern", ["", "/etc/*.png", "../{id}.png", "a/../../{id}.png", "[z-a].png"])
def test_patterns_that_cannot_be_meant_are_refused(folder: Path, pattern: str) -> None:
    with pytest.raises(BadInput) as caught:
        matches(folder, pattern)
    assert repr(pattern) in caught.value.message
    assert caught.value.hint


def test_a_folder_that_links_to_itself_ends(folder: Path) -> None:
    (folder / "sub" / "again").symlink_to(folder)
    assert [match.id for match in matches(folder, "**/z-{id}.png")] == ["input"]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        matches(tmp_path / "gone", "*.*")


def test_files_that_differ_by_capital_letters_are_found_for_the_hint(folder: Path) -> None:
    assert other_case(folder, "{id}.jpg") == ["c.JPG"]
