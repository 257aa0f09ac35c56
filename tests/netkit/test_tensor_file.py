"""PyTorch's files, read without PyTorch: what is there is read exactly, what lies is refused."""

import argparse
import collections
import datetime
import itertools
import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netkit.malformed import Malformed
from netkit.tensor_file import TensorFile
from netkit.tensor_storage import Storage, StoredTensor
from stagekit import BadInput
from tests.netkit.torch_like import Lying, legacy, pickled, zipped

WRITERS = [pytest.param(zipped, id="zip"), pytest.param(legacy, id="legacy")]
GRADIENT = np.arange(24, dtype=np.float32).reshape(4, 6)


def read(path):
    """Return the content of a file, with arrays where it has tensors."""
    with TensorFile(str(path)) as file:
        return {
            name: file.numbers(value) if isinstance(value, StoredTensor) else value
            for name, value in file.content.items()
        }


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "float16"])
def test_tensors_are_read_as_they_were_written(tmp_path, write, dtype):
    found = read(write(tmp_path / "a.pt", {"a": Lying("0", GRADIENT.astype(dtype)), "epoch": 60}))
    assert found["a"].dtype == dtype
    np.testing.assert_array_equal(found["a"], GRADIENT.astype(dtype))
    assert found["epoch"] == 60


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    ("lie", "said"),
    [
        pytest.param({"offset": 1}, "reaches to element 25 of a storage with 24", id="offset"),
        pytest.param({"offset": -1}, "offset of -1", id="negative-offset"),
        pytest.param({"strides": (7, 1)}, "reaches to element 27", id="strides"),
        pytest.param({"strides": (-6, 1)}, "step or offset of -6", id="negative-strides"),
        pytest.param({"strides": (1,)}, "2 axes and 1 steps", id="axes"),
        pytest.param({"shape": (2**60, 6)}, "has a size, step or offset", id="absurd-size"),
        pytest.param({"shape": (2**40, 1), "strides": (0, 1)}, "repeats its storage", id="expanded"),
        pytest.param({"count": 25}, "storage", id="count"),
        pytest.param({"count": 23}, "storage", id="count-too-small"),
    ],
)
def test_a_tensor_outside_its_storage_is_refused(tmp_path, write, lie, said):
    path = write(tmp_path / "a.pt", {"a": Lying("0", GRADIENT, **lie)})
    with pytest.raises(BadInput, match=said):
        read(path)


def shared_twice(depth):
    """Return a list that holds itself 2 ** depth times over, in a few bytes of a pickle."""
    found = [1]
    for _ in range(depth):
        found = [found, found]
    return found


MANY_TIMES_OVER = [1]
for _level in range(60):
    MANY_TIMES_OVER = [MANY_TIMES_OVER, MANY_TIMES_OVER]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("lie", [{"shape": (MANY_TIMES_OVER, 1)}, {"count": MANY_TIMES_OVER}])
def test_what_holds_itself_many_times_over_is_told_in_a_few_words(tmp_path, write, lie):
    raw, _tensors = pickled({"a": Lying("0", GRADIENT, **lie)})
    if write is zipped:
        path = zipped(tmp_path / "a.pt", {"a": Lying("0", GRADIENT)}, replaced=raw)
    else:
        path = legacy_of_parts(tmp_path / "a.pt", raw, ["0"])
    with pytest.raises(BadInput, match="a list") as caught:
        read(path)
    assert len(caught.value.message) < 500


def test_keys_of_storages_that_are_no_names_are_refused(tmp_path):
    path = legacy_of_parts(tmp_path / "a.pt", pickled({"a": Lying("0", GRADIENT)})[0], [MANY_TIMES_OVER])
    with pytest.raises(BadInput, match="list of storages"):
        read(path)


