import pytest

from orchestrator.engine.errors import MEANINGS, engine_error
from orchestrator.errors import (
    BuildError,
    DeviceUnavailable,
    EngineUnavailable,
    ImageNotBuilt,
    InfraFailure,
    NoSpace,
    SpecError,
)

RECORDED = [
    pytest.param(
        "failed to create rwlayer: mkdir /var/lib/docker/overlay2/9c-init: no space left on device", NoSpace, id="disk"
    ),
    pytest.param(
        'could not select device driver "nvidia" with capabilities: [[gpu]]', DeviceUnavailable, id="no-toolkit"
    ),
    pytest.param(
        "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=GPU-1", DeviceUnavailable, id="cdi"
    ),
    pytest.param(
        "container create: stat nvidia.com/gpu=GPU-1: no such file or directory", DeviceUnavailable, id="podman-cdi"
    ),
    pytest.param(
        "OCI runtime create failed: runc create failed: unable to start container process: error during container "
        "init: error running hook #0: exit status 1, stderr: nvidia-container-cli: device error: GPU-1: unknown device",
        DeviceUnavailable,
        id="unknown-gpu",
    ),
    pytest.param(f"No such image: sha256:{'1' * 64}", ImageNotBuilt, id="image"),
    pytest.param(
        'invalid mount config for type "bind": bind source path does not exist: /data', EngineUnavailable, id="bind"
    ),
    pytest.param(
        'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "python": '
        "executable file not found in $PATH: unknown",
        BuildError,
        id="no-python",
    ),
    pytest.param(
        'OCI runtime create failed: exec: "/bin/python": permission denied: unknown', BuildError, id="program"
    ),
    pytest.param("Minimum memory limit allowed is 6MB", SpecError, id="memory"),
    pytest.param(
        "client version 1.41 is too old. Minimum supported API version is 1.44, please upgrade your client to a newer "
        "version",
        EngineUnavailable,
        id="old-client",
    ),
    pytest.param(
        "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))",
        EngineUnavailable,
        id="socket-forbidden",
    ),
    pytest.param(
        "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or "
        "directory'))",
        EngineUnavailable,
        id="no-socket",
    ),
    pytest.param(
        "Error while fetching server API version: ('Connection aborted.', ConnectionRefusedError(111, 'Connection "
        "refused'))",
        EngineUnavailable,
        id="nobody-listens",
    ),
    pytest.param("Install paramiko package to enable ssh:// support", EngineUnavailable, id="no-paramiko"),
    pytest.param(
        "UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=60)",
        InfraFailure,
        id="slow",
    ),
    pytest.param(
        "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
        InfraFailure,
        id="broken",
    ),
]


@pytest.mark.parametrize(("text", "expected"), RECORDED)
def test_engine_error_knows_what_engines_say(text, expected):
    error = engine_error(text, "stage train/errnet2019")
    assert type(error) is expected
    assert error.where == "stage train/errnet2019"
    assert error.hint


def test_commands_of_slurm_without_a_cluster_say_where_there_is_one():
    error = engine_error(
        "resolve_ctls_from_dns_srv: res_nsearch error: Unknown host; fetch_config: DNS SRV lookup failed; "
        "_establish_config_source: failed to fetch config; fatal: Could not establish a configuration source",
        "Slurm",
    )
    assert type(error) is EngineUnavailable
    assert "login node" in error.hint


def test_engine_error_tells_a_forbidden_socket_from_no_engine():
    texts = {param.id: engine_error(param.values[0]).message for param in RECORDED}
    assert "may not be used by this user" in texts["socket-forbidden"]
    assert "no Docker engine runs" in texts["no-socket"]


def test_engine_error_of_unknown_text_is_a_failure_of_the_infrastructure():
    error = engine_error("the moon is in the wrong house")
    assert type(error) is InfraFailure
    assert "the moon" in error.message


def test_every_row_of_the_table_has_a_recorded_sample():
    first = {next(row.fragment for row in MEANINGS if row.fragment in param.values[0].lower()) for param in RECORDED}
    assert first == {row.fragment for row in MEANINGS}
