"""A real Slurm cluster of two nodes on this machine: its own folder, ports, keys and daemons."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_START_S = 90.0
_POLL_S = 0.2

_SLURM = """\
ClusterName=sirr
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/run/munge.socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
SwitchType=switch/none
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
SlurmdTimeout=30
InactiveLimit=0
MinJobAge=300
KillWait=5
Waittime=0
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=3000 Gres=gpu:1 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=3000 Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=short Nodes=n1 MaxTime=1 State=UP
"""
_GRES = """\
NodeName=n1 Name=gpu File={root}/gpu0
NodeName=n2 Name=gpu File={root}/gpu1
"""


def missing() -> list[str]:
    """Return the programs of Slurm that this machine lacks, and what else keeps a cluster from running here."""
    lacking = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    return lacking or ([] if os.geteuid() == 0 else ["root"])


@dataclass
class Rig:
    """Two nodes, n1 and n2, of two processors each, with a controller.

    root: a folder that is the rig's alone; its path must be short, for sockets lie in it
    """

    root: Path
    daemons: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self) -> None:
        """Start all daemons and wait until both nodes are idle."""
        for name in ("run", "log", "state", "spool/n1", "spool/n2"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for number in (0, 1):
            (self.root / f"gpu{number}").touch()
        ports = _free_ports(3)
        facts = {"root": self.root, "ports": ports, "host": socket.gethostname().partition(".")[0]}
        (self.root / "slurm.conf").write_text(_SLURM.format(**facts))
        (self.root / "gres.conf").write_text(_GRES.format(**facts))
        self.start_munged()
        self.start_controller()
        for node in ("n1", "n2"):
            self.start_node(node)
        self.wait_for("idle", 2)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Slurm's commands talk to this cluster."""
        return {**os.environ, "PATH": _PATH, "SLURM_CONF": str(self.root / "slurm.conf")}

    def start_munged(self) -> None:
        key = self.root / "run" / "munge.key"
        if not key.exists():
            key.write_bytes(os.urandom(1024))
            key.chmod(0o400)
        options = {
            "socket": "run/munge.socket",
            "key-file": "run/munge.key",
            "pid-file": "run/munged.pid",
            "log-file": "log/munged.log",
            "seed-file": "run/munge.seed",
        }
        argv = [
            "munged",
            "--foreground",
            "--force",
            *(f"--{name}={self.root / path}" for name, path in options.items()),
        ]
        self._start("munged", argv)
        self._until((self.root / "run/munge.socket").exists, "munged")

    def start_controller(self) -> None:
        self._start("slurmctld", ["slurmctld", "-D"])

    def start_node(self, node: str) -> None:
        self._start(node, ["slurmd", "-N", node, "-D"])

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End one daemon: munged, slurmctld, n1 or n2."""
        daemon = self.daemons.pop(name)
        daemon.send_signal(number)
        daemon.wait()

    def wait_for(self, state: str, nodes: int) -> None:
        """Wait until so many nodes are in a state."""

        def there() -> bool:
            said = self.run("sinfo", "-h", "-N", "-p", "all", "-o", "%t")
            return said.split().count(state) >= nodes

        self._until(there, f"{nodes} nodes that are {state}")

    def run(self, *argv: str) -> str:
        """Return what a command of Slurm prints, both outputs together."""
        done = subprocess.run(
            argv, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        return done.stdout

    def stop(self) -> None:
        """End all daemons, jobs first."""
        with contextlib.suppress(OSError):
            self.run("scancel", "--me", "--signal=KILL", "--full")
        for name in ("n1", "n2", "slurmctld", "munged"):
            if name in self.daemons:
                daemon = self.daemons[name]
                daemon.terminate()
                try:
                    daemon.wait(20)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
        self.daemons.clear()

    def _start(self, name: str, argv: list[str]) -> None:
        log = (self.root / "log" / f"{name}.out").open("ab")
        with log:
            self.daemons[name] = subprocess.Popen(
                argv, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _until(self, there, what: str) -> None:
        deadline = time.monotonic() + _START_S
        while not there():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in (self.root / "log").iterdir())
                raise TimeoutError(f"no {what} within {_START_S:.0f} s\n{logs}")
            time.sleep(_POLL_S)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
