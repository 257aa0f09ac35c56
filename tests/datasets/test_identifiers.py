"""Identifiers are safe and tell items apart, whatever the files are called."""

from __future__ import annotations

import json
import os
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.datasets.identifiers import LENGTH, safe_identifiers, shown_name
from stagekit.inside import unsafe_id


@given(st.lists(st.text(st.characters(), max_size=120), max_size=12))
def test_identifiers_are_safe_and_unique_for_any_names(names: list[str]) -> None:
    identifiers = safe_identifiers(names)
    assert len({identifier.lower() for identifier in identifiers}) == len(names)
    for identifier in identifiers:
        assert unsafe_id(identifier) == ""
        assert len(identifier) <= LENGTH + 4
        assert len(os.fsencode(f"{identifier}-reflection.png")) <= 255
        assert not [letter for letter in identifier if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zs"}]


@given(st.lists(st.text(st.characters(max_codepoint=127), max_size=120), max_size=12))
def test_identifiers_of_ascii_names_are_as_they_always_were(names: list[str]) -> None:
    before = [re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:LENGTH].strip("-.") or "picture" for name in names]
    assert safe_identifiers(names) == safe_identifiers(before)
    assert [safe_identifiers([name]) for name in names] == [[name] for name in before]


@given(st.lists(st.text(st.characters(), max_size=12), max_size=12))
def test_no_two_identifiers_are_one_on_any_disk(names: list[str]) -> None:
    found = safe_identifiers(names)
    for form in ("NFC", "NFD", "NFKC"):
        assert len({unicodedata.normalize(form, one).casefold() for one in found}) == len(names)


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("IMG_0042", "IMG_0042"),
        ("a b", "a-b"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("Fenêtre", "Fenêtre"),
        ("Su\u0308d", "Süd"),
        ("窗户", "窗户"),
        ("прибор 1", "прибор-1"),
        ("हिन्दी", "हिन्दी"),
        ("עברית", "עברית"),
        ("ﬁ①", "fi1"),
        ("gnp\u202eexe", "gnpexe"),
        ("\u0301a", "a"),
        ("a\ufe0f\u3164b", "ab"),
        ("😀", "picture"),
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
