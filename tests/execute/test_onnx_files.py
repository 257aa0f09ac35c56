"""ONNX files as entrants, and as what a command names: what needs no environment to be told."""

import contextlib
from io import StringIO
from pathlib import Path

import pytest
from click.testing import Result
from onnx import TensorProto
from rich.console import Console
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.cli.run_table import print_run
from orchestrator.errors import InputInvalid, SpecError
from orchestrator.execute.command import RunRequest, planned
from orchestrator.execute.compare_runs import spec_fields
from orchestrator.execute.models import export_model, release_model
from orchestrator.execute.onnx_file import declared_network, helpful_options, usable_network
from orchestrator.execute.photo_methods import found_network
from orchestrator.execute.removal import Removal
from orchestrator.execute.run_list import described_run
from orchestrator.execute.run_record import planned_document
from orchestrator.execute.run_stages import ExecutionRequest
from orchestrator.store.reference import run_reference
from orchestrator.store.run_entries import Overrides
from orchestrator.store.runs import run_document, start_run
from orchestrator.store.store import Store
from stagekit import BadInput, StageContext
from tests.execute.photo_engine import photo_engine
from tests.netkit.onnx_files import convolution, network, own, save, small, weights

SPEC = """\
name: mixed
models: [{onnx: nets/mine.onnx, name: mine, title: Mine, source: a paper, multiple_of: 8}, {program: yang2019}]
test: [skimage-test]
features: random
"""


@pytest.fixture
def store(tmp_path):
    save(small(), tmp_path / "nets" / "mine.onnx")
    spec = tmp_path / "mixed.yaml"
    spec.write_text(SPEC)
    store = Store(tmp_path / "store")
    start_run(store, planned_document(planned(RunRequest(spec, store.root)), Overrides()))
    return store


@pytest.fixture
def request_of(store):
    return ExecutionRequest(store.root, "local", lambda _event: None, lambda _words: None)


def test_run_tells_the_file_by_its_name_and_its_content_by_digest(store):
    document = run_document(store, run_reference("mixed"))
    assert document.experiment["models"][0]["onnx"] == "mine.onnx"
    fields = spec_fields(document)
    assert len(fields["models.mine.onnx.network"]) == 64
    assert fields["models.mine.multiple_of"] == "8"
    shown = StringIO()
    print_run(described_run(run_reference("mixed"), store), Console(file=shown, width=200))
    assert "Mine; an ONNX file, mine.onnx" in shown.getvalue()


def test_commands_for_networks_know_it_and_say_what_it_has_not(store, tmp_path, request_of):
    with pytest.raises(SpecError, match="it has no weights that an author's program reads") as caught:
        release_model("mixed/mine", tmp_path / "out", request_of)
    assert "sirr-orch export mixed/mine" in str(caught.value.hint)
    with pytest.raises(SpecError, match="the store has no network of 'mixed/mine'") as caught:
        export_model("mixed/mine", tmp_path / "out", request_of)
    assert "run the experiment 'mixed' again" in str(caught.value.hint)
    removal = Removal((tmp_path / "photo.png",), "mixed/mine", tmp_path / "out", store.root)
    with pytest.raises(SpecError, match="'mixed/mine' is not exported yet"):
        found_network(removal, store)


def test_network_of_the_contract_is_taken_as_it_is(tmp_path, request_of):
    path = save(own(), tmp_path / "network.onnx")
    assert usable_network(path, None, request_of) == path


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (small(takes=("x", TensorProto.FLOAT, (1, 3, 64, 64))), "theirs.onnx: it is fixed to pictures of 64 x 64"),
        (small(takes=("x", TensorProto.UINT8, (1, 3, "h", "w"))), "it takes uint8"),
        (own(takes=("image", TensorProto.UINT8, (1, 3, "h", "w"))), "it takes uint8"),
    ],
)
def test_files_that_take_no_pictures_are_refused_before_anything_runs(tmp_path, request_of, model, words):
    path = save(model, tmp_path / "theirs.onnx")
    with pytest.raises(SpecError, match=words) as caught:
        usable_network(path, None, request_of)
    assert caught.value.hint


