import pytest

from orchestrator.engine.gpu import Gpu, lease_gpus, list_gpus, parse_gpus
from orchestrator.errors import DeviceUnavailable

ANSWER = """GPU-aaaaaaaa-0000-0000-0000-000000000001, 0, NVIDIA H200, 143771, 570.86.15, 9.0
GPU-aaaaaaaa-0000-0000-0000-000000000002, 1, NVIDIA H200, [N/A], 570.86.15, 9.0
Unable to determine the device handle for GPU0000:01:00.0: Unknown Error
"""
TWO = parse_gpus(ANSWER)


class GivenUp(Exception):
    pass


def give_up():
    raise GivenUp


def test_parse_gpus_leaves_out_what_is_no_device():
    first, second = TWO
    assert first == Gpu(
        "GPU-aaaaaaaa-0000-0000-0000-000000000001", 0, "NVIDIA H200", 143771 * 2**20, "570.86.15", "9.0"
    )
    assert (second.index, second.memory_bytes) == (1, 0)


def test_list_gpus_is_empty_without_a_driver(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list_gpus() == ()


def test_lease_gives_each_holder_its_own_device(tmp_path):
    with lease_gpus(tmp_path, devices=lambda: TWO) as one, lease_gpus(tmp_path, devices=lambda: TWO) as other:
        assert {*one, *other} == {gpu.uuid for gpu in TWO}
        with pytest.raises(GivenUp), lease_gpus(tmp_path, devices=lambda: TWO, waiting=give_up):
            pass
    with lease_gpus(tmp_path, 2, devices=lambda: TWO) as both:
        assert len(both) == 2


def test_lease_of_more_devices_than_there_are_is_an_error(tmp_path):
    with pytest.raises(DeviceUnavailable, match="shows none"), lease_gpus(tmp_path, devices=tuple):
        pass
    few = pytest.raises(DeviceUnavailable, match="3 GPUs are needed, this machine shows 2")
    with few, lease_gpus(tmp_path, 3, devices=lambda: TWO):
        pass
