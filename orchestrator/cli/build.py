"""sirr-orch build: make the images' environments."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.complete import images as image_names
from orchestrator.cli.options import DEFAULT_STORE, DeviceOption, EngineOption, PluginsOption, StoreOption


def build(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", help="Images to build. Default: all of them.", autocompletion=image_names),
    ] = None,
    device: DeviceOption = "cpu",
    engine: EngineOption = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            "--base",
            metavar="PYTHON=IMAGE",
            help="Base image for a Python version instead of the official one, such as 3.10=registry/python:3.10. "
            "[env: SIRR_BASES]",
        ),
    ] = None,
    wheels: Annotated[
        list[Path] | None,
        typer.Option("--wheels", help="Folder of wheels to install from, besides the index. [env: SIRR_WHEELS]"),
    ] = None,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Build images, as Docker images or as local environments. What is built already is not built again.

    Examples:
        sirr-orch build
        sirr-orch build errnet2019 metrics
        sirr-orch build --engine local
    """
    # Imported here: --help must not wait for Docker and the build machinery.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.execute.build import build_images, build_settings, chosen_engine, named_images  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    asked = named_images(images or (), known_library(plugins or ()))
    chosen = chosen_engine(engine or "auto", store)
    err.print(chosen.sentence)
    settings = build_settings(base or (), wheels or ())
    for result in build_images(asked, device, chosen, store, settings, lambda line: err.print(line, style="dim")):
        out.print(result.sentence)
