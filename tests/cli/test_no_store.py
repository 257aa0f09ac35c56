"""Where no store is: reading makes none, and says where it looked and how to name one; the nearest one is found."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from orchestrator import api
from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.png import write_png
from orchestrator.store.store import Store
from tests.execute.small_run import keep_run

READING: Sequence[Sequence[str]] = (
    ("runs", "list"),
    ("runs", "list", "--json"),
    ("runs", "show", "first"),
    ("runs", "rename", "first", "second"),
    ("runs", "remove", "first", "--yes"),
    ("report", "first"),
    ("report", "first@2"),
    ("report", "first", "second"),
    ("report", "first", "--table", "csv"),
    ("report", "first", "--single-file", "page.html"),
    ("report", "--serve", "--port", "0"),
    ("store", "check"),
    ("store", "check", "first"),
    ("store", "usage"),
    ("store", "clean", "--dry-run"),
    ("store", "pack", "first", "first.tar"),
    ("ps",),
    ("stop", "first"),
    ("export", "first/errnet2019", "--out", "out"),
    ("release", "first/errnet2019", "--out", "out"),
    ("remove", "photo.png", "--model", "first/errnet2019", "--out", "out"),
    ("infer", "photo.png", "--model", "first/errnet2019", "--out", "out"),
    ("infer", "photo.png", "--model", "first/errnet2019", "--explain"),
)
"""Commands that ask a store for what somebody made; of these none makes anything."""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, far from any store, with a picture in it."""
    monkeypatch.delenv("SIRR_STORE", raising=False)
    folder = tmp_path / "elsewhere" / "deep"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    (folder / "photo.png").write_bytes(write_png(np.zeros((4, 5, 3), np.uint8)))
    return folder


def refusal(words: Sequence[str]) -> SirrError:
    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, SirrError), (done.output, done.exception)
    return done.exception


@pytest.mark.parametrize("words", READING, ids=" ".join)
@pytest.mark.parametrize("named", [True, False])
def test_reading_where_no_store_is_makes_none_and_says_where_it_looked(
    elsewhere: Path, words: Sequence[str], named: bool
) -> None:
    folder = elsewhere / ("typo" if named else ".sirr")
    error = refusal([*words, "--store", "typo"] if named else words)
    assert error.message == f"there is no store at {folder}{'' if named else ', nor one in a folder above'}"
    assert error.exit_code == 2
    assert "--store" in (error.hint or "")
    assert [path.name for path in elsewhere.iterdir()] == ["photo.png"]


ASKING: Sequence[Callable[[Path], object]] = (
    api.runs,
    lambda store: api.open_run("first", store),
    lambda store: api.remove(np.zeros((4, 5, 3), np.uint8), "first/errnet2019", store=store),
    lambda store: api.remove(np.zeros((4, 5, 3)), "first/errnet2019", store=store),
)


@pytest.mark.parametrize("ask", ASKING)
def test_asking_from_python_where_no_store_is_makes_none(elsewhere: Path, ask: Callable[[Path], object]) -> None:
    with pytest.raises(api.SirrError, match=f"there is no store at {elsewhere / 'typo'}") as refused:
        ask(elsewhere / "typo")
    assert "store=" in (refused.value.hint or "")
    assert not (elsewhere / "typo").exists()


@pytest.mark.parametrize("command", [("plan", "first.yaml"), ("plan", "first.yaml", "--engine", "local"), ("doctor",)])
@pytest.mark.parametrize("there", [True, False])
def test_what_needs_no_store_makes_none(elsewhere: Path, command: Sequence[str], there: bool) -> None:
    keep_run(Store(elsewhere.parent / "kept"), elsewhere)
    before = sorted(elsewhere.rglob("*"))
    store = elsewhere / "pictures"
    if there:
        store.mkdir()
    done = CliRunner().invoke(app, [*command, "--store", str(store)])
    assert done.exit_code in {0, 4}, done.output
    assert sorted(elsewhere.rglob("*")) == sorted([*before, store] if there else before)


def test_the_nearest_store_above_is_found(elsewhere: Path) -> None:
    keep_run(Store(elsewhere.parents[1] / ".sirr"), elsewhere.parents[1])
    assert [row["name"] for row in json.loads(CliRunner().invoke(app, ["runs", "list", "--json"]).stdout)] == ["first"]
    assert [run.name for run in api.runs()] == ["first"]
    assert str(elsewhere.parents[1] / ".sirr") in refusal(["report", "second"]).where
    Store(elsewhere.parent / ".sirr")
    assert CliRunner().invoke(app, ["runs", "list"]).output.startswith(f"the store {elsewhere.parent / '.sirr'} has no")
    assert api.runs() == []
    Store(elsewhere / ".sirr")
    assert str(elsewhere / ".sirr") in refusal(["report", "first"]).where
    assert not list(elsewhere.glob(".sirr/runs/*"))


def test_a_folder_above_that_is_no_store_is_passed_over(elsewhere: Path) -> None:
    keep_run(Store(elsewhere.parents[1] / ".sirr"), elsewhere.parents[1])
    (elsewhere.parent / ".sirr").mkdir()
    assert [run.name for run in api.runs()] == ["first"]


def test_a_store_above_of_another_user_is_not_taken(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds programs, which would run as this one."""
    Store(elsewhere.parent / ".sirr")
    monkeypatch.setattr(os, "geteuid", lambda: (elsewhere.parent / ".sirr").stat().st_uid + 1)
    with pytest.raises(api.SirrError, match="there is no store at"):
        api.runs()


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_store_that_is_named_is_the_one(elsewhere: Path, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(elsewhere.parent / ".sirr")
    keep_run(Store(elsewhere.parent / "named"), elsewhere.parent)
    words = ["runs", "list", "--json"]
    if by == "environment":
        monkeypatch.setenv("SIRR_STORE", "../named")
    else:
        words += ["--store", "../named"]
    assert [row["name"] for row in json.loads(CliRunner().invoke(app, words).stdout)] == ["first"]
