"""sirr-orch infer: pictures or arrays through a model, or through any network's ONNX file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.complete import run_models
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

_OF_FILE: Mapping[str, Any] = {"rich_help_panel": "What a network's file is like, where it is none of this program"}


def infer(
    photos: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PHOTO...", help="Pictures, or arrays (.npy, H x W x 3, RGB, 0 to 1)."),
    ] = None,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the results; made if missing.", file_okay=False)
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="RUN/MODEL",
            help="A model of a run, such as quickstart/ibcln2020.",
            autocompletion=run_models,
        ),
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
        typer.Option(
            "--check",
            metavar="FILE",
            help="Run nothing: say which operations of a network are exact; ends with 1 where one is not.",
        ),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Take each picture at once, as a reference.")] = False,
    tile: Annotated[
        int | None,
        typer.Option("--tile", min=64, help="Blend overlapping tiles of this size instead: an approximate result."),
    ] = None,
    input_name: Annotated[str | None, typer.Option("--input", help="The file's name of its input.", **_OF_FILE)] = None,
    output_name: Annotated[
        str | None, typer.Option("--output", help="Of its output without the reflection.", **_OF_FILE)
    ] = None,
    value_range: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="LOW,HIGH", help="Its black and white, such as 0,255; or: imagenet.", **_OF_FILE
        ),
    ] = None,
    output_range: Annotated[
        str | None,
        typer.Option("--output-range", metavar="LOW,HIGH", help="Those of its answer, where they differ.", **_OF_FILE),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            "--channels",
            metavar="rgb|bgr|each",
            help="Order of its channels; 'each': it takes one, and each colour goes through it alone.",
            **_OF_FILE,
        ),
    ] = None,
    further_channels: Annotated[
        str | None,
        typer.Option(
            "--further-channels",
            metavar="NUMBER,...",
            help="What channels behind the picture's hold everywhere, such as a noise level.",
            **_OF_FILE,
        ),
    ] = None,
    multiple_of: Annotated[
        int | None, typer.Option("--multiple-of", help="What height and width are padded to.", **_OF_FILE)
    ] = None,
    residual: Annotated[
        str | None,
        typer.Option(
            "--residual",
            metavar="subtract|add",
            help="Its answer is subtracted from the picture, or added to it.",
            **_OF_FILE,
        ),
    ] = None,
    free_size: Annotated[
        bool, typer.Option("--free-size", help="The one size that it names is an example's.", **_OF_FILE)
    ] = False,
    json: JsonOption = False,
    threads: ThreadsOption = None,
    engine: EngineOption = None,
    walls: WallsOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take pictures through a network; each result has its picture's name and size.

    The result is that of the whole picture, tile by tile in the memory there is.

    Examples:
        sirr-orch infer photo.jpg --model quickstart/errnet2019 --out results
        sirr-orch infer photo.npy --onnx network.onnx --arrays --out results
        sirr-orch infer photo.jpg --onnx theirs.onnx --range 0,255 --channels bgr --multiple-of 8 --out results
        sirr-orch infer photo.jpg --model quickstart/ibcln2020 --explain --memory 2GiB
        sirr-orch infer --check network.onnx
    """
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.inference import print_plan  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.explain import check_network, plan_of_photos  # noqa: PLC0415
    from orchestrator.execute.onnx_file import declared_network  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.removal import Removal  # noqa: PLC0415
    from orchestrator.execute.remove import remove_reflections  # noqa: PLC0415

    _refuse_contradictions(photos, out_folder, model, onnx, check, explain=explain, tiled=whole and tile is not None)
    said = {
        "input": input_name,
        "output": output_name,
        "range": _range("--range", value_range),
        "output_range": _range("--output-range", output_range),
        "channels": channels,
        "further_channels": _numbers("--further-channels", "0.1 or 0.1,1", further_channels),
        "multiple_of": multiple_of,
        "residual": residual,
        "free_size": free_size or None,
    }
    file = onnx or check
    if file is None and any(value is not None for value in said.values()):
        raise typer.BadParameter("what is said of a network's file needs --onnx or --check")
    removal = Removal(
        tuple(photos or ()),
        model,
        out_folder or Path(),
        store,
        engine or "auto",
        tile,
        reflection=True,
        onnx=onnx,
        declared=None if file is None else declared_network(file, said),
        arrays=arrays,
        whole=whole,
        memory_bytes=memory_bytes(memory),
        threads=threads,
        overwrite=overwrite,
        library=known_library(()),
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


def _range(option: str, text: str | None) -> object:
    """Return a range of values as an experiment has it; other names than imagenet's are refused."""
    example = "0,255 or -1,1, or imagenet"
    if text == "imagenet" or text is None:
        return text
    numbers = _numbers(option, example, text)
    if len(numbers or ()) != 2:
        raise typer.BadParameter(f"{text!r} is not LOW,HIGH: write such as {example}", param_hint=option)
    return numbers


def _numbers(option: str, example: str, text: str | None) -> list[float] | None:
    """Return numbers with commas between.

    Raises:
        BadParameter: Where there are others than numbers, or none.
    """
    if text is None:
        return None
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        words = f"{text!r} is not numbers with commas between: write such as {example}"
        raise typer.BadParameter(words, param_hint=option) from None


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
