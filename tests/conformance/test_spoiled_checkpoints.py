"""Checkpoints that nobody may adopt are made of good ones, whatever file these are."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from orchestrator.conformance.spoiled_checkpoints import write_cut_off, write_not_finite, write_of_another

NAMES = ["first.weight", "second.bias"]
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def as_npz():
    stream = io.BytesIO()
    np.savez(stream, **dict.fromkeys(NAMES, VALUES))
    return stream.getvalue()


def as_torch():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("archive/data.pkl", pickle.dumps(dict.fromkeys(NAMES, "storage"), protocol=2))
        made.writestr("archive/data/0", VALUES.tobytes())
    return stream.getvalue()


def as_safetensors():
    offsets = {name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} for name in NAMES}
    header = json.dumps({"__metadata__": {"format": "pt"}, **offsets}).encode()
    return len(header).to_bytes(8, "little") + header + VALUES.tobytes()


def names_and_values(content):
    """Return the names of the tensors, and the numbers of the last."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            assert found.testzip() is None
            if "archive/data.pkl" in found.namelist():
                names = list(pickle.loads(found.read("archive/data.pkl")))  # written above
                return names, np.frombuffer(found.read("archive/data/0"), np.float32)
        arrays = np.load(io.BytesIO(content))
        return list(arrays), arrays[list(arrays)[-1]].ravel()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header["__metadata__"] == {"format": "pt"}
    return [name for name in header if name != "__metadata__"], np.frombuffer(content[8 + length :], np.float32)


@pytest.mark.parametrize("content", [as_npz(), as_torch(), as_safetensors()], ids=["npz", "torch", "safetensors"])
def test_names_or_values_are_those_of_no_network_and_all_else_stays(tmp_path, content):
    good = tmp_path / "good"
    (good / "inner").mkdir(parents=True)
    (good / "inner" / "w.bin").write_bytes(content)
    (good / "readme").write_bytes(b"to whom it may concern")
    assert write_of_another(good, tmp_path / "another")
    names, values = names_and_values((tmp_path / "another" / "inner" / "w.bin").read_bytes())
    assert (names, values.tolist()) == (["svefg.jrvtug", "frpbaq.ovnf"], VALUES.ravel().tolist())
    assert write_not_finite(good, tmp_path / "nan")
    names, values = names_and_values((tmp_path / "nan" / "inner" / "w.bin").read_bytes())
    assert names == NAMES
    assert np.isnan(values).all()
    assert (tmp_path / "nan" / "readme").read_bytes() == b"to whom it may concern"
    assert names_and_values((good / "inner" / "w.bin").read_bytes())[0] == NAMES


def test_every_file_of_a_cut_off_one_ends_in_the_middle(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    for name in ("model.index", "model.data"):
        (good / name).write_bytes(b"0123456789")
    write_cut_off(good, tmp_path / "cut")
    assert {path.name: path.read_bytes() for path in (tmp_path / "cut").iterdir()} == {
        "model.index": b"01234",
        "model.data": b"01234",
    }


def test_a_file_of_an_unknown_kind_is_copied_and_said_to_be_as_it_was(tmp_path):
    good = tmp_path / "good"
    good.mkdir()
    (good / "weights").write_bytes(b"\x00\x01 something else")
    assert not write_of_another(good, tmp_path / "another")
    assert not write_not_finite(good, tmp_path / "nan")
    assert (tmp_path / "nan" / "weights").read_bytes() == b"\x00\x01 something else"
