"""The GPUs of this machine, and leases on them: an engine's count of devices reserves nothing."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import DeviceUnavailable
from orchestrator.locks import lock
from orchestrator.process import ProcessFailed, run

_FIELDS = ("uuid", "index", "name", "memory.total", "driver_version", "compute_cap")
_POLL_S = 1.0


@dataclass(frozen=True)
class Gpu:
    """One device. `uuid` is its only stable name: indices change with the driver's order."""

    uuid: str
    index: int
    name: str
    memory_bytes: int
    driver: str
    compute_capability: str


def list_gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that the driver shows; none where there is no driver."""
    try:
        done = run(["nvidia-smi", f"--query-gpu={','.join(_FIELDS)}", "--format=csv,noheader,nounits"], timeout_s=60)
    except ProcessFailed:
        return ()
    return parse_gpus(done.stdout)


def make_memory_device() -> None:
    """See that the driver's device file for memory is there: behind walls no helper of the driver can make it."""
    if not Path("/dev/nvidia-uvm").exists():
        with contextlib.suppress(ProcessFailed):
            run(["nvidia-modprobe", "-u", "-c=0"], timeout_s=60)


def parse_gpus(text: str) -> tuple[Gpu, ...]:
    """Read nvidia-smi's answer; lines that do not describe a device are left out."""
    found = []
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) != len(_FIELDS) or not parts[0].startswith("GPU-") or not parts[1].isdigit():
            continue
        uuid, index, name, memory, driver, capability = parts
        memory_bytes = int(memory) * 2**20 if memory.isdigit() else 0
        found.append(Gpu(uuid, int(index), name, memory_bytes, driver, capability))
    return tuple(found)


@contextlib.contextmanager
def lease_gpus(
    folder: Path,
    count: int = 1,
    *,
    devices: Callable[[], tuple[Gpu, ...]] = list_gpus,
    waiting: Callable[[], None] | None = None,
) -> Iterator[tuple[str, ...]]:
    """Hold `count` GPUs for as long as the block runs and give their UUIDs.

    Args:
        folder: Where the leases lie, one locked file per device; a lease ends with the process that holds it.
        waiting: Called about once a second while others hold what is needed; may raise to give up.

    Raises:
        DeviceUnavailable: Where the machine has fewer devices than asked for.
    """
    known = devices()
    if len(known) < count:
        has = f"this machine shows {len(known)}" if known else "this machine shows none"
        raise DeviceUnavailable(
            f"{count} GPU{'s are' if count > 1 else ' is'} needed, {has}",
            hint="check the driver with nvidia-smi, or write device: cpu",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as locks:
        while True:
            taken: list[str] = []
            for gpu in known:
                if len(taken) < count and _locked(folder / f"{gpu.uuid}.lock", locks):
                    taken.append(gpu.uuid)
            if len(taken) == count:
                break
            locks.close()
            if waiting is not None:
                waiting()
            time.sleep(_POLL_S)
        yield tuple(taken)


def _locked(path: Path, locks: contextlib.ExitStack) -> bool:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    if not lock(handle, path):
        os.close(handle)
        return False
    locks.callback(os.close, handle)
    return True
