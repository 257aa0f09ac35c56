"""Pictures and thumbnails of a report: right whatever a cache holds, and made once for all reports."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from orchestrator.errors import OutputInvalid
from orchestrator.report.pictures import AssetWriter, PictureFile, PictureSource, Shown
from orchestrator.report.thumbnail_cache import ThumbnailCache, entry_key
from orchestrator.report.thumbnails import COARSE_PX, ThumbnailUse, thumbnail
from tests.report.report_sample import picture

HEIGHT, WIDTH = 310, 470

Placed = Callable[..., tuple[Shown, bytes]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A picture: a gradient that differs by place and colour."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return picture(tmp_path / "one.png", np.stack([rows / HEIGHT, columns / WIDTH, 0.3 + 0 * rows], axis=-1))


@pytest.fixture
def placed(file: Path, tmp_path: Path) -> Placed:
    """Put the picture into a new report; return how it is shown, and its thumbnail."""

    def place(use: ThumbnailUse = "card", **known: object) -> tuple[Shown, bytes]:
        folder = tmp_path / f"report {len(list(tmp_path.glob('report *')))}"
        source = PictureSource(tmp_path / "cache", **known)  # type: ignore[arg-type]
        shown = AssetWriter(folder, source).place([PictureFile(file, PurePosixPath("a/b"), use)])[0]
        assert (folder / "a" / "b.png").read_bytes() == file.read_bytes()
        return shown, (folder / "a" / "b.thumb.webp").read_bytes()

    return place


def entries(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "cache").rglob("*") if path.is_file())


def decoded(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(encoded)).convert("RGB"), float)


@pytest.mark.parametrize(("use", "size", "sketch"), [("card", (237, 360), 3 * COARSE_PX**2), ("strip", (111, 168), 0)])
def test_thumbnail_is_the_picture_made_small(
    placed: Placed, file: Path, use: ThumbnailUse, size: tuple[int, int], sketch: int
) -> None:
    shown, encoded = placed(use)
    assert (shown.height, shown.width, len(shown.sketch)) == (HEIGHT, WIDTH, sketch)
    expected = np.asarray(Image.open(file).resize(size[::-1], Image.Resampling.BOX), float)
    assert decoded(encoded).shape == (*size, 3)
    assert np.abs(decoded(encoded) - expected).mean() < 3


def test_thumbnail_from_the_cache_is_the_one_that_was_made(placed: Placed, tmp_path: Path) -> None:
    first = placed()
    made = entries(tmp_path)
    assert len(made) == 1
    written = made[0].stat().st_mtime_ns
    assert placed() == first
    assert [path.stat().st_mtime_ns for path in entries(tmp_path)] == [written]
    placed("strip")
    assert len(entries(tmp_path)) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda content: content[:-1], id="cut-short"),
        pytest.param(lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:], id="one-bit"),
        pytest.param(lambda _: b"no entry at all " * 9, id="something-else"),
    ],
)
def test_damaged_entry_of_the_cache_is_made_again(
    placed: Placed, tmp_path: Path, damaged: Callable[[bytes], bytes]
) -> None:
    first = placed()
    entry = entries(tmp_path)[0]
    content = entry.read_bytes()
    entry.write_bytes(damaged(content))
    assert placed() == first
    assert entries(tmp_path) == [entry]
    assert entry.read_bytes() == content


def test_thumbnail_of_another_use_program_or_picture_has_an_entry_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {entry_key("0" * 64, "card"), entry_key("0" * 64, "strip"), entry_key("1" * 64, "card")}
    monkeypatch.setattr("PIL.__version__", "0.1")
    names.add(entry_key("0" * 64, "card"))
    assert len(names) == 4


def test_many_at_once_make_one_entry_and_all_get_it(file: Path, tmp_path: Path) -> None:
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    expected = thumbnail(content, "card", file.name)
    caches = [ThumbnailCache(tmp_path / "cache") for _ in range(8)]
    with ThreadPoolExecutor(len(caches)) as pool:
        found = list(pool.map(lambda cache: cache.thumbnail(content, digest, "card", file.name), caches))
    assert found == [expected] * len(caches)
    assert len(entries(tmp_path)) == 1


def test_cache_that_cannot_be_written_still_gives_a_report(placed: Placed, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    shown, encoded = placed()
    assert shown.height == HEIGHT
    assert decoded(encoded).shape == (237, 360, 3)


def test_picture_that_is_not_what_its_stage_left_is_refused(placed: Placed, file: Path) -> None:
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    assert placed(digests={file: right})[0].width == WIDTH
    with pytest.raises(OutputInvalid, match=r"'one\.png' is not the one that its stage left") as caught:
        placed(digests={file: "0" * 64})
    assert caught.value.where == str(file)
    assert "store check --repair" in str(caught.value.hint)


def test_picture_that_is_gone_is_named(placed: Placed, file: Path) -> None:
    file.unlink()
    with pytest.raises(OutputInvalid, match=r"'one\.png' cannot be read: No such file"):
        placed()
