"""Nothing is computed from, shown of or handed out from a file in which a disk has flipped a bit."""

import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.engine.protocol import Environment
from orchestrator.errors import SirrError, StoreError
from orchestrator.execute.comparison import look_up
from orchestrator.execute.events import Event, Warned
from orchestrator.execute.execution_context import ExecutionContext
from orchestrator.execute.run_stages import StagesResult, walk_stages
from orchestrator.execute.stopper import Stopper
from orchestrator.plan.keys import Program
from orchestrator.plan.stage import Stage
from orchestrator.store import examine as examining
from orchestrator.store.examine import recorded_files
from orchestrator.store.layout import MANIFEST
from orchestrator.store.recent_reading import RecentReading
from orchestrator.store.store import Store
from stagekit import StageContext
from tests.engine.fake import FakeEngine
from tests.execute.small_run import keep_run
from tests.store.kept_results import keep
from tests.store.silent_damage import flip_silently

FILES = {
    "prepare": ("dataset.json", "pictures/a.png"),
    "train": ("curves.json", "train.json", "weights.bin"),
    "export": ("network.onnx", "export.json"),
    "infer": ("predictions.json", "transmission/a.png"),
    "evaluate": ("scores.json", "scores.parquet"),
}
"""What each kind of stage leaves here: documents, and what is too large to be read at every look."""

INPUTS = {"prepare": (), "train": ("prepare",), "export": ("train",), "infer": ("prepare", "export")}
STAGES = tuple(
    Stage(f"{kind}/a", kind, "network", {}, inputs={needed: f"{needed}/a" for needed in INPUTS.get(kind, ("infer",))})
    for kind in FILES
)
PROGRAMS = {"network": Program("code", dict.fromkeys(FILES, 1))}


@pytest.fixture
def _settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files count as settled at once, as those of real runs are when they are read."""
    monkeypatch.setattr(examining, "_SETTLED_NS", -1)


pytestmark = pytest.mark.usefixtures("_settled")


def work(context: StageContext) -> None:
    """Write files that say what every input was."""
    inputs = sorted(path for folder in context.request.inputs.values() for path in Path(folder).rglob("*.*"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in inputs)).hexdigest()
    for name in FILES[context.request.kind]:
        path = Path(context.output(name))
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name} of {digest}")


def run(store: Store) -> tuple[set[str], StagesResult]:
    """Run what the store lacks; return the stages of which damage was told, and what came of it."""
    events: list[Event] = []
    found = look_up(STAGES, PROGRAMS, store, reading="inputs")
    context = ExecutionContext(
        store=store,
        engine=FakeEngine(dict.fromkeys(FILES, work)),
        environments={"network": Environment("local", "network", "0" * 64, "python")},
        modules={"network": "network"},
        programs=PROGRAMS,
        listener=events.append,
        stopper=Stopper(),
        run="run",
        logs=store.root / "logs",
    )
    missing = {stage.name: stage for stage in STAGES if stage.name not in found.artifacts}
    result = walk_stages(missing, found.artifacts, context)
    return {*found.damaged, *(event.stage for event in events if isinstance(event, Warned))}, result


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with the results of all stages."""
    store = Store(tmp_path_factory.mktemp("undisturbed") / "store")
    assert not run(store)[1].failures
    return store.root


KINDS_AND_FILES = [(kind, f"output/{name}") for kind, names in FILES.items() for name in names]


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damaged=st.sampled_from([*KINDS_AND_FILES, *((kind, MANIFEST) for kind in FILES)]),
    byte=st.integers(0, 4000),
    bit=st.integers(0, 7),
    gone=st.sets(st.sampled_from(list(FILES))),
)
@example(damaged=("export", "output/network.onnx"), byte=3, bit=1, gone={"infer"})
@example(damaged=("evaluate", "output/scores.json"), byte=20, bit=0, gone=set())
@example(damaged=("prepare", "output/pictures/a.png"), byte=5, bit=7, gone={"evaluate", "infer"})
@example(damaged=("prepare", "output/pictures/a.png"), byte=5, bit=7, gone={"prepare", "export"})
def test_results_are_those_of_an_undisturbed_run_whatever_bit_was_flipped(
    undisturbed: Path,
    tmp_path_factory: pytest.TempPathFactory,
    damaged: tuple[str, str],
    byte: int,
    bit: int,
    gone: set[str],
) -> None:
    """Some results are gone, so that their stages read others, one of which is damaged; one run mends all of it."""
    store = Store(tmp_path_factory.mktemp("store") / "store")
    shutil.copytree(undisturbed / "artifacts", store.layout.artifacts, dirs_exist_ok=True)
    _, before = run(store)
    kind, name = damaged
    flip_silently(store.layout, before.results[f"{kind}/a"].key, name, byte, bit)
    for one in gone:
        shutil.rmtree(before.results[f"{one}/a"].folder)
    said, after = run(store)
    assert not after.failures
    read = {needed for one in gone for needed in INPUTS.get(one, ("infer",))}
    if kind in read - gone or (kind not in gone and not name.endswith((".png", ".bin", ".onnx"))):
        assert said == {f"{kind}/a"}, "what is read is compared, and documents always"
    assert {stage: artifact.content for stage, artifact in after.results.items()} == {
        stage: artifact.content for stage, artifact in before.results.items()
    }


