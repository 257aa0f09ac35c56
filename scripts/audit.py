"""Asks for known holes in everything that a lock names: `make audit`.

The locks are those of the images, of what installs and builds them, and uv.lock. Who answers is the OSV database, by
way of pip-audit; a site without it names a mirror. A lock that nobody could answer for is never counted as sound.

Exit codes: 0 every package was asked for and none has a known hole, 1 some have, 2 some could not be asked for.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.environments.sbom import locked_in_requirements
from orchestrator.resources import images_folder, resource_root

PIP_AUDIT = "pip-audit==2.10.1"
UV = str(Path(sysconfig.get_path("scripts")) / "uv")


Packages = Sequence[tuple[str, str]]
"""Names and versions."""


@dataclass(frozen=True)
class Answer:
    """What is known of one lock.

    Attributes:
        packages: How many it names.
        holes: A line for each known hole.
        unknown: A line for each package that nobody answered for.
    """

    packages: int
    holes: tuple[str, ...]
    unknown: tuple[str, ...]


def main() -> int:
    """Ask for every lock, say what is known, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osv", metavar="ADDRESS", help="of a mirror of the database, such as http://mirror/v1/query")
    parser.add_argument("locks", nargs="*", type=Path, help="requirements with hashes; default: all of this project")
    arguments = parser.parse_args()
    holes = unknown = False
    with tempfile.TemporaryDirectory() as folder:
        for name, packages in (named(arguments.locks) if arguments.locks else all_locks(Path(folder))).items():
            found = asked(packages, arguments.osv, Path(folder))
            holes, unknown = holes or bool(found.holes), unknown or bool(found.unknown)
            state = "NOT CHECKED" if found.unknown else "checked"
            print(f"{name}: {state}, packages: {found.packages}, known holes: {len(found.holes)}")
            for line in (*found.holes, *found.unknown):
                print(f"  {line}")
    if unknown:
        print("some packages were not checked: nothing is said of them (see the lines above)", file=sys.stderr)
    return 1 if holes else 2 if unknown else 0


def all_locks(folder: Path) -> dict[str, Packages]:
    """Return what each lock of this project names."""
    own = folder / "uv.lock.txt"
    export = [UV, "export", "--quiet", "--frozen", "--no-emit-project", "--all-groups", "--no-header"]
    subprocess.run([*export, "--output-file", str(own)], cwd=resource_root(), check=True, stdout=subprocess.DEVNULL)
    found = named([images_folder() / "uv.txt", *sorted(images_folder().glob("*/requirements.*.txt"))])
    return {**found, "uv.lock": packages_of(own)}


def named(locks: Sequence[Path]) -> dict[str, Packages]:
    """Return what each of some locks names, by the last two parts of its path."""
    return {"/".join(path.resolve().parts[-2:]): packages_of(path) for path in locks}


def packages_of(lock: Path) -> Packages:
    """Return what a lock names; a local version such as +cpu is a build of the public one."""
    return list(dict.fromkeys((name, version.partition("+")[0]) for name, version in locked_in_requirements([lock])))


def asked(packages: Packages, osv: str | None, folder: Path) -> Answer:
    """Ask the database for the packages of one lock."""
    answers = [ask_once(one, osv, folder) for one in rounds(packages)]
    return Answer(
        len(packages),
        tuple(line for answer in answers for line in answer.holes),
        tuple(line for answer in answers for line in answer.unknown),
    )


def rounds(packages: Packages) -> Iterator[dict[str, str]]:
    """Yield the packages such that each name stands once: pip-audit takes one version of a package at a time."""
    rest = list(packages)
    while rest:
        first = dict(reversed(rest))
        yield first
        rest = [pair for pair in rest if pair not in first.items()]


def ask_once(packages: Mapping[str, str], osv: str | None, folder: Path) -> Answer:
    """Ask the database for one version of each package."""
    wanted = folder / "wanted.txt"
    wanted.write_text("".join(f"{name}=={version}\n" for name, version in packages.items()), encoding="utf-8")
    run = [UV, "run", "--quiet", "--no-project", "--isolated", "--with", PIP_AUDIT, "pip-audit"]
    options = ["--requirement", str(wanted), "--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
    service = ["--vulnerability-service=osv", *(["--osv-url", osv] if osv else [])]
    done = subprocess.run([*run, *options, *service], capture_output=True, text=True, check=False, cwd=folder)
    try:
        dependencies = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = done.stderr.strip().splitlines()[-1:] or ["no answer"]
        return Answer(len(packages), (), (f"nobody answered: {last[0]}",))
    answered = {entry["name"]: entry for entry in dependencies}
    return Answer(len(packages), tuple(_holes(answered)), tuple(_unknown(answered, packages)))


def _holes(answered: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    for name, entry in answered.items():
        for hole in entry.get("vulns", ()):  # type: ignore[attr-defined]
            fixed = ", ".join(hole["fix_versions"]) or "no version"
            yield f"{name} {entry['version']}: {hole['id']}, fixed in {fixed}"


def _unknown(answered: Mapping[str, Mapping[str, object]], packages: Mapping[str, str]) -> Iterator[str]:
    """Yield what was left out: pip-audit ends with status 0 even where it could ask for nothing."""
    for name, version in packages.items():
        entry = answered.get(name)
        if entry is None or "vulns" not in entry:
            yield f"{name} {version}: {'no answer' if entry is None else entry.get('skip_reason')}"


if __name__ == "__main__":
    sys.exit(main())
