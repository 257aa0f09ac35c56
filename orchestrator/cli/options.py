"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.spec.names import Device, EngineName

StoreOption = Annotated[
    Path,
    typer.Option(
        "--store",
        envvar="SIRR_STORE",
        help="Folder of results, environments and run records.",
        file_okay=False,
    ),
]

EngineOption = Annotated[
    EngineName | None,
    typer.Option(
        "--engine",
        help="What runs the stages: docker, local (environments on this machine), or auto: Docker where an engine "
        "answers. Default: what the spec says.",
    ),
]

DeviceOption = Annotated[
    Device, typer.Option("--device", help="Which locked requirements to build: cpu, or cuda for NVIDIA GPUs.")
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for scripts.")]

DEFAULT_STORE = Path(".sirr")