def test_bit_that_flips_while_a_stage_reads_keeps_its_result_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    _, before = run(store)
    training, export = before.results["train/a"], before.results["export/a"]
    shutil.rmtree(export.folder)
    read = store.sound_artifact(training.key, lambda _said: None, read=True)
    assert read == training
    flip_silently(store.layout, training.key, "output/weights.bin", 9)
    assert not store.is_sound(training.key)


def test_what_was_read_a_minute_ago_is_read_again() -> None:
    now = 100.0
    reading = RecentReading(lambda: now)
    assert reading.stamps("key") == {}
    reading.note("key", reading.now(), {"a": [1, 2, 3, 4]})
    now = 159.0
    assert reading.stamps("key") == {"a": [1, 2, 3, 4]}
    reading.note("key", reading.now(), {"a": [5, 6, 7, 8]})
    assert reading.stamps("key") == {"a": [1, 2, 3, 4]}, "what is not read keeps its age"
    now = 160.0
    assert reading.stamps("key") == {}


def error_of(*arguments: object) -> BaseException | None:
    """Run a command and return the error that it ended with."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments]).exception


_TELLING = {".json", ".png", ".csv", ".webp", ".parquet"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["output/network.onnx", "output/export.json"])
def test_damaged_network_is_not_handed_out(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    keep_run(store, tmp_path)
    key = next(
        key for key in store.layout.artifact_keys() if store.read_artifact(key).manifest.stage == "export/errnet2019"
    )
    flip_silently(store.layout, key, name, 2)
    error = error_of("export", "first/errnet2019", "--out", tmp_path / "out", "--store", store.root)
    assert isinstance(error, SirrError)
    assert not list((tmp_path / "out").glob("*"))
    assert store.artifact(key) is None


def test_network_of_a_damaged_result_is_no_source_of_a_photograph(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    artifact = keep(store)
    digest = store.digest(artifact.output)
    assert store.digest(artifact.output) == digest == Store(store.root)._digests.digest(artifact.output)
    flip_silently(store.layout, artifact.key, "output/weights.pt", 2)
    with pytest.raises(StoreError, match="has other content than it had"):
        store.digest(artifact.output)


@pytest.mark.slow
def test_report_shows_nothing_of_a_damaged_file(tmp_path: Path) -> None:
    """For each file of each kind of stage: the report is what it was, or there is none and the damage is told."""
    store = Store(tmp_path / "whole")
    keep_run(store, tmp_path)
    assert error_of("report", "first", "--store", store.root) is None
    shown = report_of(store.root)
    firsts = first_of_each_kind(store)
    assert len(firsts) > 12
    for number, (key, name) in enumerate(firsts):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(store.root, copy, symlinks=True)
        flip_silently(Store(copy).layout, key, name, 37, number % 8)
        error = error_of("report", "first", "--store", copy)
        if error is None:
            assert report_of(copy) == shown, name
        else:
            assert isinstance(error, SirrError), name
            assert error.hint, name
        shutil.rmtree(copy)


def first_of_each_kind(store: Store) -> list[tuple[str, str]]:
    """Return a result of each kind with each of its files, of pictures the first."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for key in store.layout.artifact_keys():
        manifest = store.read_artifact(key).manifest
        for name in (MANIFEST, *recorded_files(manifest)):
            kind = name if not name.endswith(".png") else "picture"
            found.setdefault((manifest.kind, kind), (key, name))
    return list(found.values())


def report_of(root: Path) -> dict[str, bytes]:
    """Return the report's files that tell results, by name; the crate's record tells when it was made."""
    folder = root / "runs" / "first" / "report"
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix in _TELLING}
    return {name: path.read_bytes() for name, path in files.items() if "crate" not in name}
