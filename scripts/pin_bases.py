"""Pins the official base images: `make pin-bases` asks their registry for the digests that their names have now.

Writes images/bases.txt, which belongs to the recipe of every image: what is built from it is built on these bytes. The
digest is the one of all platforms together, so that a build on another processor finds its own image by it.
"""

import argparse
import sys
from pathlib import Path

import docker

from orchestrator.environments.bases import registry_digest
from orchestrator.environments.pins import pinned_digests, pins_path, save_pinned_digests
from orchestrator.errors import SirrError
from orchestrator.spec.load import image_names, load_image


def main() -> int:
    """Write the digests; return 1, and write nothing, where one cannot be had."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mirror", metavar="PREFIX", default="", help="ask there, such as mirror.example/library")
    parser.add_argument("--file", type=Path, default=pins_path(), help="default: images/bases.txt")
    arguments = parser.parse_args()
    mirror = arguments.mirror and f"{arguments.mirror.rstrip('/')}/"
    bases = {variant.base for name in image_names() for variant in load_image(name).variants.values()}
    try:
        before = pinned_digests(arguments.file)
        client = docker.from_env()
        found = {base: registry_digest(client, f"{mirror}{base}") for base in sorted(bases)}
    except (SirrError, docker.errors.DockerException) as error:
        print(f"nothing is pinned: {error}", file=sys.stderr)
        return 1
    save_pinned_digests(found, arguments.file)
    for base, digest in found.items():
        print(f"{base}: {digest}", "as before" if before.get(base) == digest else f"in place of {before.get(base)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
