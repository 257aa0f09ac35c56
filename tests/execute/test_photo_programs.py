"""Photographs through a program: what is taken where nothing is named, few at a time, each judged by itself."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.execute import photo_methods
from orchestrator.store.layout import Layout
from orchestrator.store.store import Artifact, Store
from tests.engine.fake import FakeEngine
from tests.execute.photo_engine import DAMAGED, REFUSED, STOPPER, TRANSMISSION, photo_engine

KINDS = ("prepare/photos{}", "predict/yang2019/photos{}", "finish/yang2019/photos{}")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """A folder to type commands in, and an engine."""
    with contextlib.chdir(tmp_path), photo_engine() as made:
        yield made


def remove(*arguments: str, command: str = "remove") -> Result:
    return CliRunner().invoke(app, [command, *arguments, "--out", "results", "--store", "store"])


def error(done: Result) -> SirrError:
    assert isinstance(done.exception, SirrError), done.exception
    return done.exception


def pictures(**contents: bytes) -> list[str]:
    for name, content in contents.items():
        Path(f"{name}.png").write_bytes(content)
    return [f"{name}.png" for name in contents]


def handed_over() -> list[str]:
    return sorted(path.name for path in Path("results").iterdir())


def chain(*numbers: int) -> list[str]:
    """Return the stages of some groups, one after the other."""
    return [kind.format("" if number == 1 else f"-{number}") for number in numbers for kind in KINDS]


def test_without_a_model_a_program_is_taken_and_said_and_how_to_come_by_a_network(engine: FakeEngine) -> None:
    Path("deep.tif").write_bytes(b"II*\0 sixteen bits")
    done = remove(*pictures(a=b"one"), "deep.tif")
    assert done.exit_code == 0, done.exception
    assert done.stdout.splitlines() == ["results/a.png", "results/deep.tif"]
    assert Path("results/deep.tif").read_bytes() == TRANSMISSION + b"II*\0 sixteen bits"
    assert engine.started == chain(1)
    said = " ".join(done.stderr.split())
    assert "no --model is named: taken is yang2019 (Yang et al. 2019), which takes faint edges for" in said
    assert "train some (sirr-orch run SPEC), or adopt a checkpoint that was released" in said


def test_networks_that_there_are_are_named(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_methods, "_networks", lambda _store: iter(f"run/net{number}" for number in range(6)))
    said = " ".join(remove(*pictures(a=b"one")).stderr.split())
    assert "--model run/net0, run/net1, run/net2, run/net3 and 2 more" in said
    failed = error(remove("a.png", "--model", "errnet2019"))
    assert failed.message == "'errnet2019' is neither RUN/MODEL nor a program"
    assert "run/net0" in failed.hint
    assert "yang2019" in failed.hint


def test_a_program_is_named_as_a_model_is(engine: FakeEngine) -> None:
    done = remove(*pictures(a=b"one"), "--model", "yang2019")
    assert done.exit_code == 0, done.exception
    assert "no --model" not in done.stderr
    assert remove(*pictures(a=b"one"), "--model", "yang2019", command="infer").exit_code == 0
    assert engine.started == chain(1), "nothing is computed twice"


@pytest.mark.parametrize(("option", "value"), [("--tile", "64"), ("--whole", None), ("--arrays", None)])
def test_what_a_program_does_not_do_is_refused(engine: FakeEngine, option: str, value: str | None) -> None:
    options = [option, value] if value else [option]
    failed = error(remove(*pictures(a=b"one"), "--model", "yang2019", *options, command="infer"))
    assert (failed.exit_code, engine.started) == (2, [])
    assert f"{option} does not go with 'yang2019'" in failed.message


def test_arrays_are_refused(engine: FakeEngine) -> None:
    Path("a.npy").write_bytes(b"array")
    assert "takes no arrays" in error(remove("a.npy")).message


def test_large_pictures_go_through_one_by_one_and_each_is_handed_over_when_it_is_done(engine: FakeEngine) -> None:
    large = bytes(5 * 2**20)
    given = pictures(a=b"1" + large, b=b"small", c=b"3" + large, d=STOPPER + large)
    failed = error(remove(*given))
    assert handed_over() == ["a.png", "b.png", "c.png"]
    assert failed.exit_code == 13
    assert "'d.png' was not done, as the stage was struck" in failed.message
    assert engine.started == [*chain(1, 2), "prepare/photos-3", "predict/yang2019/photos-3"]
    Path("go-on").touch()
    assert remove(*given).exit_code == 0
    assert handed_over() == ["a.png", "b.png", "c.png", "d.png"]
    assert engine.started[-3:] == chain(1), "only what was left is computed"


def test_of_a_group_that_failed_each_is_tried_alone(engine: FakeEngine) -> None:
    failed = error(remove(*pictures(a=b"one", b=REFUSED, c=DAMAGED, d=b"two")))
    assert handed_over() == ["a.png", "d.png"]
    assert failed.message.splitlines() == [
        "2 of 4 pictures have no result:",
        "  'b.png' was not done, as the program refused a picture",
        "  'c.png' is damaged",
    ]


def test_many_small_pictures_go_through_a_few_at_a_time(engine: FakeEngine) -> None:
    given = pictures(**{f"p{number:02}": f"content {number}".encode() for number in range(20)})
    assert remove(*given).exit_code == 0
    assert engine.started == chain(1, 2)
    assert len(handed_over()) == 20


def test_what_only_the_next_stage_reads_goes_at_once(engine: FakeEngine) -> None:
    assert remove(*pictures(a=b"one")).exit_code == 0
    store = Store(Path("store"))
    kept = [store.artifact(key) for key in Layout(store.root).artifact_keys()]
    assert [one.manifest.kind for one in kept if isinstance(one, Artifact)] == ["finish"]


def test_a_single_picture_that_fails_ends_with_its_own_error(engine: FakeEngine) -> None:
    failed = error(remove(*pictures(a=REFUSED)))
    assert (failed.exit_code, failed.message) == (10, "the program refused a picture")


@pytest.mark.parametrize("number", [1, 2])
def test_reflections_that_were_asked_for_and_are_not_there_are_said_once(engine: FakeEngine, number: int) -> None:
    names = pictures(a=b"one", b=b"two")[:number]
    words = f"no reflection of {number} picture{'s' * (number - 1)}: yang2019 answers with the picture without it alone"
    for _again in range(2):
        done = remove(*names, "--reflection")
        assert done.exit_code == 0, done.exception
        assert " ".join(done.stderr.split()).count(words) == 1
    assert "no reflection" not in remove(*names).stderr
