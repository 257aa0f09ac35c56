"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.complete import engines
from orchestrator.spec.names import SITE_VARIABLE, WALLS_VARIABLE, Device, EngineName, WallsName
from orchestrator.store import layout

DEFAULT_STORE = layout.DEFAULT_STORE


def _nearest_store(context: typer.Context, folder: Path) -> Path:
    """Return the store that is named, by option or environment; where none is, the nearest one."""
    named = context.get_parameter_source("store")
    return layout.nearest_store() if named is None or named.name.startswith("DEFAULT") else folder


StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        envvar=layout.STORE_VARIABLE,
        callback=_nearest_store,
        help="Folder of results, environments and run records. Default: the nearest .sirr, here or in a folder above "
        "that is this user's.",
        file_okay=False,
    ),
]


def known_engine(name: str | None) -> str | None:
    """Return the name of an engine that there is: one of this project's, or of an installed package's.

    Raises: typer.BadParameter for any other.
    """
    # Imported here: --help must not wait for the engines.
    from orchestrator.engine.select import engine_choices  # noqa: PLC0415

    if name is None or name in (choices := engine_choices()):
        return name
    raise typer.BadParameter(f"{name!r} is not one of {', '.join(map(repr, choices))}.")


ENGINE_METAVAR = "[auto|docker|podman|local|NAME]"

EngineOption = Annotated[
    EngineName | None,
    typer.Option(
        "--engine",
        metavar=ENGINE_METAVAR,
        callback=known_engine,
        autocompletion=engines,
        help="What runs the stages: docker, podman, local (environments on this machine), the name of an engine that "
        "an installed package brings, or auto: Docker or Podman where one answers. Default: what the spec says.",
    ),
]


def _ask_for_walls(name: WallsName | None) -> WallsName | None:
    """Name the walls for this command; they are a matter of this machine, and found where programs are started."""
    if name is not None:
        os.environ[WALLS_VARIABLE] = name
    return name


WallsOption = Annotated[
    WallsName | None,
    typer.Option(
        "--walls",
        envvar=WALLS_VARIABLE,
        callback=_ask_for_walls,
        expose_value=False,
        help="What programs of local environments are kept in: bubblewrap, landlock, none, or auto: the best of these "
        "that works here. Default: auto.",
    ),
]


def ask_for_site(file: Path | None) -> Path | None:
    """Name the site for this command; it is read where stages are started, and looked at now."""
    if file is not None:
        from orchestrator.spec.site import load_site  # noqa: PLC0415 - --help must not wait for pydantic

        load_site(file)
        os.environ[SITE_VARIABLE] = str(file.absolute())
    return file


SiteOption = Annotated[
    Path | None,
    typer.Option(
        "--site",
        envvar=SITE_VARIABLE,
        callback=ask_for_site,
        expose_value=False,
        dir_okay=False,
        help="File that says where stages run: here, or on a Slurm cluster. Default: ~/.config/sirr-orch/site.yaml, "
        "where there is one; else all run here.",
    ),
]

BuildOption = Annotated[bool, typer.Option("--build", help="Build the images that are missing first.")]

DeviceOption = Annotated[
    Device, typer.Option("--device", help="Which locked requirements to build: cpu, or cuda for NVIDIA GPUs.")
]

MemoryOption = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", help="Memory to keep to, such as 4GiB. Default: the run's, or 8GiB."),
]


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="SIRR_DATA",
        help="Folder of raw downloads and prepared datasets. Default: sirr-data.",
        file_okay=False,
    ),
]

PluginsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugins",
        metavar="FOLDER",
        help="Folder with networks, programs and datasets of your own, in this project's layout; besides those that "
        "SIRR_PLUGINS lists, those in ~/.config/sirr-orch/plugins, and those of installed packages.",
        file_okay=False,
    ),
]

ThreadsOption = Annotated[
    int | None,
    typer.Option("--threads", min=1, help="Processor threads of a stage. Default: all that there are."),
]

OverwriteOption = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace files that are there and differ; what the command reads is never replaced. Default: leave them.",
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for scripts.")]


def memory_bytes(text: str | None) -> int | None:
    """Return a number of bytes from text such as 4GiB.

    Raises: typer.BadParameter for what is no size.
    """
    # Imported here: --help must not wait for pydantic.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    from orchestrator.spec.numbers import Bytes  # noqa: PLC0415

    if text is None:
        return None
    try:
        return int(TypeAdapter(Bytes).validate_python(text))
    except ValidationError as error:
        raise typer.BadParameter(f"{text!r} is no size: write for example 4GiB", param_hint="--memory") from error


SimulateSiteOption = Annotated[
    str | None,
    typer.Option(
        "--simulate-site",
        metavar="SITE",
        help="Say how long it would take where this many stages run at once, and run nothing: 16, or "
        "slots=16,beside=4,speed=100, where a slot is 100 times as fast as the processors that were measured.",
    ),
]
