"""Chooses the engine: Docker or Podman where one answers, else local environments, in the best walls that work.

Engines from outside come from installed packages: an entry point of the group `sirr_orch.engines` names something that
takes the store's folder of staging folders and returns an `Engine`, or raises EngineUnavailable.
"""

import os
import typing
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from orchestrator.engine.protocol import Engine
from orchestrator.engine.slurm import SlurmEngine
from orchestrator.engine.walls import FoundWalls, find_walls
from orchestrator.errors import EngineUnavailable, SirrError
from orchestrator.spec.names import WALLS_VARIABLE, BuiltInEngine, EngineName, WallsName

if typing.TYPE_CHECKING:
    from orchestrator.engine.connection import ContainerEngine

SHARED_ROOT_VARIABLE = "SIRR_SHARED_ROOT"

ENTRY_POINTS = "sirr_orch.engines"
"""The group of entry points by which an installed distribution brings engines, each called as its entry point."""


@dataclass(frozen=True)
class Selection:
    """An engine, and what to tell the user of it.

    Attributes:
        sentence: Which one it is, and why.
        finding: Which one it is, where nobody chose it.
    """

    engine: Engine
    sentence: str
    finding: str = ""


def available_engine(name: EngineName, staging_root: Path) -> Selection:
    """Return the engine that is asked for; "auto" is Docker or Podman where one answers, else local.

    Args:
        staging_root: The store's folder of staging folders.

    Raises:
        EngineUnavailable: Where there is no engine of that name; where Docker, Podman, the walls of local programs, or
            an engine from outside are asked for by name and do not work.
    """
    if name not in typing.get_args(BuiltInEngine):
        engine = _brought(name, staging_root)
        return Selection(engine, f"engine: {name}, as asked for; {_brought_walls(engine)}")
    if name == "local":
        return _local_in_walls(staging_root, "as asked for")
    try:
        return _in_containers(typing.cast("ContainerEngine", name), staging_root)
    except SirrError as error:
        if name != "auto":
            raise _unavailable(error) from error
        # What a client's connection says of itself stands in brackets; whoever asks for Docker by name is told it.
        return _local_in_walls(staging_root, f"because {error.message.partition(' (')[0]}")


def engine_to_ask(name: EngineName, staging_root: Path) -> Engine:
    """Return an engine that is asked for programs that run and starts none, so that no walls need to work.

    Raises what `available_engine` raises for Docker, Podman and engines from outside.
    """
    if name == SlurmEngine.name:
        return SlurmEngine(staging_root)
    return _local(staging_root, None) if name == "local" else available_engine(name, staging_root).engine


def engine_names() -> tuple[EngineName, ...]:
    """Return every engine that could have run stages: this project's, then those of installed packages."""
    return ("local", "docker", "podman", SlurmEngine.name, *_entry_points())


def engine_choices() -> tuple[EngineName, ...]:
    """Return what can be asked for."""
    return (*typing.get_args(BuiltInEngine), *_entry_points())


def walls_asked_for() -> WallsName:
    """Return the walls that the environment names for local programs of this machine.

    Raises:
        EngineUnavailable: Where it names none that there are.
    """
    named = os.environ.get(WALLS_VARIABLE, "auto")
    for name in typing.get_args(WallsName):
        if named == name:
            return typing.cast(WallsName, name)
    raise EngineUnavailable(
        f"{WALLS_VARIABLE} is {named!r}, which names no walls",
        hint=f"set it to one of: {', '.join(typing.get_args(WallsName))}",
    )


def _entry_points() -> dict[str, EntryPoint]:
    """Return the engines of installed packages; none has the name of one of ours."""
    found = sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)
    return {entry.name: entry for entry in found if entry.name not in typing.get_args(BuiltInEngine)}


def _brought(name: EngineName, staging_root: Path) -> Engine:
    found = _entry_points()
    if name not in found:
        raise EngineUnavailable(
            f"there is no engine {name!r}",
            hint=f"name one of: {', '.join(engine_choices())}; others come with packages that bring them",
        )
    try:
        engine: Engine = found[name].load()(staging_root)
    except SirrError:
        raise
    except Exception as error:  # whatever the code of others does
        package = found[name].dist
        raise EngineUnavailable(
            f"the engine {name!r} cannot be used: {type(error).__name__}: {error}",
            where=f"entry point {name!r} of {package.name if package else 'a distribution'}",
            hint="ask whoever wrote that package, or name another engine",
        ) from error
    return engine


def _brought_walls(engine: Engine) -> str:
    if engine.capabilities.isolates:
        return "it says that programs have no network and see only what they need"
    return "it says that programs have no walls"


def _local_in_walls(staging_root: Path, why: str) -> Selection:
    found = find_walls(walls_asked_for())
    return Selection(_local(staging_root, found), f"engine: local environments, {why}; {found.sentence}")


def _in_containers(name: "ContainerEngine", staging_root: Path) -> Selection:
    # Imported here: the SDK is slow to import.
    from orchestrator.engine.connection import connected  # noqa: PLC0415
    from orchestrator.engine.docker import DockerEngine  # noqa: PLC0415

    shared = os.environ.get(SHARED_ROOT_VARIABLE)
    found = connected(name)
    engine = DockerEngine(staging_root, found.client, caps=found.caps, shared_root=Path(shared) if shared else None)
    why = "because one answers" if name == "auto" else "as asked for"
    walls = "; ".join(("programs run without a network", *found.caps.remarks))
    return Selection(engine, f"engine: {found.sentence}, {why}; {walls}", f"{found.sentence}; {walls}")


def _local(staging_root: Path, found: FoundWalls | None) -> Engine:
    if os.pathsep in str(staging_root.resolve()):
        raise EngineUnavailable(
            f"local environments cannot work in a store whose path holds {os.pathsep!r}, which parts folders in PATH",
            where=str(staging_root),
            hint="name another folder with --store, or use Docker",
        )
    from orchestrator.engine.local import LocalEngine  # noqa: PLC0415 - only where it is used

    return LocalEngine(staging_root, None if found is None else found.walls)


def _unavailable(error: SirrError) -> EngineUnavailable:
    if isinstance(error, EngineUnavailable):
        return error
    return EngineUnavailable(error.message, where=error.where, hint=error.hint)
