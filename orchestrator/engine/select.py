"""Chooses the engine: Docker where one answers, else local environments."""

import os
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.errors import EngineUnavailable, SirrError
from orchestrator.spec.names import EngineName

SHARED_ROOT_VARIABLE = "SIRR_SHARED_ROOT"
_NO_FENCE = "local programs have no walls: they can use the network and every file that you can"


@dataclass(frozen=True)
class Selection:
    """An engine, and a sentence for the user that says which one it is and why."""

    engine: Engine
    sentence: str


def available_engine(name: EngineName, staging_root: Path) -> Selection:
    """Return the engine that is asked for; "auto" is Docker where one answers, else local.

    Args:
        staging_root: The store's folder of staging folders.

    Raises:
        EngineUnavailable: Where Docker is asked for by name and does not answer.
    """
    if name == "local":
        return Selection(_local(staging_root), f"engine: local environments, as asked for; {_NO_FENCE}")
    try:
        return _docker(staging_root, asked=name == "docker")
    except SirrError as error:
        if name == "docker":
            raise _unavailable(error) from error
        return Selection(_local(staging_root), f"engine: local environments, because {error.message}; {_NO_FENCE}")


def _docker(staging_root: Path, *, asked: bool) -> Selection:
    from orchestrator.engine.docker import DockerEngine  # noqa: PLC0415 - the SDK is slow to import

    shared = os.environ.get(SHARED_ROOT_VARIABLE)
    engine = DockerEngine(staging_root, shared_root=Path(shared) if shared else None)
    why = "as asked for" if asked else "because one answers"
    return Selection(engine, f"engine: Docker {engine.caps.version}, {why}; programs run without a network")


def _local(staging_root: Path) -> Engine:
    if os.pathsep in str(staging_root.resolve()):
        raise EngineUnavailable(
            f"local environments cannot work in a store whose path holds {os.pathsep!r}, which parts folders in PATH",
            where=str(staging_root),
            hint="name another folder with --store, or use Docker",
        )
    from orchestrator.engine.local import LocalEngine  # noqa: PLC0415 - only where it is used

    return LocalEngine(staging_root)


def _unavailable(error: SirrError) -> EngineUnavailable:
    if isinstance(error, EngineUnavailable):
        return error
    return EngineUnavailable(error.message, where=error.where, hint=error.hint)
