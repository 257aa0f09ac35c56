"""Prints what is installed where it runs, as JSON: packages, what they bring along, the interpreter, the system.

Run as it stands by the interpreters of images, the oldest of which is Python 3.8: with the standard library alone.
With the argument `system`, the packages of the Debian system are listed too.
"""

import base64
import hashlib
import json
import os
import platform
import re
import ssl
import sys
from importlib import metadata
from typing import Any, Dict, Iterator, List

_DPKG = "/var/lib/dpkg/status"
_COPYRIGHT = "/usr/share/doc/%s/copyright"
_MOST_LICENCE = 200


def installed_packages() -> List[Dict[str, Any]]:
    """Return every Python package that can be imported here, by name."""
    found: Dict[str, Dict[str, Any]] = {}
    for package in metadata.distributions():
        about = package.metadata
        licence = first(about.get_all("License")).strip()
        found.setdefault(
            re.sub(r"[-_.]+", "-", str(about["Name"])).lower(),
            {
                "name": about["Name"],
                "version": package.version,
                "expression": first(about.get_all("License-Expression")),
                # Some packages put the whole text there; its first line names it.
                "licence": licence.splitlines()[0][:_MOST_LICENCE] if licence else "",
                "classifiers": [text for text in about.get_all("Classifier") or () if text.startswith("License ::")],
                "libraries": list(shared_libraries(package)),
            },
        )
    return [found[name] for name in sorted(found)]


def first(values: Any) -> str:
    """Return the first of a field's values; empty where it has none."""
    return str(values[0]) if values else ""


def shared_libraries(package: metadata.Distribution) -> Iterator[Dict[str, str]]:
    """Yield the native libraries that a package brings along, with the hash that its record has."""
    for path in package.files or ():
        if path.name.startswith("lib") and ".so" in path.name and path.hash and path.hash.mode == "sha256":
            value = path.hash.value
            digest = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
            yield {"name": path.name, "path": path.as_posix(), "sha256": digest}


def interpreter() -> Dict[str, str]:
    """Return what runs this."""
    with open(os.path.realpath(sys.executable), "rb") as program:
        digest = hashlib.sha256(program.read()).hexdigest()
    return {
        "name": platform.python_implementation(),
        "version": platform.python_version(),
        "build": " ".join(platform.python_build()),
        "compiler": platform.python_compiler(),
        "sha256": digest,
        "openssl": ssl.OPENSSL_VERSION,
        "libc": " ".join(platform.libc_ver()),
        "machine": platform.machine(),
    }


def system() -> Dict[str, Any]:
    """Return the Debian system: its release and every package that it says is installed."""
    return {"release": os_release(), "packages": sorted(debian_packages(), key=lambda entry: entry["name"])}


def os_release() -> Dict[str, str]:
    """Return what the system says that it is."""
    found = {}
    for line in _lines("/etc/os-release"):
        name, equals, value = line.partition("=")
        if equals and name in {"ID", "VERSION_ID", "PRETTY_NAME"}:
            found[name] = value.strip("\"'")
    return found


def debian_packages() -> Iterator[Dict[str, Any]]:
    """Yield the packages of dpkg's own list."""
    entry: Dict[str, str] = {}
    for line in [*_lines(_DPKG), ""]:
        name, colon, value = line.partition(": ")
        if colon and not line.startswith(" "):
            entry[name] = value
        elif not line:
            if entry.get("Status", "").endswith(" installed"):
                yield {
                    "name": entry["Package"],
                    "version": entry["Version"],
                    "architecture": entry.get("Architecture", ""),
                    "source": entry.get("Source", ""),
                    "licences": debian_licences(entry["Package"]),
                }
            entry = {}


def debian_licences(package: str) -> List[str]:
    """Return the licences that a package's machine-readable copyright file names; none where it has another form."""
    lines = _lines(_COPYRIGHT % package)
    if not any(line.startswith("Format:") for line in lines[:5]):
        return []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("License:"))
    return sorted({text[:_MOST_LICENCE] for text in named if text})


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []


if __name__ == "__main__":
    inventory: Dict[str, Any] = {"packages": installed_packages(), "interpreter": interpreter()}
    if "system" in sys.argv[1:]:
        inventory["system"] = system()
    print(json.dumps(inventory))