def legacy_of_parts(path, raw, keys):
    """Write the older format without the storages' bytes."""
    head = [pickle.dumps(part, protocol=2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    path.write_bytes(b"".join([*head, raw, pickle.dumps(keys, protocol=2)]))
    return path


LONG = [True] * 100_000


class SetOfLong:
    """Is pickled as a set that is made of a list which is there once, however many such sets there are."""

    def __reduce__(self):
        return set, (LONG,)


def test_a_long_value_is_not_copied_for_every_call_that_takes_it(tmp_path):
    assert len(read(zipped(tmp_path / "few.pt", {"sets": [SetOfLong(), SetOfLong()]}))["sets"]) == 2
    path = zipped(tmp_path / "many.pt", {"sets": [SetOfLong() for _ in range(5_000)]})
    with pytest.raises(BadInput, match="copies far more than it holds"):
        read(path)


@given(
    count=st.integers(0, 12),
    offset=st.integers(0, 4),
    axes=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=3),
)
def test_views_are_those_whose_elements_all_lie_in_the_storage(count, offset, axes):
    storage = Storage("int64", count, lambda: np.arange(count, dtype=np.int64).view(np.uint8))
    shape, strides = tuple(side for side, _ in axes), tuple(step for _, step in axes)
    places = [
        offset + sum(index * step for index, step in zip(indices, strides, strict=True))
        for indices in itertools.product(*map(range, shape))
    ]
    if all(place < count for place in places):
        found = StoredTensor(storage, offset, shape, strides).read()
        assert found.shape == shape
        assert found.ravel().tolist() == places
    else:
        with pytest.raises(Malformed):
            StoredTensor(storage, offset, shape, strides)


def inside_or_refused(path):
    """Read all tensors of a damaged file: each has its shape, or the file is refused with a remedy."""
    try:
        with TensorFile(str(path)) as file:
            return all(file.numbers(tensor).shape == tensor.shape for tensor in walked(file.content, set()))
    except BadInput as refused:
        return bool(refused.hint)


def walked(value, seen):
    """Yield the tensors in content, however it is nested."""
    if isinstance(value, StoredTensor):
        yield value
    elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
        seen.add(id(value))
        for inner in value.values() if isinstance(value, dict) else value:
            yield from walked(inner, seen)


CONTENT = {
    "state": collections.OrderedDict(
        {"a.weight": Lying("0", GRADIENT), "b": Lying("1", np.arange(3), offset=1, shape=(2,), strides=(1,))}
    ),
    "options": argparse.Namespace(lr=1e-4, name="x"),
    "history": np.arange(3.0),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 40))
def test_any_damage_to_a_pickle_is_refused_or_stays_inside_the_file(tmp_path, changes, cut):
    raw = bytearray(pickled(CONTENT)[0])
    for place, value in changes:
        raw[place % len(raw)] = value
    path = zipped(tmp_path / "a.pt", CONTENT, bytes(raw[: len(raw) - cut]))
    assert inside_or_refused(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.sampled_from([zipped, legacy]), st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_any_damage_to_a_file_is_refused_or_stays_inside_it(tmp_path, write, place, value, cut):
    path = write(tmp_path / "a.pt", CONTENT)
    raw = bytearray(path.read_bytes())
    place %= len(raw)
    raw[place] = value
    path.write_bytes(raw[:place] if cut else raw)
    assert inside_or_refused(path)


def test_everyday_objects_are_read_as_data(tmp_path):
    content = {
        "psnr": np.float64(22.89),
        "step": np.int64(7),
        "history": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "options": argparse.Namespace(lr=1e-4, layers=[1, 2]),
        "path": pathlib.PurePosixPath("/a/b"),
        "when": datetime.date(2019, 6, 1),
        "groups": {1, 2},
        "counter": collections.Counter(a=2),
        "nested": collections.defaultdict(dict, {"x": {"y": 1}}),
        "raw": b"\xff\0",
    }
    found = read(zipped(tmp_path / "a.pt", content))
    assert (found["psnr"], found["step"], found["raw"]) == (22.89, 7, b"\xff\0")
    assert found["options"] == {"lr": 1e-4, "layers": [1, 2]}
    for name in ("history", "fortran", "big"):
        np.testing.assert_array_equal(found[name].read(), content[name])
    assert (found["counter"], found["nested"]) == ({"a": 2}, {"x": {"y": 1}})


class Leaves:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class SomebodysNetwork:
    """A class of a program that wrote a checkpoint."""


@pytest.mark.parametrize(
    ("value", "said", "hint"),
    [
        (Leaves(os.mkdir, "here"), "wants to call posix.mkdir", "do not use this file"),
        (Leaves(eval, "1"), "wants to call .*eval", "do not use this file"),
        (SomebodysNetwork(), "holds an object of .*SomebodysNetwork", "state_dict"),
    ],
    ids=["function", "builtin", "object"],
)
@pytest.mark.parametrize("write", WRITERS)
def test_what_is_no_plain_data_is_named_and_never_made(tmp_path, write, value, said, hint, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=said) as caught:
        read(write(tmp_path / "a.pt", {"a": value}))
    assert hint in caught.value.hint
    assert not (tmp_path / "here").exists()


def test_a_pickle_alone_is_told_apart(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=2))
    with pytest.raises(BadInput, match="does not begin as PyTorch's files do"):
        read(tmp_path / "a.pkl")


