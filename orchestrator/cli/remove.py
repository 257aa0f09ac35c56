"""sirr-orch remove: take the reflection out of one's own pictures."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.complete import methods_of_photographs
from orchestrator.cli.options import (
    DEFAULT_STORE,
    BuildOption,
    EngineOption,
    MemoryOption,
    OverwriteOption,
    PluginsOption,
    StoreOption,
    ThreadsOption,
    WallsOption,
    memory_bytes,
)


def remove(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Pictures with reflections.")],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Folder for the results; made if missing.", file_okay=False)
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="RUN/MODEL",
            autocompletion=methods_of_photographs,
            help="A model of a finished run, such as quickstart/errnet2019, or a program's name. Default: yang2019, "
            "which needs no training; it says so, and which networks there are.",
        ),
    ] = None,
    reflection: Annotated[
        bool, typer.Option("--reflection", help="Write the reflections too, where the network gives them.")
    ] = False,
    overwrite: OverwriteOption = False,
    memory: MemoryOption = None,
    build: BuildOption = False,
    tile: Annotated[
        int | None,
        typer.Option("--tile", min=64, help="Blend overlapping tiles of this size instead: an approximate result."),
    ] = None,
    threads: ThreadsOption = None,
    plugins: PluginsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take the reflection out of pictures; each result has its picture's name and size.

    Examples:
        sirr-orch remove photo.jpg --out results --build
        sirr-orch remove photo.jpg --model quickstart/errnet2019 --out results
    """
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.removal import Removal  # noqa: PLC0415
    from orchestrator.execute.remove import remove_reflections  # noqa: PLC0415

    removal = Removal(
        tuple(photos),
        model,
        out_folder,
        store,
        engine or "auto",
        tile,
        reflection,
        reflection_named=reflection,
        memory_bytes=memory_bytes(memory),
        threads=threads,
        overwrite=overwrite,
        build=build,
        library=known_library(plugins or ()),
    )
    with live_listener(err, verbose=False) as listener:
        remove_reflections(removal, listener, err.print, lambda path: out.print(str(path)))
