"""What this program runs on: read from the kernel, without anything that an image would have to install."""

import glob
import os
import platform
import re
import subprocess
from typing import Dict, Optional, Tuple

from stagekit.results.machine import Machine

INSTRUCTIONS = (
    "sse4_2",
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "amx_tile",
    "amx_bf16",
    "amx_int8",
    "asimd",
    "asimdhp",
    "bf16",
    "i8mm",
    "sve",
    "sve2",
)
"""Flags of the kernel that decide which kernels PyTorch, TensorFlow, oneDNN and ONNX Runtime choose."""

_CONTAINERS = (("/.dockerenv", "docker"), ("/run/.containerenv", "podman"), ("/.singularity.d", "apptainer"))
_QUERY_S = 30


def machine(threads: Optional[int] = None, device: str = "cpu") -> Machine:
    """Return what this program runs on; what cannot be found out is left out.

    Args:
        threads: that it was asked to use, None where nobody asked.
        device: 'cuda' looks for the GPU too, the first one that the program may use.
    """
    described = _processor()
    flags = set((described.get("flags") or described.get("Features") or "").split())
    container = next((name for path, name in _CONTAINERS if os.path.exists(path)), None)
    gpu, driver, cuda = _gpu() if device == "cuda" else (None, None, None)
    return Machine(
        processor=described.get("model name") or platform.processor() or "unknown",
        architecture=platform.machine(),
        instructions=tuple(name for name in INSTRUCTIONS if name in flags),
        processors=len(os.sched_getaffinity(0)),
        system="%s %s" % (platform.system(), platform.release()),
        host=None if container else platform.node() or None,
        memory_bytes=_memory_bytes(),
        container=container,
        threads=threads,
        gpu=gpu,
        driver=driver,
        cuda=cuda,
    )


def _processor() -> Dict[str, str]:
    """Return what the kernel says of the first processor."""
    first = _text("/proc/cpuinfo").strip().split("\n\n")[0]
    rows = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _colon, value in rows}


def _memory_bytes() -> Optional[int]:
    found = re.search(r"^MemTotal:\s+(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else None


def _gpu() -> Tuple[Optional[str], Optional[str], Optional[str]]:
    """Return name, driver and newest CUDA of the first GPU that this program may use."""
    try:
        said = subprocess.run(
            ["nvidia-smi", "-q"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_QUERY_S, check=True
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        said = ""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    parts = re.split(r"^GPU ", said, flags=re.MULTILINE)
    devices = [part for part in parts[1:] if not allowed.startswith("GPU-") or allowed in part] or parts[1:2]
    name = _named("Product Name", devices[0]) if devices else _driver_knows("Model")
    version = re.search(r"Kernel Module\s+([\d.]+)", _text("/proc/driver/nvidia/version"))
    driver = _named("Driver Version", parts[0]) or (version.group(1) if version else None)
    return name, driver, _named("CUDA Version", parts[0])


def _named(name: str, said: str) -> Optional[str]:
    found = re.search(r"^\s*%s\s*: (.+?)\s*$" % name, said, re.MULTILINE)
    return found.group(1) if found else None


def _driver_knows(name: str) -> Optional[str]:
    """Return what the driver tells without its tools: a container may lack them."""
    for path in sorted(glob.glob("/proc/driver/nvidia/gpus/*/information")):
        found = _named(name, _text(path).replace("\t", " "))
        if found:
            return found
    return None


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
