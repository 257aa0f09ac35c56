"""sirr-orch infer: pictures or arrays through a model, or through any network's ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import (
    DEFAULT_STORE,
    EngineOption,
    JsonOption,
    MemoryOption,
    OverwriteOption,
    StoreOption,
    ThreadsOption,
    WallsOption,
    memory_bytes,
)


def infer(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO...", help="Pictures, or arrays (.npy, H x W x 3, RGB, 0 to 1)."),
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results; made if missing.", file_okay=False)
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="RUN/MODEL", help="A model of a run, such as quickstart/ibcln2020.")
    ] = None,
    onnx: Annotated[Path | None, typer.Option("--onnx", help="The file of a network instead.", dir_okay=False)] = None,
    arrays: Annotated[
        bool, typer.Option("--arrays", help="Write every output as floats too (.npy), not clipped, not rounded.")
    ] = False,
    overwrite: OverwriteOption = False,
    memory: MemoryOption = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Run nothing: show in which segments and tiles each size would run.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="FILE", help="Run nothing: say which operations of a network are exact."),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Take each picture at once, as a reference.")] = False,
    tile: Annotated[
        int | None,
        typer.Option("--tile", min=64, help="Blend overlapping tiles of this size instead: an approximate result."),
    ] = None,
    json: JsonOption = False,
    threads: ThreadsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take pictures through a network; each result has its picture's name and size.

    The result is that of the whole picture, tile by tile in the memory there is.

    Examples:  sirr-orch infer photo.jpg --model quickstart/errnet2019 --out results  |  sirr-orch infer photo.npy
    --onnx network.onnx --arrays --out results  |  sirr-orch infer photo.jpg --model quickstart/ibcln2020 --explain
    --memory 2GiB  |  sirr-orch infer --check network.onnx
    """
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.inference import print_plan  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.explain import check_network, plan_of_photos  # noqa: PLC0415
    from orchestrator.execute.remove import Removal, remove_reflections  # noqa: PLC0415

    _refuse_contradictions(photos, out_folder, model, onnx, check, explain=explain, tiled=whole and tile is not None)
    removal = Removal(
        tuple(photos or ()),
        model,
        out_folder or Path(),
        store,
        engine or "auto",
        tile,
        reflection=True,
        onnx=onnx,
        arrays=arrays,
        whole=whole,
        memory_bytes=memory_bytes(memory),
        threads=threads,
        overwrite=overwrite,
    )
    if check is None and not explain:
        with live_listener(err, verbose=False) as listener:
            remove_reflections(removal, listener, err.print, lambda path: out.print(str(path)))
        return
    with live_listener(err, verbose=False) as listener:
        if check is None:
            found = plan_of_photos(removal, listener, err.print)
        else:
            found = check_network(check, removal, listener, err.print)
    if json:
        out.print_json(found.text())
    elif print_plan(found, out):
        raise typer.Exit(1)


def _refuse_contradictions(
    photos: list[Path] | None,
    out_folder: Path | None,
    model: str | None,
    onnx: Path | None,
    check: Path | None,
    *,
    explain: bool,
    tiled: bool,
) -> None:
    if check is None and (model is None) == (onnx is None):
        raise typer.BadParameter("give either --model or --onnx, or --check FILE alone")
    if check is None and not photos:
        raise typer.BadParameter("give at least one picture")
    if check is None and not explain and out_folder is None:
        raise typer.BadParameter("give --out, the folder for the results")
    if tiled:
        raise typer.BadParameter("--whole and --tile exclude each other")