def test_a_storage_that_is_longer_than_it_says_is_refused(tmp_path):
    path = zipped(tmp_path / "a.pt", {"a": Lying("0", GRADIENT)})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/data/1", b"")
        archive.writestr("other/data.pkl", b"N.")
    with pytest.raises(BadInput, match="zip archive"):
        read(path)


HTML = b"<!DOCTYPE html><html><head><title>Quota \x1b[31mexceeded</title></head></html>"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 75850509\n"


@pytest.mark.parametrize(
    ("content", "said", "hint"),
    [
        (b"", "an empty file", "fetch it again"),
        (bytes(5000), "a file of zeros", "fetch it again"),
        (HTML, r"a web page \('Quota  ?\[31mexceeded'\)", "in a browser"),
        (LFS, "a Git LFS pointer.* 75850509 bytes", "git lfs pull"),
        (b"hello\n", "a text that begins 'hello'", "PyTorch"),
        (b'{"error": 404}', "a server's or program's text", "PyTorch"),
        (b"\x1f\x8b\x08rest", "a gzip archive", "unpack"),
        (b"\0\5\x16\7", "macOS", "without"),
        (b"\x89HDF\r\n\x1a\n", "HDF5", "PyTorch"),
        (b"PK\3\4" + bytes(100), "cut short", "fetch it again"),
    ],
    ids=["empty", "zeros", "web-page", "lfs", "text", "json", "gzip", "apple", "hdf5", "cut"],
)
def test_each_wrong_kind_of_file_is_named_for_what_it_is(tmp_path, content, said, hint):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read(tmp_path / "a.pt")
    assert hint in caught.value.hint
    assert "\x1b" not in caught.value.message


def test_a_zip_around_a_checkpoint_is_named(tmp_path):
    inner = zipped(tmp_path / "inner.pt", {"a": Lying("0", GRADIENT)})
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(inner, "inner.pt")
    with pytest.raises(BadInput, match=r"a zip archive around 'inner\.pt'"):
        read(tmp_path / "outer.zip")


@pytest.mark.parametrize("name", ["archive/data.pkl", "notes.txt"])
def test_a_zip_file_with_a_name_in_no_known_letters_is_refused(tmp_path, name):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name + "\u00fc", b"")
    path.write_bytes(path.read_bytes().replace("\u00fc".encode(), b"\xff\xff"))
    with pytest.raises(BadInput, match="broken"):
        read(path)


@pytest.mark.timeout(20)
def test_what_is_no_plain_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    for path, said in ((tmp_path / "pipe.pt", "a pipe"), ("/dev/zero", "a device"), (tmp_path, "a folder")):
        with pytest.raises(BadInput, match=said):
            read(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path / "absent.pt")
