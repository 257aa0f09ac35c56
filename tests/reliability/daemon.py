"""A Docker daemon of its own, so that nobody else's is killed."""

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import docker
import psutil
import requests
from docker.errors import DockerException

_START_S = 120.0
_STOP_S = 60.0
_UNAVAILABLE = (DockerException, requests.exceptions.RequestException, OSError)


class OwnDaemon:
    """One daemon, with its images and containers in a folder; it has no network, which stages do not have either.

    Args:
        folder: Keeps the images from one time to the next.
        log: What the daemon says.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder = folder
        self._log = log
        # Sockets have short paths.
        self.run_folder = Path(tempfile.mkdtemp(prefix="sirr-kills-", dir="/tmp"))
        self.address = f"unix://{self.run_folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, live_restore: bool) -> None:
        """Start it where it does not run, and wait until it answers.

        Args:
            live_restore: Containers outlive the daemon.
        """
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the daemon does not answer; see {self._log}")
            if self._process is None or self._process.poll() is not None:
                self._launch(live_restore=live_restore)
            time.sleep(0.2)

    def _launch(self, *, live_restore: bool) -> None:
        (self.run_folder / "pid").unlink(missing_ok=True)  # the number in it may be another process's now
        places = {"data-root": self._folder, "exec-root": self.run_folder / "exec", "pidfile": self.run_folder / "pid"}
        command = ["dockerd", "--host", self.address, "--bridge=none", "--iptables=false", "--ip6tables=false"]
        command += [f"--{name}={path}" for name, path in places.items()]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(["--live-restore"] if live_restore else [])],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        with contextlib.suppress(*_UNAVAILABLE), contextlib.closing(self.client()) as client:
            return bool(client.ping())
        return False

    def client(self, timeout_s: float = 10) -> docker.DockerClient:
        """Return a connection to it."""
        return docker.DockerClient(base_url=self.address, timeout=int(timeout_s))

    def load(self, tags: Sequence[str]) -> None:
        """Take images over from the daemon that is used otherwise, where they are not here yet."""
        with contextlib.closing(self.client()) as client:
            here = {tag for image in client.images.list() for tag in image.tags}
        missing = [tag for tag in tags if tag not in here]
        if not missing:
            return
        with subprocess.Popen(["docker", "save", *missing], stdout=subprocess.PIPE) as saving:
            subprocess.run(["docker", "--host", self.address, "load"], stdin=saving.stdout, check=True)

    def containers(self) -> list[str]:
        """Return the ids of all containers, whatever their state; none where it does not answer."""
        with contextlib.suppress(*_UNAVAILABLE), contextlib.closing(self.client()) as client:
            return [str(container["Id"]) for container in client.api.containers(all=True)]
        return []

    @property
    def daemon(self) -> list[psutil.Process]:
        """Its own process, while it runs."""
        return [] if self._process is None or self._process.poll() is not None else [psutil.Process(self._process.pid)]

    @property
    def shims(self) -> list[psutil.Process]:
        """What watches over containers, one each."""
        return [process for process in self._processes() if "-shim" in process.name()]

    @property
    def programs(self) -> list[psutil.Process]:
        """What runs in containers, without the init process of each."""
        inits = [init for shim in self.shims for init in _children(shim)]
        return [process for init in inits for process in _children(init)]

    def _processes(self) -> list[psutil.Process]:
        """Return the processes that were started with its folder for what runs."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if any(str(self.run_folder) in word for word in process.cmdline()):
                    found.append(process)
        return [process for process in found if process.is_running()]

    def close(self) -> None:
        """Stop it with all that runs in it; its images stay."""
        for container in self.containers():
            with contextlib.suppress(*_UNAVAILABLE), contextlib.closing(self.client(_STOP_S)) as client:
                client.api.remove_container(container, force=True)
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        for process in [*self.programs, *self._processes()]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for mounted in psutil.disk_partitions(all=True):
            if mounted.mountpoint.startswith((str(self.run_folder), str(self._folder))):
                subprocess.run(["umount", "--lazy", mounted.mountpoint], check=False)
        shutil.rmtree(self.run_folder, ignore_errors=True)


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(process.children())
    return []
