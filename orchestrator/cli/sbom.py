"""sirr-orch sbom: list the software of images and of this program."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.complete import images as image_names
from orchestrator.cli.options import (
    DEFAULT_STORE,
    DeviceOption,
    EngineOption,
    OverwriteOption,
    PluginsOption,
    StoreOption,
)


def sbom(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...", help="Built images. Default: all that are built.", autocompletion=image_names
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where to write the lists. Default: sbom.", file_okay=False)
    ] = Path("sbom"),
    device: DeviceOption = "cpu",
    engine: EngineOption = None,
    overwrite: OverwriteOption = False,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """List all software of images, and of sirr-orch itself, with licences, as CycloneDX files (SBOM).

    Examples:
        sirr-orch sbom
        sirr-orch sbom inference --engine docker --out lists
    """
    # Imported here: --help must not wait for Docker and the build machinery.
    from orchestrator.cli.console import err  # noqa: PLC0415
    from orchestrator.cli.console import out as results  # noqa: PLC0415
    from orchestrator.execute.build import chosen_engine  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.sbom import write_lists  # noqa: PLC0415

    chosen = chosen_engine(engine or "auto", store)
    err.print(chosen.sentence)
    library = known_library(plugins or ())
    for written in write_lists(images or (), library, device, chosen, store, out, overwrite=overwrite):
        results.print(written.sentence)
