"""sirr-orch infer: pictures or arrays through a model, or through any network's ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, EngineOption, StoreOption


def infer(
    photos: Annotated[
        list[Path], typer.Argument(metavar="PHOTO...", help="Pictures, or arrays (.npy, H x W x 3, RGB, 0 to 1).")
    ],
    out_folder: Annotated[
        Path, typer.Option("--out", help="Folder for the results; made if missing.", file_okay=False)
    ],
    model: Annotated[
        str | None, typer.Option("--model", metavar="RUN/MODEL", help="A model of a run, such as quickstart/ibcln2020.")
    ] = None,
    onnx: Annotated[Path | None, typer.Option("--onnx", help="The file of a network instead.", dir_okay=False)] = None,
    arrays: Annotated[
        bool, typer.Option("--arrays", help="Write every output as floats too (.npy), not clipped, not rounded.")
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option("--tile", min=64, help="Work in overlapping tiles of this size: less memory, approximate result."),
    ] = None,
    engine: EngineOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take pictures through a network; each result has its picture's name and size.

    Examples:  sirr-orch infer photo.jpg --model quickstart/errnet2019 --out results  |  sirr-orch infer photo.npy
    --onnx network.onnx --arrays --out results
    """
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.remove import Removal, remove_reflections  # noqa: PLC0415

    if (model is None) == (onnx is None):
        raise typer.BadParameter("give either --model or --onnx")
    removal = Removal(
        tuple(photos), model, out_folder, store, engine or "auto", tile, reflection=True, onnx=onnx, arrays=arrays
    )
    with live_listener(err, verbose=False) as listener:
        results = remove_reflections(removal, listener, err.print)
    for path in results:
        out.print(str(path))
