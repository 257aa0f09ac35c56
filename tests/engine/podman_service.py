"""Podman as a service of the tests: with storage of its own, ended by its own process id, and nothing left of it."""

import contextlib
import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_START_S = 30.0

# runc for crun, which refuses machines with both versions of the control groups; the limits are those that this process
# may give, for Podman asks for more by itself.
_CONF = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@dataclass(frozen=True)
class PodmanService:
    """A service that answers.

    Attributes:
        folder: Everything of it lies below.
        prefix: Begins commands that are to run as its user.
        environment: For such commands.
    """

    folder: Path
    prefix: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"unix://{self.folder}/podman.sock"

    def podman(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """Run a command of Podman on the service's storage, as its user."""
        return subprocess.run([*_podman(self), *arguments], env=self.environment, check=True, **options)

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        """Run this interpreter as the service's user, with the service as the engine, and return what it said."""
        environment = {**self.environment, "DOCKER_HOST": self.address, "PYTHONDONTWRITEBYTECODE": "1", **variables}
        # It may read all files: the interpreter and the tests may lie in root's folders.
        rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"] if self.prefix else []
        command = [*self.prefix, *rights, sys.executable, *arguments]
        return subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )


@contextlib.contextmanager
def podman_service(*, rootless: bool) -> Iterator[PodmanService]:
    """Run a service as root, or as an ordinary user: one made for it where this process is root's."""
    with contextlib.ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="sirr-podman-"))
        stack.callback(_remove, folder)
        folder.chmod(0o755)
        prefix: list[str] = []
        if rootless and os.getuid() == 0:
            prefix = _as_user(stack.enter_context(_ordinary_user(folder)))
        yield stack.enter_context(_served(folder, prefix))


@contextlib.contextmanager
def _served(folder: Path, prefix: Sequence[str]) -> Iterator[PodmanService]:
    files, processes = (
        min(most, limit) if limit != resource.RLIM_INFINITY else most
        for most, (_soft, limit) in (
            (65536, resource.getrlimit(resource.RLIMIT_NOFILE)),
            (16384, resource.getrlimit(resource.RLIMIT_NPROC)),
        )
    )
    conf = folder / "containers.conf"
    conf.write_text(_CONF.format(files=files, processes=processes))
    for name in ("run", "home"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)
        shutil.chown(folder / name, folder.stat().st_uid, folder.stat().st_gid)
    environment = {
        **os.environ,
        "CONTAINERS_CONF": str(conf),
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "HOME": str(folder / "home"),
    }
    service = PodmanService(folder, prefix, environment)
    command = [*_podman(service), "system", "service", "--time=0", service.address]
    # It works in its own folder: conmon may write a file named oom where it was started.
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    try:
        _wait(folder, process)
        yield service
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # an ordinary user's has a second process, in the user's namespace
        process.wait(20)
        with contextlib.suppress(OSError, ValueError):  # of an ordinary user's Podman: it keeps the user's namespace
            os.kill(int((folder / "run" / "libpod" / "tmp" / "pause.pid").read_text()), signal.SIGKILL)


def _podman(service: PodmanService) -> list[str]:
    folders = {name: service.folder / "podman" / name for name in ("store", "runroot", "tmp")}
    options = [f"--root={folders['store']}", f"--runroot={folders['runroot']}", "--storage-driver=overlay"]
    if not service.prefix and os.getuid() == 0:
        options.append(f"--tmpdir={folders['tmp']}")
    return [*service.prefix, "podman", *options]


def _wait(folder: Path, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
            client.connect(f"{folder}/podman.sock")
            return
        log = (folder / "service.log").read_text()
        assert process.poll() is None, log
        assert time.monotonic() < deadline, log
        time.sleep(0.05)


@contextlib.contextmanager
def _ordinary_user(folder: Path) -> Iterator[pwd.struct_passwd]:
    """Make a user with subordinate numbers, whose the folder is."""
    name = f"sirr-test-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--home-dir", str(folder / "home"), name], check=True)
    try:
        user = pwd.getpwnam(name)
        os.chown(folder, user.pw_uid, user.pw_gid)
        yield user
    finally:
        subprocess.run(["userdel", "--force", name], check=True)


def _as_user(user: pwd.struct_passwd) -> list[str]:
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _remove(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False)
    if os.getuid() == 0:
        shutil.rmtree(folder)
    else:  # files of subordinate numbers
        subprocess.run(["podman", "unshare", "rm", "-rf", str(folder)], check=True)