def test_what_a_command_says_is_what_an_experiment_would(tmp_path):
    assert declared_network(tmp_path / "n.onnx", {"input": None, "range": None}) is None
    choice = declared_network(tmp_path / "n.onnx", {"range": [0, 255], "residual": "add", "multiple_of": 8})
    assert choice is not None
    assert (choice.range.scale, choice.residual_kind, choice.multiple_of) == ((255, 255, 255), "add", 8)
    with pytest.raises(SpecError, match="no range of values: write"):
        declared_network(tmp_path / "n.onnx", {"range": "wide"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--range", "-1,-1"], "--range: a range from -1 to -1 holds nothing"),
        (["--channels", "gbr"], "--channels must be 'rgb', 'bgr' or 'each'"),
        (["--channels", "each"], "pictures of 3 channels; with each colour alone it would take 1 x 1 x H x W"),
        (["--further-channels", "1"], "pictures of 3 channels; with 1 further channel it would take 1 x 4 x H x W"),
        (["--further-channels", "nan"], "--further-channels must be a finite number"),
        (["--multiple-of", "0"], "--multiple-of must be at least 1"),
        (["--input", ""], "--input: string should have"),
        (["--input", "z"], "it has no input 'z'; there are 'x'"),
        (["--output", "z"], "it has no output 'z'; there are 'y'"),
        (["--free-size"], "its file names no size"),
        (["--range", "imagenet"], "--output-range 0,1"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(tmp_path, options, words):
    path = save(small(), tmp_path / "theirs.onnx")
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"")
    arguments = ["infer", str(photo), "--onnx", str(path), "--out", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(app, [*arguments, "--store", str(tmp_path / "store"), "--engine", "local"])
    assert isinstance(result.exception, SpecError)
    assert words in result.exception.message


@pytest.mark.parametrize("option", ["--range", "--output-range", "--further-channels"])
@pytest.mark.parametrize("value", ["", "1,,2", "wide", "1,a", ","])
def test_what_are_no_numbers_is_refused_by_its_option(tmp_path, option, value):
    arguments = ["infer", "photo.png", "--onnx", "n.onnx", "--out", str(tmp_path / "out"), option, value]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert f"Invalid value for {option}: {value!r} is not numbers with commas between" in done.output
    assert not (tmp_path / "out").exists()


FURTHER = {
    ("each", 1, 1): "leave --further-channels out: it takes the picture alone",
    ("each", 0, 3): "leave --channels each out: it takes red, green and blue at once",
    ("each", 1, 3): "leave --channels each out, and --further-channels: it takes red, green and blue at once",
    ("each", 0, 5): "leave --channels each out, and write --further-channels with 2 numbers: it takes red",
    ("each", 0, 2): "write --further-channels with 1 number",
    ("rgb", 1, 3): "leave --further-channels out: it takes the picture alone",
    ("rgb", 2, 4): "write --further-channels with 1 number, not 2",
    ("rgb", 1, 6): "write --further-channels with 3 numbers, not 1",
    ("rgb", 2, 1): "leave --further-channels out, and write --channels each where",
    ("rgb", 0, 1): "write --channels each where",
    ("rgb", 0, 2): "write --channels each where",
    ("rgb", 1, 2): "write --channels each where",
    ("rgb", 0, 4): "write --further-channels NUMBER,... with",
}


@pytest.mark.parametrize(("channels", "numbers", "takes"), FURTHER)
def test_how_many_further_channels_a_file_has_is_said(tmp_path, channels, numbers, takes):
    sides = (1, takes, "h", "w")
    path = save(small(takes=("x", TensorProto.FLOAT, sides)), tmp_path / "theirs.onnx")
    options = ["--channels", channels] if channels == "each" else []
    options += ["--further-channels", ",".join(["1"] * numbers)] if numbers else []
    done = CliRunner().invoke(app, ["infer", "--check", str(path), *options, "--store", str(tmp_path / "store")])
    assert isinstance(done.exception, SpecError)
    assert str(done.exception.hint).startswith(FURTHER[channels, numbers, takes])
    assert f"{takes} channel" in done.exception.message


def test_what_a_fixed_size_needs_is_said_in_options(tmp_path, request_of):
    sides = (1, 3, 64, 96)
    own = network(
        [convolution("image", "transmission")], [weights("k", 3, 3, 3, 3)], ("image", 1, sides), ("transmission",)
    )
    kept, theirs = save(own, tmp_path / "own.onnx"), save(small(takes=("x", 1, sides)), tmp_path / "theirs.onnx")
    assert "the file only names that of an example, write --free-size: it is" in str(helpful_options(kept, request_of))
    with pytest.raises(SpecError) as caught:
        usable_network(theirs, None, request_of)
    assert "write --free-size: it is" in str(caught.value.hint)


@pytest.mark.parametrize(("takes", "option"), [(1, "--channels each"), (4, "--further-channels NUMBER,...")])
@pytest.mark.parametrize("more", [[], ["--explain"]], ids=["run", "explain"])
def test_what_other_channels_need_is_said_before_a_picture_is_prepared(tmp_path, takes, option, more):
    model = own(takes=("image", TensorProto.FLOAT, (1, takes, "h", "w")))
    network, photo = save(model, tmp_path / "own.onnx"), tmp_path / "photo.png"
    photo.write_bytes(b"no picture")
    with photo_engine() as engine:
        arguments = ["infer", str(photo), "--onnx", str(network), "--out", str(tmp_path / "out"), *more]
        done = CliRunner().invoke(app, [*arguments, "--store", str(tmp_path / "store"), "--engine", "local"])
    assert isinstance(done.exception, SpecError)
    assert f"own.onnx: it takes float32, 1 x {takes} x" in done.exception.message
    assert option in str(done.exception.hint)
    assert engine.started == []


def test_what_helps_is_asked_of_no_other_file(tmp_path, request_of):
    assert helpful_options(save(small(), tmp_path / "theirs.onnx"), request_of) is None
    (tmp_path / "text.onnx").write_text("no network")
    assert helpful_options(tmp_path / "text.onnx", request_of) is None


def test_options_about_a_file_need_one(tmp_path):
    result = CliRunner().invoke(app, ["infer", "a.png", "--model", "a/b", "--out", "out", "--range", "0,255"])
    assert result.exit_code == 2
    assert "needs --onnx or --check" in result.output


def wrapped(folder: Path, *ends: str) -> tuple[Result, list[object]]:
    """Take a picture through a file whose trials end so: with words of a failure, or with empty ones well.

    Returns what the command did, and which multiples its trials were given.
    """
    tried: list[object] = []

    def wrap(context: StageContext) -> None:
        tried.append(context.setting("multiple_of"))
        end = ends[len(tried) - 1]
        if end:
            raise BadInput(end, "change the file")
        for name in ("network.onnx", "wrap.json"):
            Path(context.output(name)).write_bytes(b"{}")

    save(small(), folder / "theirs.onnx")
    (folder / "photo.png").write_bytes(b"one")
    with contextlib.chdir(folder), photo_engine({"wrap": wrap}):
        arguments = ["infer", "photo.png", "--onnx", "theirs.onnx", "--out", "out", "--store", "store"]
        return CliRunner().invoke(app, arguments), tried


MULTIPLES = "it fails at 33 x 47 pixels; it takes multiples of 8: write 'multiple_of: 8'"


def test_a_trial_that_finds_the_multiples_is_no_failure(tmp_path):
    done, tried = wrapped(tmp_path, MULTIPLES, "")
    assert (done.exit_code, tried) == (0, [1, 8]), done.exception
    assert "theirs.onnx takes multiples of 8 pixels alone" in done.stderr
    assert "failed" not in done.stderr
    assert "done  wrap/network" in done.stderr


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(["the answer is wide: write 'range: [0, 255]'"], id="first"),
        pytest.param([MULTIPLES, "the answer is wide: write 'range: [0, 255]'"], id="second"),
    ],
)
def test_what_a_trial_finds_is_told_in_options_whichever_it_was(tmp_path, ends):
    done, tried = wrapped(tmp_path, *ends)
    assert isinstance(done.exception, InputInvalid)
    assert done.exception.message == "the answer is wide: write --range 0,255"
    assert "sirr-orch infer --help" in str(done.exception.hint)
    assert (len(tried), done.stderr.count("failed  wrap/network")) == (len(ends), 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "theirs.onnx is empty"),
        (b"<!doctype html><title>Sign in</title>", "theirs.onnx is a web page"),
        (small().SerializeToString()[:150], "theirs.onnx ends in the middle"),
    ],
)
@pytest.mark.parametrize("how", [("photo.png", "--out", "out", "--onnx"), ("--check",)], ids=["infer", "check"])
def test_what_is_no_network_is_told_by_infer_and_check_before_anything_runs(tmp_path, content, said, how):
    (tmp_path / "photo.png").write_bytes(b"one")
    (tmp_path / "theirs.onnx").write_bytes(content)
    with contextlib.chdir(tmp_path), photo_engine():
        done = CliRunner().invoke(app, ["infer", *how, "theirs.onnx", "--store", "store"])
    assert isinstance(done.exception, InputInvalid)
    assert done.exception.message.startswith(said)
    assert "running" not in done.stderr
