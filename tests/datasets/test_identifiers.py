"""Identifiers are safe and tell items apart, whatever the files are called."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.datasets.identifiers import LENGTH, safe_identifiers, shown_name


@given(st.lists(st.text(st.characters(), max_size=120), max_size=12))
def test_identifiers_are_safe_and_unique_for_any_names(names: list[str]) -> None:
    identifiers = safe_identifiers(names)
    assert len({identifier.lower() for identifier in identifiers}) == len(names)
    for identifier in identifiers:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", identifier)
        assert len(identifier) <= LENGTH + 4


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("IMG_0042", "IMG_0042"),
        ("a b", "a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("Fenêtre", "Fene-tre"),
        ("窗户", "picture"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("two\nlines\0", "two-lines"),
        ("bytes\udcff", "bytes"),
    ],
)
def test_hostile_names_become_safe(name: str, identifier: str) -> None:
    assert safe_identifiers([name]) == [identifier]


def test_names_that_become_the_same_are_numbered() -> None:
    assert safe_identifiers(["a b", "a?b", "A-B", "a-b-2"]) == ["a-b", "a-b-2", "A-B-3", "a-b-2-2"]


def test_shown_names_can_be_written_as_json() -> None:
    assert json.loads(json.dumps(shown_name("bytes\udcff.png")).encode()) == "bytes\ufffd.png"
    assert shown_name("Fenêtre.png") == "Fenêtre.png"
