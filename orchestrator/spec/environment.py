"""A built image, as an engine sees it; the builders make it and the engines run it, and neither knows the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Environment:
    """A built image: what an engine needs in order to run a module in it.

    Attributes:
        engine: Its kind, "docker" or "local" or that of an installed package's builder; engines say which they run.
        image: Its name, such as "errnet2019".
        recipe: Its recipe hash.
        reference: A Docker image's id, or the path of a local environment's interpreter.
        code: The folder with the image's packages (local environments; None in Docker, where it is inside).
        details: Facts for the provenance page (base image, versions, variant).
        packages: Name to version of everything that its lock pins.
    """

    engine: str
    image: str
    recipe: str
    reference: str
    code: Path | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
