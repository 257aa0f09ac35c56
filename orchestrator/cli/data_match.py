"""sirr-orch data match: which files of predictions are taken for which pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.options import DEFAULT_STORE, DataOption, EngineOption, JsonOption, PluginsOption, StoreOption

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.execute.predictions import MatchedSet


def match(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", dir_okay=False)],
    build: Annotated[bool, typer.Option("--build", help="Build the images that are missing first.")] = False,
    engine: EngineOption = None,
    json: JsonOption = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Show which pictures of an experiment's predictions are taken as answers to what, before anything is scored.

    Ends with 13 where a picture has no answer that can be used, or where answers are the input or the truth itself.

    Example:
        sirr-orch data match mine.yaml
    """
    # Imported here: --help must not wait for the engine.
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.progress import live_listener  # noqa: PLC0415
    from orchestrator.execute.build import build_settings  # noqa: PLC0415
    from orchestrator.execute.command import RunRequest  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.predictions import matched_predictions  # noqa: PLC0415
    from orchestrator.execute.run_stages import ExecutionRequest  # noqa: PLC0415

    request = RunRequest(
        spec, store, (), engine, build, build_settings((), ()), data, library=known_library(plugins or ())
    )
    with live_listener(err, verbose=False) as listener:
        found = matched_predictions(request, ExecutionRequest(store, engine or "auto", listener, err.print, build))
    if json:
        out.print_json(data=[one.document() for one in found])
    else:
        for one in found:
            _show(one, out)
    if not all(one.complete for one in found):
        raise typer.Exit(13)


def _show(one: "MatchedSet", console: "Console") -> None:
    document = one.document()
    if "error" in document:
        console.print(f"{one.entrant} on {one.dataset}: nothing can be taken", style="red")
        console.print(f"  {document['error']}" + (f"\n  hint: {document['hint']}" if document["hint"] else ""))
        return
    console.print(
        f"{one.entrant} on {one.dataset}: {len(document['answers'])} of {one.pictures} pictures have an answer"
    )
    for identifier, reason in document["failed"].items():
        console.print(f"  {identifier} {reason}", style="yellow")
    for control, ids in document["copies"].items():
        console.print(f"  the same as the control {control!r}: {', '.join(ids)}", style="yellow")
    for note in document["notes"]:
        console.print(f"  {note}")
