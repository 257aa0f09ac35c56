import dataclasses
import json
import os
from pathlib import Path

import pytest

from orchestrator.engine.caps import EngineCaps, caps_from
from orchestrator.engine.container import Caller, container_config, container_name
from orchestrator.engine.owner import Owner
from orchestrator.engine.protocol import Environment, Job

GOLDEN = Path(__file__).parent / "golden"
KEY = "0123456789abcdef" * 4
GPUS = ("GPU-aaaaaaaa-0000-0000-0000-000000000001", "GPU-aaaaaaaa-0000-0000-0000-000000000002")
CALLER = Caller(1000, 1001, [44, 109], Owner("host", "boot", 321, 170000025))
JOB = Job(
    key=KEY,
    run="comparison",
    stage="train/errnet2019",
    kind="train",
    module="errnet2019",
    environment=Environment("docker", "errnet2019", "f" * 64, "sha256:" + "e" * 64),
    staging=Path("/store/staging") / KEY,
    settings={"model": "errnet2019"},
    inputs={"synthetic": Path("/store/artifacts/aa"), "real": Path("/data/pairs")},
    seed=3,
    memory_bytes=2**30,
    threads=2,
)
GPU_JOB = dataclasses.replace(JOB, device="cuda", gpus=GPUS, memory_bytes=None)


def assert_golden(name, value):
    path, text = GOLDEN / f"{name}.json", json.dumps(value, indent=2, sort_keys=True) + "\n"
    if os.environ.get("SIRR_ACCEPT_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize(
    ("name", "job", "caps"),
    [
        pytest.param("container-cpu", JOB, EngineCaps(), id="cpu"),
        pytest.param("container-gpu", GPU_JOB, EngineCaps(nvidia=True), id="gpu"),
    ],
)
def test_container_config_is_as_accepted(name, job, caps):
    assert_golden(name, container_config(job, caps, CALLER, "66304:5311"))


def host(job, **caps):
    return container_config(job, EngineCaps(**caps), CALLER, "66304:5311")["HostConfig"]


def test_container_config_shared_memory_fits_into_the_memory_limit():
    assert host(JOB)["ShmSize"] == JOB.memory_bytes < JOB.shm_bytes
    assert host(GPU_JOB)["ShmSize"] == GPU_JOB.shm_bytes


def test_container_config_swap_is_no_way_around_the_memory_limit():
    assert host(JOB)["MemorySwap"] == host(JOB)["Memory"] == JOB.memory_bytes


@pytest.mark.parametrize(
    ("caps", "user", "mode"),
    [
        pytest.param({}, "1000:1001", None, id="plain"),
        pytest.param({"rootless": True}, "0:0", None, id="rootless-root-is-the-caller"),
        pytest.param({"userns": True}, "1000:1001", "host", id="remapped"),
        pytest.param({"podman": True, "rootless": True}, "1000:1001", "keep-id", id="podman-keeps-the-number"),
    ],
)
def test_container_config_files_belong_to_the_caller(caps, user, mode):
    config = container_config(JOB, EngineCaps(**caps), CALLER, "66304:5311")
    assert config["User"] == user
    assert config["HostConfig"].get("UsernsMode") == mode


def test_container_config_asks_for_gpus_as_the_engine_understands_it():
    assert host(GPU_JOB, cdi=True)["DeviceRequests"] == [
        {"Driver": "cdi", "DeviceIDs": [f"nvidia.com/gpu={uuid}" for uuid in GPUS]}
    ]
    podman = host(GPU_JOB, podman=True, cdi=True)
    assert "DeviceRequests" not in podman
    assert [device["PathOnHost"] for device in podman["Devices"]] == [f"nvidia.com/gpu={uuid}" for uuid in GPUS]


def test_container_config_without_gpus_hides_them():
    environment = container_config(JOB, EngineCaps(nvidia=True), CALLER, "66304:5311")["Env"]
    assert "NVIDIA_VISIBLE_DEVICES=void" in environment
    assert "CUDA_VISIBLE_DEVICES=" in environment


