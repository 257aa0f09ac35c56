"""Whatever names, links and folders clash: no command changes a file of the user that it was not told to replace."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.store.store import Store
from tests.execute.photo_engine import REFLECTION, TRANSMISSION, photo_engine
from tests.execute.small_run import keep_run

MODEL = "first/errnet2019"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a finished run."""
    folder = tmp_path_factory.mktemp("kept")
    keep_run(Store(folder / "store"), folder)
    return folder / "store"


@pytest.fixture
def home(tmp_path: Path, kept: Path) -> Iterator[Path]:
    """The user's folder, in which commands are typed; the store lies beside it."""
    shutil.copytree(kept, tmp_path / "store", symlinks=True)
    (tmp_path / "home").mkdir()
    with contextlib.chdir(tmp_path / "home"), photo_engine():
        yield tmp_path / "home"


def sirr(*arguments: object, store: Path | str = "../store") -> Result:
    return CliRunner().invoke(app, [*map(str, arguments), "--store", str(store)])


def remove(*photos: object, out: object = "results", store: Path | str = "../store") -> Result:
    return sirr("remove", *photos, "--model", MODEL, "--out", out, store=store)


def files(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(f"the picture {name}".encode())


State = dict[Path, tuple[bytes, int, int]]


def state(folder: Path, kept: Sequence[str]) -> State:
    """Return content, time and number of names of each file below a folder, but of what the store keeps."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not any(part in kept for part in path.relative_to(folder).parts):
            status = path.stat()
            found[path] = (path.read_bytes(), status.st_mtime_ns, status.st_nlink)
    return found


def results(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_each_photograph_has_its_own_result_where_names_are_alike(home: Path) -> None:
    files("photo-2.png", "photo.jpg", "photo.png")
    before = state(home, ())
    done = remove("photo-2.png", "photo.jpg", "photo.png")
    assert done.exit_code == 0, done.exception
    assert "'photo.png' is called 'photo-3.png'" in done.stderr.replace("\n", "")
    assert {path: now for path, now in state(home, ()).items() if path in before} == before
    assert results("results") == {
        "photo-2.png": TRANSMISSION + b"the picture photo-2.png",
        "photo.png": TRANSMISSION + b"the picture photo.jpg",
        "photo-3.png": TRANSMISSION + b"the picture photo.png",
    }


def test_a_reflection_never_replaces_another_photographs_result(home: Path) -> None:
    files("a.png", "a-reflection.png")
    assert sirr("remove", "a.png", "a-reflection.png", "--reflection", "--model", MODEL, "--out", "o").exit_code == 0
    assert results("o") == {
        "a.png": TRANSMISSION + b"the picture a.png",
        "a-reflection.png": REFLECTION + b"the picture a.png",
        "a-reflection-2.png": TRANSMISSION + b"the picture a-reflection.png",
        "a-reflection-2-reflection.png": REFLECTION + b"the picture a-reflection.png",
    }


@pytest.mark.parametrize("more", [(), ("--overwrite",)], ids=["as-it-is", "overwrite"])
@pytest.mark.parametrize("out", [".", "../home", "link", "sub/.."])
def test_a_result_is_never_put_where_its_photograph_lies(home: Path, out: str, more: tuple[str, ...]) -> None:
    files("a.png", "sub/other.png")
    Path("link").symlink_to(".")
    done = sirr("remove", home / "a.png", "--model", MODEL, "--out", out, *more)
    assert isinstance(done.exception, SirrError)
    assert (done.exception.code, done.exception.exit_code) == ("result-exists", 2)
    assert "which was given to read" in done.exception.message
    assert Path("a.png").read_bytes() == b"the picture a.png"


def test_capital_letters_do_not_tell_a_result_from_a_photograph(home: Path) -> None:
    files("A.PNG", "a.jpg")
    assert remove("A.PNG", "a.jpg", out=".").exit_code == 1
    assert remove("A.PNG", "a.jpg").exit_code == 0
    assert sorted(results("results")) == ["A.png", "a-2.png"]


def test_a_file_that_differs_is_replaced_only_on_request(home: Path) -> None:
    files("a.jpg", "results/a.png")
    os.link("results/a.png", "kept.png")
    done = remove("a.jpg")
    assert isinstance(done.exception, SirrError)
    assert done.exception.code == "result-exists"
    assert "--overwrite" in str(done.exception.hint)
    assert results("results") == {"a.png": b"the picture results/a.png"}
    assert sirr("remove", "a.jpg", "--model", MODEL, "--out", "results", "--overwrite").exit_code == 0
    assert results("results") == {"a.png": TRANSMISSION + b"the picture a.jpg"}
    assert Path("kept.png").read_bytes() == b"the picture results/a.png", "its other name keeps it"


def test_a_result_that_is_there_is_no_trouble(home: Path) -> None:
    files("a.jpg")
    assert remove("a.jpg").exit_code == 0
    before = state(home, ())
    assert remove("a.jpg").exit_code == 0
    assert state(home, ()) == before


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        pytest.param("/proc/none", "spec-invalid", "is no folder that results can be written to", id="cannot-be-made"),
        pytest.param("a.jpg/sub", "spec-invalid", "is no folder that results can be written to", id="below-a-file"),
        pytest.param("../store/artifacts/x", "spec-invalid", "lies in the store", id="in-the-store"),
        pytest.param("taken", "result-exists", "is there and no file", id="a-folder-of-that-name"),
    ],
)
def test_a_folder_that_takes_no_results_is_refused_before_anything_runs(
    home: Path, out: str, code: str, words: str
) -> None:
    files("a.jpg", "taken/a.png/inside.txt")
    with photo_engine() as engine:
        done = remove("a.jpg", out=out)
    assert isinstance(done.exception, SirrError)
    assert (done.exception.code, done.exception.exit_code) == (code, 2)
    assert words in done.exception.message
    assert engine.started == []


def test_exported_files_replace_none_of_the_users(home: Path) -> None:
    files("network.onnx", "export.json", "weights.pt")
    before = state(home, ())
    for command in ("export", "release"):
        done = sirr(command, MODEL, "--out", ".")
        assert isinstance(done.exception, SirrError)
        assert done.exception.code == "result-exists"
    assert state(home, ()) == before
    assert sirr("export", MODEL, "--out", ".", "--overwrite").exit_code == 0
    assert Path("network.onnx").read_bytes() == b"onnx"


@dataclass(frozen=True)
class Situation:
    """A folder and a command.

    Attributes:
        names: Of files, each with what it is: a file, or a link of either kind to the first.
        given: How many of them the command gets, from the first on, and in which order.
    """

    names: tuple[tuple[str, str], ...]
    given: tuple[int, ...]
    absolute: bool
    out: str
    store: str
    command: tuple[str, ...]
    overwrite: bool


STEMS = ("photo", "Photo", "photo-2", "photo-reflection", "photo.tif", "e\u0301", "\u00e9", "-x")


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    command = draw(st.sampled_from([("remove",), ("remove", "--reflection"), ("infer",), ("infer", "--arrays")]))
    arrays = command[0] == "infer" and draw(st.booleans())
    suffixes = (".npy",) if arrays else (".png", ".jpg", ".JPG", ".tif", "")
    names = draw(st.lists(st.tuples(st.sampled_from(STEMS), st.sampled_from(suffixes)), min_size=1, max_size=5))
    drawn = list(dict.fromkeys(stem + suffix for stem, suffix in names))
    kinds = ["file", *(draw(st.sampled_from(["file", "file", "link", "hard link"])) for _ in drawn[1:])]
    unique = dict(zip(drawn, kinds, strict=True))
    given = draw(st.permutations(range(len(unique))))
    return Situation(
        tuple(unique.items()),
        tuple(given[: draw(st.integers(1, len(unique)))]),
        draw(st.booleans()),
        draw(st.sampled_from([".", "results", "..", "to-here", "photos"])),
        draw(st.sampled_from(["../store", "store", ".."])),
        command,
        draw(st.booleans()),
    )


def lay_out(situation: Situation) -> None:
    os.symlink(".", "to-here")
    first = situation.names[0][0]
    for number, (name, kind) in enumerate(situation.names):
        if kind == "link":
            os.symlink(first, name)
        elif kind == "hard link":
            os.link(first, name)
        elif name.endswith(".npy"):
            np.save(name, np.full((3, 4, 3), number / 8, np.float32))
        else:
            Path(name).write_bytes((b"II*\0" if number % 2 else b"") + f"the picture {name}".encode())


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(situation=situations())
def test_no_clash_changes_what_was_given(situation: Situation, kept: Path, tmp_path_factory: pytest.TempPathFactory):
    top = tmp_path_factory.mktemp("drawn")
    home = top / "home"
    home.mkdir()
    store = home / situation.store
    shutil.copytree(kept, store, symlinks=True, dirs_exist_ok=True)
    with contextlib.chdir(home), photo_engine():
        lay_out(situation)
        paths = [situation.names[number][0] for number in situation.given]
        photos = [home / path if situation.absolute else Path("./") / path for path in paths]
        own = [path.name for path in Store(store).layout.kept]
        before = state(home, own)
        network = next(kept.glob("artifacts/*/*/output/network.onnx"))
        by = ("--model", MODEL) if situation.command[0] == "remove" else ("--onnx", network)
        more = ("--overwrite",) if situation.overwrite else ()
        done = sirr(*situation.command, *by, "--out", situation.out, *more, "--", *photos, store=situation.store)
        after = state(home, own)
    assert done.exception is None or isinstance(done.exception, SirrError), done.exception
    kept_files = {home / path for path in paths} if situation.overwrite else set(before)
    assert {path: after.get(path) for path in kept_files} == {path: before[path] for path in kept_files}
    assert not [path for path in after if path.name.endswith(".partial")]
    if done.exit_code == 0:
        wanted = {TRANSMISSION + before[home / path][0] for path in paths}
        assert wanted <= {content for content, _time, _names in state(home / situation.out, own).values()}
    shutil.rmtree(top)
