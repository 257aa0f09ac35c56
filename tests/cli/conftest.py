"""Where commands are typed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to type commands in, without feature weights."""
    monkeypatch.delenv("SIRR_FEATURES", raising=False)
    monkeypatch.setenv("SIRR_DATA", str(tmp_path / "data"))
    (tmp_path / "here").mkdir()
    with contextlib.chdir(tmp_path / "here"):
        yield tmp_path / "here"
