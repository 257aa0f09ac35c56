"""MATLAB's files, read without SciPy: what is there is what SciPy finds, what lies is refused."""

import struct
import zlib

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netkit.malformed import Malformed
from netkit.matlab_file import read_variable

TYPES = ["float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
shapes = st.lists(st.integers(0, 4), min_size=2, max_size=4).map(tuple)
arrays = st.builds(
    lambda shape, kind, seed: np.random.default_rng(seed).integers(0, 100, shape).astype(kind),
    shapes,
    st.sampled_from(TYPES),
    st.integers(0, 99),
)
texts = st.text("abc\u00fc", min_size=1, max_size=8)
names = st.sampled_from(["name", "weights", "a", "b_2"])
values = st.recursive(
    arrays | texts,
    lambda inner: st.lists(inner, min_size=2, max_size=3) | st.dictionaries(names, inner, min_size=1, max_size=3),
    max_leaves=6,
)


def stored(value):
    """Return a value as SciPy stores it: lists are cells."""
    if isinstance(value, list):
        cells = np.empty((1, len(value)), object)
        cells[0, :] = [stored(inner) for inner in value]
        return cells
    return {name: stored(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def assert_same(found, value):
    if isinstance(value, dict):
        assert set(found) == set(value)
        for name in value:
            assert_same(found[name], value[name])
    elif isinstance(value, list):
        assert len(found) == len(value)
        for one, other in zip(found, value, strict=True):
            assert_same(one, other)
    elif isinstance(value, str):
        assert found == value
    else:
        np.testing.assert_array_equal(found, value)
        assert found.shape == value.shape


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(values, st.booleans())
def test_what_scipy_writes_is_read_exactly(tmp_path, value, compressed):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"other": np.zeros(3), "layers": stored(value)}, do_compression=compressed)
    assert_same(read_variable(str(path), "layers"), value)


def element(kind, content, order="<"):
    """Return an element of a file."""
    return struct.pack(order + "II", kind, len(content)) + content + bytes(-len(content) % 8)


def array(kind, shape, content, name=b"layers", order="<", flags=0):
    """Return an array: what it says of itself, and what follows."""
    head = element(6, struct.pack(order + "II", kind | flags, 0), order)
    head += element(5, struct.pack(order + f"{len(shape)}i", *shape), order)
    return element(14, head + element(1, name, order) + content, order)


def header(order="<"):
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "H", 0x0100) + (b"IM" if order == "<" else b"MI")


def found(tmp_path, content, order="<"):
    path = tmp_path / "a.mat"
    path.write_bytes(header(order) + content)
    return read_variable(str(path), "layers")


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_orders_of_bytes_are_read(tmp_path, order):
    numbers = np.arange(6, dtype=order + "f4").reshape(2, 3)
    content = array(7, (2, 3), element(7, numbers.tobytes("F"), order), order=order)
    np.testing.assert_array_equal(found(tmp_path, content, order), numbers)


@pytest.mark.parametrize("kind", [3, 5, 16, 17])
def test_what_is_no_data_is_nothing(tmp_path, kind):
    inner = array(kind, (1, 1), b"whatever", name=b"")
    assert found(tmp_path, array(1, (1, 1), inner)) == [None]


NUMBERS = element(7, bytes(24))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "no variable 'layers'", id="empty"),
        pytest.param(array(7, (2, 3), NUMBERS, name=b"other"), "no variable 'layers'", id="other"),
        pytest.param(array(7, (2, 4), NUMBERS), "has 24 bytes", id="larger"),
        pytest.param(array(7, (2**31 - 1,) * 4, NUMBERS), "has 24 bytes", id="absurd"),
        pytest.param(array(7, (2, -3), NUMBERS), "no variable", id="negative"),
        pytest.param(array(7, (1,) * 33, NUMBERS), "no variable", id="axes"),
        pytest.param(array(7, (2, 3), element(99, bytes(24))), "type 99", id="type"),
        pytest.param(array(7, (2, 3), NUMBERS)[:-30], "ends in the middle", id="cut"),
        pytest.param(array(7, (2, 3), struct.pack("<II", 7, 1 << 31)), "beyond its end", id="long"),
        pytest.param(array(1, (1 << 30, 1 << 20), b""), "fewer arrays", id="cells"),
        pytest.param(array(2, (1, 1), element(5, bytes(4)) + element(1, b"")), "no names", id="fields"),
        pytest.param(struct.pack("<II", 14, 0xFFFFFFFF), "no variable", id="nothing"),
        pytest.param(array(4, (1, 2), element(16, b"\xff\xff")), "no known form", id="text"),
        pytest.param(element(15, b"deflated"), "no variable", id="deflate"),
    ],
)
def test_what_a_file_says_of_itself_is_held_against_its_bytes(tmp_path, content, said):
    with pytest.raises(Malformed, match=said):
        found(tmp_path, content)


def test_arrays_in_arrays_have_an_end(tmp_path):
    inner = array(7, (2, 3), NUMBERS, name=b"")
    for _ in range(40):
        inner = array(1, (1, 1), inner, name=b"")
    with pytest.raises(Malformed, match="too deeply"):
        found(tmp_path, array(1, (1, 1), inner))


@pytest.mark.parametrize("longer", [1, 1 << 20])
def test_what_is_compressed_is_no_longer_than_it_says(tmp_path, longer):
    inner = array(7, (2, 3), NUMBERS)
    with pytest.raises(Malformed, match=r"than it says|as long as it says"):
        found(tmp_path, element(15, zlib.compress(inner + bytes(longer))))
    with pytest.raises(Malformed, match="as long as it says"):
        found(tmp_path, element(15, zlib.compress(inner)[:-4]))


def test_a_file_that_is_none_is_refused(tmp_path):
    for content in (b"", b"not a MATLAB file" * 100):
        (tmp_path / "a.mat").write_bytes(content)
        with pytest.raises(Malformed, match="does not begin"):
            read_variable(str(tmp_path / "a.mat"), "layers")
