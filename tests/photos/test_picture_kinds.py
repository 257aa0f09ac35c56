"""Datasets and photographs read every kind of file alike, and as what it means: a table of both readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from orchestrator.datasets.picture_reading import UnusablePicture, read_rgb
from orchestrator.photos.photo import ReadingLimits, opened_photo
from tests.photos.picture_kinds import PICTURE, PictureKind, as_seen, level_db, picture_kinds

KINDS = [pytest.param(kind, id=kind.name) for kind in picture_kinds()]


@pytest.fixture
def file(tmp_path: Path, kind: PictureKind) -> Path:
    kind.write(tmp_path / kind.name)
    return tmp_path / kind.name


def grey(kind: PictureKind, pixels: np.ndarray) -> np.ndarray:
    """Return what a reader saw of a grey kind, with the colours that it does not have."""
    is_grey = "grey, repeated in three channels" in (kind.prepared or kind.kept or ())
    return np.dstack([pixels[..., :1], PICTURE[..., 1:]]) if is_grey else pixels


def seen(file: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a photograph as a program shows its results that follows their profile, and its notes."""
    with opened_photo(file, ReadingLimits(file.parent)) as photo:
        pixels = np.concatenate([strip.copy() for strip in photo.source()])
        return as_seen(pixels, photo.beside.profile), photo.notes


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_takes_a_file_as_what_it_means(kind: PictureKind, file: Path) -> None:
    if kind.prepared is None:
        with pytest.raises(UnusablePicture, match=kind.refusal):
            read_rgb(file)
        return
    picture = read_rgb(file)
    assert level_db(grey(kind, picture.pixels)) >= kind.least_db
    assert picture.notes == kind.prepared


@pytest.mark.parametrize("kind", KINDS)
def test_a_photograph_keeps_what_a_file_means(kind: PictureKind, file: Path) -> None:
    if kind.kept is None:
        with pytest.raises(UnusablePicture, match=kind.refusal):
            seen(file)
        return
    pixels, notes = seen(file)
    assert level_db(grey(kind, pixels)) >= kind.least_db
    assert notes == kind.kept
