"""sirr-orch adopt, export and release: checkpoints in, networks and checkpoints out."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from orchestrator.cli.complete import models, run_models
from orchestrator.cli.options import (
    DEFAULT_STORE,
    BuildOption,
    EngineOption,
    OverwriteOption,
    PluginsOption,
    StoreOption,
    ThreadsOption,
    WallsOption,
)
from orchestrator.spec.names import EngineName

if TYPE_CHECKING:
    from orchestrator.execute.run_stages import ExecutionRequest

ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN/MODEL", help="A model of a run, such as quickstart/errnet2019.", autocompletion=run_models
    ),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the files; made if missing.", file_okay=False)]


def adopt(
    model: Annotated[str, typer.Argument(help="Name of a model, such as errnet2019.", autocompletion=models)],
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="Zhang's checkpoint folder, ERRNet's .pt, the folder of IBCLN's two .pth; or one of the files in it."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", help="What model and run are called. Default: MODEL-adopted."),
    ] = None,
    entry: Annotated[
        str | None,
        typer.Option(
            "--entry", help="Which weights to take where a checkpoint holds several sets, such as params_ema."
        ),
    ] = None,
    features: Annotated[
        Literal["pretrained", "random"],
        typer.Option("--features", help="Feature weights of the exported network; 'random' is for trying things out."),
    ] = "pretrained",
    build: BuildOption = False,
    threads: ThreadsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take over released weights instead of training: they are checked, kept, and exported.

    Nothing in a checkpoint is run. A tensor that is missing, superfluous, misshapen or not finite is named.

    Examples:
        sirr-orch adopt errnet2019 errnet_060_00463920.pt
        sirr-orch adopt zhang2018 pre-trained --name zhang
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.models import adopt_model  # noqa: PLC0415
    from orchestrator.spec.entrants import AdoptedWeights  # noqa: PLC0415

    called = name or f"{model}-adopted"
    with _request(store, engine, threads, plugins, build=build) as request:
        weights = AdoptedWeights(checkpoint=checkpoint, entry=entry)
        spec = adopt_model(model, weights, called, features, request)
    out.print(f"adopted: {called}/{called}")
    out.print(f"to compare it: sirr-orch run {spec}")


def export(
    model: ModelArgument,
    out_folder: OutOption,
    overwrite: OverwriteOption = False,
    build: BuildOption = False,
    threads: ThreadsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a model's ONNX network, and how far it is from the native one.

    Example:
        sirr-orch export quickstart/errnet2019 --out networks
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.models import export_model  # noqa: PLC0415

    with _request(store, engine, threads, plugins, build=build) as request:
        written = export_model(model, out_folder, request, overwrite=overwrite)
    for path in written:
        out.print(str(path))


def release(
    model: ModelArgument,
    out_folder: OutOption,
    overwrite: OverwriteOption = False,
    build: BuildOption = False,
    threads: ThreadsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    plugins: PluginsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write a model's weights as its authors' program reads them: their file format, their names.

    Example:
        sirr-orch release quickstart/ibcln2020 --out checkpoints
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.models import release_model  # noqa: PLC0415

    with _request(store, engine, threads, plugins, build=build) as request:
        written = release_model(model, out_folder, request, overwrite=overwrite)
    for path in written:
        out.print(str(path))


@contextlib.contextmanager
def _request(
    store: Path, engine: EngineName | None, threads: int | None, plugins: list[Path] | None, *, build: bool
) -> Iterator["ExecutionRequest"]:
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.run_stages import ExecutionRequest, RunOptions  # noqa: PLC0415

    options, library = RunOptions(threads=threads), known_library(plugins or ())
    with live_listener(err, verbose=False) as listener:
        yield ExecutionRequest(store, engine or "auto", listener, err.print, build, options, library)
