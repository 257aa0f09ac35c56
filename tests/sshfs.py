"""Two mounts of one folder through sshfs and an SSH server of the test's own: as two machines see a shared disk."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

_NEEDED = ("sshfs", "ssh-keygen", "fusermount3")
_SERVER = "/usr/sbin/sshd"
_ANSWER_S = 20.0


def why_not() -> str | None:
    """Return why nothing can be mounted here, None where it can."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    missing += [] if Path(_SERVER).exists() else [_SERVER]
    if missing:
        return f"needs {', '.join(missing)} (Debian: sshfs, openssh-server)"
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as error:
        return f"/dev/fuse cannot be opened: {error.strerror}"
    return None


@contextlib.contextmanager
def mounts(folder: Path, server_folder: Path, count: int, options: tuple[str, ...] = ()) -> Iterator[list[Path]]:
    """Yield mounts of a folder, each with a connection of its own; all ends with the block.

    Args:
        folder: Where keys and mount points are made.
        server_folder: What is mounted.
        options: Further ones of sshfs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _server(folder) as port:
        mounted: list[Path] = []
        try:
            for number in range(count):
                point = folder / f"mount-{number}"
                point.mkdir()
                _mount(folder, port, server_folder, point, options)
                mounted.append(point)
            yield mounted
        finally:
            for point in mounted:
                subprocess.run(["fusermount3", "-u", "-z", str(point)], check=True)


def cut(folder: Path) -> int:
    """End the connections of mounts, as a network does that goes away for a moment; return how many there were.

    Args:
        folder: That of `mounts`, whose options said `reconnect`.
    """
    own, found = f"IdentityFile={folder / 'user'}", 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_text(errors="replace").split("\0")
            if Path(words[0]).name == "ssh" and any(own in word for word in words):
                os.kill(int(process.name), signal.SIGKILL)
                found += 1
    return found


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[int]:
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {folder / 'user.pub'}",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "sshd_config").write_text("\n".join(settings) + "\n", encoding="utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # Debian's start script makes it, and sshd asks for it
    log = folder / "sshd.log"
    command = [_SERVER, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _ANSWER_S
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(log.read_text(encoding="utf-8"))
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _mount(folder: Path, port: int, server_folder: Path, point: Path, options: tuple[str, ...]) -> None:
    told = {
        "IdentityFile": folder / "user",
        "UserKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "no",
        "GlobalKnownHostsFile": "/dev/null",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
    }
    command = ["sshfs", "-F", "/dev/null", "-p", str(port), f"127.0.0.1:{server_folder}", str(point)]
    for option in (*(f"{name}={value}" for name, value in told.items()), *options):
        command += ["-o", option]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
