"""What builds environments, whatever the engine, and how a site wants them built."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from orchestrator.errors import SpecError
from orchestrator.spec.environment import Environment
from orchestrator.spec.image import ImageSpec, Variant

Output = Callable[[str], None]
"""Hears one line of a build's output."""


@dataclass(frozen=True)
class BuildSettings:
    """Where a site has its packages.

    Attributes:
        bases: Base image by Python version, instead of the official ones.
        wheels: Folders of wheels that are looked into besides the index.
        network_host: Build with the host's network, for an index that is reached only so.
    """

    bases: Mapping[str, str] = field(default_factory=dict)
    wheels: tuple[Path, ...] = ()
    network_host: bool = True

    @classmethod
    def from_environment(cls) -> "BuildSettings":
        """Return what SIRR_BASES ("3.10=image,3.8=image") and SIRR_WHEELS or PIP_FIND_LINKS say.

        Raises:
            SpecError: Where SIRR_BASES is not of that form.
        """
        wheels = os.environ.get("SIRR_WHEELS") or os.environ.get("PIP_FIND_LINKS", "")
        folders = [Path(text) for text in wheels.replace(os.pathsep, " ").split() if Path(text).is_dir()]
        return cls(_bases(os.environ.get("SIRR_BASES", "")), tuple(folders))


def _bases(text: str) -> dict[str, str]:
    bases = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        python, equals, image = part.partition("=")
        if not equals or not image:
            raise SpecError(f"SIRR_BASES has {part!r}, which is not PYTHON=IMAGE", hint="write 3.10=image,3.8=image")
        bases[python] = image
    return bases


class Builder(Protocol):
    """Makes environments for one engine."""

    def find(self, image: ImageSpec, variant: Variant, settings: BuildSettings) -> Environment | None:
        """Return the environment of exactly this recipe, or None."""

    def build(self, image: ImageSpec, variant: Variant, settings: BuildSettings, output: Output) -> Environment:
        """Build the environment and run its smoke test.

        Raises:
            BuildError: Naming the step that failed and its last lines.
        """
