"""TensorFlow's checkpoints, read without TensorFlow: what is there is read exactly, what lies is refused."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netkit.crc32c import crc32c
from netkit.malformed import Malformed
from netkit.sorted_table import inflated_snappy, table_entries
from netkit.tensor_bundle import TensorBundle
from stagekit import BadInput
from tests.netkit.bundle_like import PLAIN, SNAPPY, bundle, entry, field, header, sample, table, varint

GRADIENT = np.arange(24, dtype=np.float32).reshape(4, 6)


def one_by_one(data):
    """Return the checksum by its definition: the remainder of a division, bit by bit."""
    state = 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def test_checksum_of_the_nine_digits_is_the_published_one():
    assert crc32c(b"123456789") == 0xE3069283


@given(st.binary(max_size=40))
def test_checksum_is_that_of_its_definition(data):
    assert crc32c(data) == one_by_one(data)


@pytest.mark.slow
@pytest.mark.parametrize("size", [64 * 4096 - 1, 64 * 4096, 64 * 4096 + 5])
def test_checksum_in_lanes_is_that_of_its_definition(size):
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()
    assert crc32c(data) == one_by_one(data)


@pytest.mark.parametrize("way", [pytest.param(PLAIN, id="plain"), pytest.param(SNAPPY, id="snappy")])
def test_tensors_are_read_as_they_were_written(tmp_path, way):
    arrays = sample()
    found = TensorBundle("model.ckpt", bundle(tmp_path, arrays, way=way))
    assert list(found.tensors) == sorted(arrays)
    for name, array in arrays.items():
        assert found.tensors[name].shape == array.shape
        assert found.tensors[name].kind == found.numbers(name).dtype.name == array.dtype.name
        np.testing.assert_array_equal(found.numbers(name), array)


def test_bfloat16_is_read_as_the_same_numbers_in_float32(tmp_path):
    halves = (GRADIENT.view(np.uint32) >> 16).astype(np.int16)
    found = TensorBundle("a", bundle(tmp_path, {"a": halves}, lies={"a": {"kind": 14}}))
    np.testing.assert_array_equal(found.numbers("a"), GRADIENT)


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        pytest.param({"offset": 1}, "outside its files", id="offset"),
        pytest.param({"offset": 2**63}, "outside its files", id="negative-offset"),
        pytest.param({"shard": 1}, "outside its files", id="shard"),
        pytest.param({"size": 92}, "has 92 bytes and should have 96", id="size"),
        pytest.param({"shape": (5, 6)}, "has 96 bytes and should have 120", id="shape"),
        pytest.param({"shape": (2**64 - 4, 6)}, "a shape that none can have", id="negative-side"),
        pytest.param({"shape": (1,) * 40}, "a shape that none can have", id="axes"),
        pytest.param({"checksum": bytes(4)}, "do not have their checksum", id="checksum"),
        pytest.param({"kind": 7}, "as no numbers", id="texts"),
        pytest.param({"slices": True}, "in slices", id="slices"),
    ],
)
def test_a_tensor_that_is_not_as_the_index_says_is_refused(tmp_path, lie, said):
    parts = bundle(tmp_path, {"a": GRADIENT}, lies={"a": lie})
    with pytest.raises(BadInput, match=said):
        TensorBundle("a", parts).numbers("a")


@pytest.mark.parametrize(
    ("head", "said"),
    [
        pytest.param(header(shards=2), "no file data-00000-of-00002", id="shards"),
        pytest.param(header(shards=10**9), "how many files", id="many-shards"),
        pytest.param(header(order=1), "another order of bytes", id="order"),
        pytest.param(header(needed=2), "a newer version", id="version"),
        pytest.param(b"\x0b", "unknown kind", id="group"),
        pytest.param(field(3, b"\xff" * 11), "has no end", id="endless-number"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, head, said):
    parts = bundle(tmp_path, {"a": GRADIENT})
    (tmp_path / "model.ckpt.index").write_bytes(table([(b"", head), (b"a", entry(GRADIENT, 0))]))
    with pytest.raises(BadInput, match=said):
        TensorBundle("a", parts)


def test_keys_are_in_order_and_no_longer_than_names(tmp_path):
    for keys in ([b"b", b"a"], [b"a", b"a"], [b"a" * 1025]):
        with pytest.raises(Malformed):
            list(table_entries(table([(key, b"") for key in keys])))


@given(st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=3))
def test_what_snappy_stands_for_is_as_long_as_it_says(content, changes):
    raw = bytearray(varint(len(content)) + b"".join(b"\0" + content[n : n + 1] for n in range(len(content))))
    assert inflated_snappy(bytes(raw)) == content
    for place, value in changes:
        raw[place % len(raw)] = value
    try:
        found = inflated_snappy(bytes(raw))
    except Malformed:
        return
    assert len(found) <= 64 * len(raw)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.sampled_from(["index", "data-00000-of-00001"]), st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 60)
)
def test_any_damage_is_found(tmp_path, part, place, change, cut):
    arrays = sample()
    parts = bundle(tmp_path, arrays)
    path = tmp_path / f"model.ckpt.{part}"
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= change
    path.write_bytes(bytes(raw[: len(raw) - cut]))
    try:
        found = TensorBundle("a", parts)
        read = {name: found.numbers(name) for name in found.tensors}
    except BadInput:
        return
    assert part == "index"  # of which some bytes mean nothing: what fills up the end, and the first handle there
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)
