"""Batches of photographs: what can be done is handed over as it comes, and the rest is named with its reason."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.store.store import Store
from tests.engine.fake import FakeEngine
from tests.execute.photo_engine import DAMAGED, NOTES, REFUSED, STOPPER, TRANSMISSION, photo_engine, ran
from tests.netkit.onnx_files import own, save


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """A folder to type commands in, with a network, and an engine."""
    with contextlib.chdir(tmp_path), photo_engine() as made:
        save(own(), Path("network.onnx"))
        yield made


def infer(*arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["infer", *arguments, "--onnx", "network.onnx", "--out", "results", "--store", "store"]
    )


def error(done: Result) -> SirrError:
    assert isinstance(done.exception, SirrError), done.exception
    return done.exception


def pictures(**contents: bytes) -> list[str]:
    for name, content in contents.items():
        Path(f"{name}.png").write_bytes(content)
    return [f"{name}.png" for name in contents]


def handed_over() -> list[str]:
    return sorted(path.name for path in Path("results").iterdir() if "-reflection" not in path.name)


def test_what_is_no_picture_keeps_no_other_from_its_result(engine: FakeEngine) -> None:
    given = pictures(a=b"one", b=DAMAGED, c=REFUSED, d=b"two")
    Path("folder").mkdir()
    Path("nowhere.jpg").symlink_to("gone")
    os.mkfifo("pipe.png")
    odd = os.fsdecode(b"latin1-\xe9.jpg")
    Path(odd).write_bytes(b"three")
    failed = error(infer(*given, "folder", "nowhere.jpg", "pipe.png", odd))
    assert (failed.code, failed.exit_code) == ("some-failed", 13)
    assert handed_over() == ["a.png", "d.png", os.fsdecode(b"latin1-\xe9.png")]
    assert failed.message.splitlines() == [
        "5 of 8 pictures have no result:",
        "  'b.png' is damaged",
        "  'c.png' gave no result",
        "  'folder' cannot be read: it is no file",
        "  'nowhere.jpg' cannot be read: No such file or directory",
        "  'pipe.png' cannot be read: it is no file",
    ]
    assert failed.hint


def test_files_that_are_no_pictures_are_named_as_they_are_and_go_through_no_stage(engine: FakeEngine) -> None:
    others = ["Thumbs.db", ".DS_Store", "many.npz"]
    for name in others:
        Path(name).write_bytes(b"\0\0")
    done = infer(*pictures(a=b"one"), *others)
    assert error(done).message.splitlines() == [
        "3 of 4 pictures have no result:",
        *(f"  '{name}' is no picture" for name in others),
    ]
    assert "passed over" not in done.stderr
    engine.started.clear()
    failed = error(infer("many.npz"))
    assert (failed.exit_code, failed.message) == (10, "'many.npz' is no picture")
    assert "save each array as .npy" in str(failed.hint)
    assert ran(engine) == []


def test_results_are_printed_where_some_fail_too(engine: FakeEngine) -> None:
    done = infer(*pictures(a=b"one", b=DAMAGED))
    assert done.stdout.splitlines() == ["results/a.png", "results/a-reflection.png"]


def test_what_was_done_to_pixels_is_said(engine: FakeEngine) -> None:
    done = infer(*pictures(a=b"one"))
    assert f"note: 'a.png': {'; '.join(NOTES)}" in done.stderr.splitlines()


@pytest.mark.parametrize("content", [DAMAGED, REFUSED])
def test_a_batch_without_any_result_ends_with_bad_input(engine: FakeEngine, content: bytes) -> None:
    failed = error(infer(*pictures(a=content)))
    assert failed.exit_code == 10
    failed = error(infer(*pictures(a=content, b=content)))
    assert failed.exit_code == 10
    assert handed_over() == []


def test_a_path_that_is_not_there_is_refused_before_anything_runs(engine: FakeEngine) -> None:
    failed = error(infer(*pictures(a=b"one"), "b.png"))
    assert (failed.exit_code, failed.message) == (2, "no such picture: b.png")
    assert ran(engine) == []


def test_results_of_a_stage_that_ended_badly_are_handed_over_and_the_next_call_does_the_rest(
    engine: FakeEngine,
) -> None:
    given = pictures(a=b"one", b=STOPPER, c=b"two")
    failed = error(infer(*given))
    assert handed_over() == ["a.png"]
    assert failed.exit_code == 13
    assert "'b.png' was not done, as the stage was struck" in failed.message
    before = Path("results/a.png").stat().st_mtime_ns
    Path("go-on").touch()
    assert infer(*given).exit_code == 0
    assert handed_over() == ["a.png", "b.png", "c.png"]
    assert Path("results/a.png").stat().st_mtime_ns == before
    assert ran(engine) == ["prepare/photos", "infer/network/photos", "infer/network/photos"]


def test_a_result_that_is_in_the_way_keeps_no_other_from_being_handed_over(engine: FakeEngine) -> None:
    given = pictures(a=b"one", b=b"two")
    Path("results").mkdir()
    Path("results/a.png").write_bytes(b"mine")
    failed = error(infer(*given))
    assert (failed.exit_code, handed_over()) == (13, ["a.png", "b.png"])
    assert "'results/a.png' is there already and differs" in failed.message
    assert Path("results/a.png").read_bytes() == b"mine"
    assert infer(*given, "--overwrite").exit_code == 0
    assert Path("results/a.png").read_bytes() == TRANSMISSION + b"one"
    assert ran(engine) == ["prepare/photos", "infer/network/photos"], "nothing is computed twice"


def test_copies_that_a_killed_command_left_are_taken_away(engine: FakeEngine) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from orchestrator.store.store import Store
with Store(Path("store")).scratch("photos") as folder:
    (folder / "a.png").write_bytes(b"copy")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    left = list(Path("store/staging").glob("photos-*"))
    assert len(left) == 1
    with Store(Path("store")).scratch("photos") as used:
        assert infer(*pictures(a=b"one")).exit_code == 0
        assert [path.name for path in Path("store/staging").glob("photos-*")] == [used.name]
    assert list(Path("store/staging").iterdir()) == []


VALUES = np.linspace(0, 1, 60, dtype=np.float32).reshape(4, 5, 3)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(VALUES * 255, "holds values from 0 to 255, and 0 to 1 is meant", id="range-255"),
        pytest.param(VALUES * 2 - 1, "holds values from -1 to 1, and 0 to 1 is meant", id="minus-1-to-1"),
        pytest.param((VALUES * 255).astype(np.uint8), "holds uint8, not floats", id="uint8"),
        pytest.param(VALUES.astype(np.complex64), "holds complex64, not floats", id="complex"),
        pytest.param(np.where(VALUES > 0.5, np.nan, VALUES), "holds values that are not finite", id="not-finite"),
        pytest.param(VALUES[..., 0], "its shape is (4, 5), not (height, width, 3)", id="grey"),
        pytest.param(VALUES.transpose(2, 0, 1), "its shape is (3, 4, 5), not (height, width, 3)", id="channels-first"),
        pytest.param(VALUES[:0], "its shape is (0, 5, 3)", id="empty"),
        pytest.param(np.array([VALUES, None], dtype=object), "is no array that can be read", id="objects"),
    ],
)
def test_arrays_that_are_no_picture_are_named_with_what_was_found(
    engine: FakeEngine, values: np.ndarray, words: str
) -> None:
    np.save("wrong.npy", values, allow_pickle=True)
    np.save("right.npy", np.asfortranarray(VALUES.astype(np.float64)))
    failed = error(infer("wrong.npy", "right.npy"))
    assert failed.exit_code == 13
    assert f"'wrong.npy' {words}" in failed.message or words in failed.message
    assert handed_over() == ["right.png"]
