"""A picture that is an array, without its reflection."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from orchestrator import api
from orchestrator.cli.app import app
from orchestrator.png import read_png, write_png
from orchestrator.store.store import Store
from tests.api.negatives import answer, halved, negative
from tests.engine.fake import FakeEngine
from tests.execute.photo_engine import photo_engine
from tests.execute.small_run import keep_run
from tests.netkit.onnx_files import own, save, small

ROOT = Path(__file__).resolve().parents[2]
PICTURE = np.random.default_rng(8).random((37, 53, 3))
BYTES, WORDS = np.uint8(PICTURE * 255), np.uint16(PICTURE * 65535)


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    with photo_engine({"infer": answer, "predict": answer}) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.mark.parametrize("picture", [BYTES, WORDS, BYTES[::2, ::-1]], ids=["uint8", "uint16", "a view"])
def test_whole_numbers_come_back_at_their_depth(engine: FakeEngine, store: Path, picture: np.ndarray) -> None:
    said: list[str] = []
    found = api.remove(picture, store=store, say=said.append)
    assert found.dtype == picture.dtype
    np.testing.assert_array_equal(found, negative(picture))
    assert engine.started == ["prepare/photos", "predict/yang2019/photos", "finish/yang2019/photos"]
    assert said[0].startswith("no --model is named: taken is yang2019")


def test_floats_go_to_a_program_at_16_bits(engine: FakeEngine, store: Path) -> None:
    found = api.remove(PICTURE, "yang2019", store=store)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 - PICTURE, atol=1 / 65535)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_of_a_network_are_what_it_answers(
    engine: FakeEngine, store: Path, tmp_path: Path, kind: type[np.floating]
) -> None:
    keep_run(Store(store), tmp_path)
    found = api.remove(PICTURE.astype(kind), "first/errnet2019", store=store)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, halved(PICTURE.astype(np.float32)))
    assert found.min() < 0, "nothing is clipped"
    np.testing.assert_array_equal(api.remove(BYTES, "first/errnet2019", store=str(store)), negative(BYTES))


@pytest.mark.parametrize("as_text", [True, False])
def test_a_network_can_be_a_file(engine: FakeEngine, store: Path, tmp_path: Path, as_text: bool) -> None:
    model = save(own(), tmp_path / "network.onnx")
    found = api.remove(PICTURE, str(model) if as_text else model, store=store)
    np.testing.assert_array_equal(found, halved(PICTURE.astype(np.float32)))


def test_other_threads_may_ask(engine: FakeEngine, store: Path) -> None:
    found: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: found.append(api.remove(BYTES, store=store)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0], negative(BYTES))


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (PICTURE[..., 0], "an array of shape (37, 53) is no picture of RGB"),
        (PICTURE[..., [0, 1, 2, 0]], "shape (37, 53, 4)"),
        (PICTURE[:0], "shape (0, 53, 3)"),
        (PICTURE * 255, "values from 0.0"),
        (np.full((4, 4, 3), np.nan), "values from nan to nan"),
        (BYTES.astype(np.int64), "an array of int64"),
        (BYTES.tolist(), "list is no array"),
    ],
)
def test_what_is_no_picture_is_refused(store: Path, picture: np.ndarray, words: str) -> None:
    with pytest.raises(api.SirrError) as refused:
        api.remove(picture, store=store)
    assert words in refused.value.message
    assert refused.value.hint
    assert refused.value.code == "spec-invalid"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"engine": "lxc"}, "engine must be 'auto', 'docker', 'podman' or 'local', not 'lxc' (str)"),
        ({"engine": "Docker"}, "not 'Docker' (str)"),
        ({"engine": None}, "not None (NoneType)"),
        ({"engine": ["local"]}, "not ['local'] (list)"),
        ({"threads": 0}, "threads must be from 1 to 1024, not 0"),
        ({"threads": -3}, "not -3"),
        ({"threads": 1.5}, "threads must be a whole number, not 1.5 (float)"),
        ({"threads": "two"}, "threads must be a whole number, not 'two' (str)"),
        ({"threads": True}, "threads must be a whole number, not True (bool)"),
        ({"threads": 10**6}, "threads must be from 1 to 1024, not 1000000"),
        ({"memory_bytes": -1}, "memory_bytes must be from 67108864 to "),
        ({"memory_bytes": 5}, "not 5"),
        ({"memory_bytes": 1e9}, "memory_bytes must be a whole number, not 1000000000.0 (float)"),
        ({"memory_bytes": "8GiB"}, "memory_bytes must be a whole number, not '8GiB' (str)"),
        ({"model": 5}, "model must be text or a pathlib.Path, not 5 (int)"),
        ({"model": ""}, "model must be a path, not '' (str)"),
        ({"model": b"yang2019"}, "model must be text or a pathlib.Path, not b'yang2019' (bytes)"),
        ({"say": 5}, "say must be a function of one text, not 5 (int)"),
        ({"build": "no"}, "build must be True or False, not 'no' (str)"),
        ({"onnx": [1]}, "onnx must be a mapping with text for keys, not [1] (list)"),
        ({"onnx": {1: 2}}, "onnx must be a mapping with text for keys, not {1: 2} (dict)"),
        ({"model": "a.onnx", "onnx": {"onnx": "b.onnx"}}, "not onnx"),
    ],
    ids=str,
)
def test_every_argument_is_looked_at_before_anything_is_done(
    engine: FakeEngine, store: Path, argument: dict[str, Any], words: str
) -> None:
    with pytest.raises(api.SirrError) as refused:
        api.remove(BYTES, store=store, **argument)
    assert words in refused.value.message
    assert refused.value.hint
    assert refused.value.code == "spec-invalid"
    assert not engine.started
    assert not store.exists()


def test_numbers_of_numpy_are_numbers(engine: FakeEngine, store: Path) -> None:
    found = api.remove(BYTES, store=store, threads=np.int32(2), memory_bytes=np.uint64(2**33), build=np.bool_(False))  # type: ignore[arg-type]
    np.testing.assert_array_equal(found, negative(BYTES))


@pytest.mark.parametrize("picture", [BYTES, PICTURE], ids=["bytes", "floats"])
@pytest.mark.parametrize("model", ["nothing", "first/errnet2019", "/nowhere/network.onnx"])
def test_a_model_that_is_not_there_is_said(store: Path, picture: np.ndarray, model: str) -> None:
    with pytest.raises(api.SirrError) as refused:
        api.remove(picture, model, store=store)
    assert refused.value.hint


def test_what_is_said_of_a_file_needs_one(store: Path) -> None:
    with pytest.raises(api.SirrError, match="what is said of an ONNX file needs one"):
        api.remove(BYTES, onnx={"range": [0, 255]}, store=store)
    with pytest.raises(api.SirrError, match="channels"):
        api.remove(BYTES, "network.onnx", onnx={"channels": "grb"}, store=store)


@pytest.mark.environment
@pytest.mark.slow
def test_results_are_those_of_the_commands(tmp_path: Path, image_python: Callable[[str], Path]) -> None:
    for name in ("yang2019", "inference"):
        image_python(name)
    store = tmp_path / "store"
    store.mkdir()
    os.symlink(ROOT / ".sirr" / "environments", store / "environments")
    network = tmp_path / "network.onnx"
    save(small(), network)
    np.save(tmp_path / "floats.npy", PICTURE.astype(np.float32))
    (tmp_path / "bytes.png").write_bytes(write_png(BYTES))
    (tmp_path / "words.png").write_bytes(write_png(WORDS))
    for command in (
        ["remove", "bytes.png", "words.png", "--out", "removed"],
        ["infer", "floats.npy", "--onnx", str(network), "--arrays", "--out", "inferred"],
    ):
        words = [str(tmp_path / word) if (tmp_path / word).exists() else word for word in command]
        words[-1] = str(tmp_path / words[-1])
        done = CliRunner().invoke(app, [*words, "--engine", "local", "--store", str(store)])
        assert done.exit_code == 0, done.exception
    for name, picture in (("bytes", BYTES), ("words", WORDS)):
        expected = read_png((tmp_path / "removed" / f"{name}.png").read_bytes())
        np.testing.assert_array_equal(api.remove(picture, store=store, engine="local"), expected)
    expected = np.load(tmp_path / "inferred" / "floats.transmission.npy")
    np.testing.assert_array_equal(api.remove(PICTURE, network, store=store, engine="local"), expected)