def test_container_name_differs_between_stores():
    one, other = container_name(KEY, Path("/a")), container_name(KEY, Path("/b"))
    assert one != other
    assert one.startswith(f"sirr-orch-{KEY[:24]}")
    assert one == container_name(KEY, Path("/a"))


OLD = {"Version": "20.10.24+dfsg1", "ApiVersion": "1.41", "Components": [{"Name": "Engine"}]}
NEW = {"Version": "29.1.0", "ApiVersion": "1.52", "Components": [{"Name": "Engine"}]}
PODMAN = {"Version": "5.2.0", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}
CDI = {"CDISpecDirs": ["/etc/cdi"], "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}


@pytest.mark.parametrize(
    ("version", "info", "expected"),
    [
        pytest.param(OLD, {"CgroupVersion": "1", "SecurityOptions": ["name=seccomp"]}, {"cgroup": 1}, id="plain"),
        pytest.param(OLD, {"Runtimes": {"nvidia": {}}, **CDI}, {"nvidia": True, "cdi": False}, id="too-old-for-cdi"),
        pytest.param(NEW, {"CgroupVersion": "2", **CDI}, {"cdi": True, "cgroup": 2}, id="cdi"),
        pytest.param(NEW, {"CDISpecDirs": ["/etc/cdi"]}, {"cdi": False}, id="cdi-without-devices"),
        pytest.param(NEW, {"SecurityOptions": ["name=rootless"]}, {"rootless": True}, id="rootless"),
        pytest.param(NEW, {"SecurityOptions": ["name=userns"]}, {"userns": True}, id="remapped"),
        pytest.param(PODMAN, {}, {"podman": True, "cdi": True, "name": "podman", "rootless": False}, id="podman"),
        pytest.param(
            PODMAN,
            {"Rootless": True, "CgroupVersion": "2", "MemoryLimit": True},
            {"rootless": True, "limits_memory": True, "tells_out_of_memory": True},
            id="rootless-podman",
        ),
        pytest.param(
            PODMAN,
            {"Rootless": True, "CgroupVersion": "1", "MemoryLimit": True},
            {"limits_memory": False, "tells_out_of_memory": False},
            id="rootless-podman-on-old-groups",
        ),
        pytest.param(
            PODMAN,
            {"CgroupVersion": "1"},
            {"limits_memory": True, "tells_out_of_memory": False},
            id="podman-on-old-groups",
        ),
        pytest.param(OLD, {"MemoryLimit": False}, {"limits_memory": False}, id="no-memory-limit"),
    ],
)
def test_engine_caps_read_the_engine_s_answers(version, info, expected):
    caps = caps_from("http+docker://localhost", version, info)
    assert {name: getattr(caps, name) for name in expected} == expected
    assert not caps.remote


@pytest.mark.parametrize("address", ["http://10.0.0.1:2375", "https://build:2376", "http+docker://ssh"])
def test_engine_caps_know_an_engine_on_another_machine(address):
    assert caps_from(address, OLD, {}).remote


def test_engine_caps_say_what_an_engine_cannot_do():
    podman = caps_from("unix:///run/podman.sock", PODMAN, {"Rootless": True, "CgroupVersion": "1"})
    assert podman.title == "Podman 5.2.0, rootless"
    assert podman.remarks == ("it cannot limit the memory of programs",)
    remote = caps_from("tcp://build:2376", NEW, {})
    assert remote.remarks == ("it is on another machine, whose GPUs cannot be leased from here",)


def test_container_config_leaves_podman_no_folder_of_its_own_to_write():
    assert host(JOB, podman=True)["Tmpfs"].keys() == {"/tmp", "/run", "/var/tmp"}
    assert host(JOB).get("Tmpfs").keys() == {"/tmp"}


def test_owner_is_alive_while_its_process_runs():
    owner = Owner.current()
    assert Owner.parse(str(owner)).alive
    assert not dataclasses.replace(owner, created=owner.created - 60).alive
    assert not dataclasses.replace(owner, boot="another").alive
    assert dataclasses.replace(owner, host="elsewhere").alive
    assert Owner.parse("nonsense") is None
