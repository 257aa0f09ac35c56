"""Photographs that were taken through a network before: their results are handed over again, and go after a while."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.execute.past_results import KEPT_DAYS
from orchestrator.store.layout import Layout
from tests.engine.fake import FakeEngine
from tests.execute.photo_engine import NOTES, REFLECTION, REFUSED, TRANSMISSION, photo_engine, ran
from tests.netkit.onnx_files import own, save

BATCH = ["prepare/photos", "infer/network/photos"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """A folder to type commands in, with a network and three pictures, and an engine."""
    with contextlib.chdir(tmp_path), photo_engine() as made:
        save(own(), Path("network.onnx"))
        for name in ("a", "b", "c"):
            Path(f"{name}.png").write_bytes(f"picture {name}".encode())
        yield made


def other_network() -> list[str]:
    save(own(opset=16), Path("network.onnx"))
    return []


def infer(*arguments: str, out: str = "results") -> Result:
    return CliRunner().invoke(app, ["infer", *arguments, "--onnx", "network.onnx", "--out", out, "--store", "store"])


def computed() -> list[list[bytes]]:
    """Return the answers that each result of the store holds."""
    documents = Path("store").glob("artifacts/*/*/output/predictions.json")
    return sorted(
        [(path.parent / item["transmission"]).read_bytes() for item in json.loads(path.read_bytes())["items"]]
        for path in documents
    )


def test_another_set_computes_the_pictures_alone_that_are_new(engine: FakeEngine) -> None:
    assert infer("a.png", "b.png", out="first").exit_code == 0
    Path("b.png").rename("renamed.png")
    done = infer("renamed.png", "c.png", out="second")
    assert done.exit_code == 0, done.exception
    assert computed() == [
        [TRANSMISSION + b"picture a", TRANSMISSION + b"picture b"],
        [TRANSMISSION + b"picture c"],
    ]
    assert {path.name: path.read_bytes() for path in Path("second").iterdir()} == {
        "renamed.png": TRANSMISSION + b"picture b",
        "renamed-reflection.png": REFLECTION + b"picture b",
        "c.png": TRANSMISSION + b"picture c",
        "c-reflection.png": REFLECTION + b"picture c",
    }
    said = done.stderr.replace("\n", " ")
    assert "1 of 2 pictures have results of an earlier call" in said
    assert said.count("; ".join(NOTES)) == 2


def test_a_subset_computes_nothing(engine: FakeEngine) -> None:
    assert infer("a.png", "b.png", "c.png").exit_code == 0
    assert infer("c.png", "a.png", out="again").exit_code == 0
    assert ran(engine) == BATCH
    assert Path("again/c.png").read_bytes() == TRANSMISSION + b"picture c"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda: ["--tile", "64"], id="another-way-of-inference"),
        pytest.param(lambda: ["--arrays"], id="arrays-too"),
        pytest.param(other_network, id="another-network"),
        pytest.param(lambda: Path("a.png").write_bytes(b"another picture") and [], id="another-picture"),
    ],
)
def test_what_decides_a_result_decides_whether_it_is_computed(engine: FakeEngine, change) -> None:
    assert infer("a.png", out="first").exit_code == 0
    assert infer("a.png", *change(), out="second").exit_code == 0
    assert engine.started.count("infer/network/photos") == 2


def test_failures_are_tried_again(engine: FakeEngine) -> None:
    Path("b.png").write_bytes(REFUSED)
    assert infer("a.png", "b.png").exit_code == 1
    assert infer("a.png", "b.png").exit_code == 1
    assert ran(engine) == [*BATCH, *BATCH]
    assert computed().count([TRANSMISSION + b"picture a"]) == 1


def test_a_damaged_result_is_made_again(engine: FakeEngine) -> None:
    assert infer("a.png", out="first").exit_code == 0
    kept = next(Path("store").glob("artifacts/*/*/output/transmission/*"))
    kept.chmod(0o644)
    kept.write_bytes(bytes(len(kept.read_bytes())))
    done = infer("a.png", out="second")
    assert done.exit_code == 0, done.exception
    assert Path("second/a.png").read_bytes() == TRANSMISSION + b"picture a"


def test_an_odd_entry_counts_as_none(engine: FakeEngine) -> None:
    assert infer("a.png").exit_code == 0
    for content in (b"", b"[]", b'{"artifact": "../../x", "item": "a", "notes": []}'):
        for entry in Path("store/cache/photos").glob("*/*.json"):
            entry.write_bytes(content)
        assert infer("a.png").exit_code == 0


def test_prepared_photographs_go_at_once_and_unused_results_after_a_week(engine: FakeEngine) -> None:
    layout = Layout(Path("store").absolute())
    assert infer("a.png").exit_code == 0
    assert len(layout.artifact_keys()) == len(computed()) == 1
    grow_old(KEPT_DAYS - 1)
    assert infer("b.png").exit_code == 0
    assert len(layout.artifact_keys()) == 2
    grow_old(KEPT_DAYS + 1)
    assert infer("b.png").exit_code == 0
    assert computed() == [[TRANSMISSION + b"picture b"]], "what was used today stays"
    assert len(layout.artifact_keys()) == 1
    assert list(layout.trash.iterdir()) == []


def grow_old(days: float) -> None:
    """Let every entry have been used so many days ago."""
    then = time.time() - days * 86400
    for entry in Path("store/cache/photos").glob("*/*.json"):
        os.utime(entry, (then, then))
