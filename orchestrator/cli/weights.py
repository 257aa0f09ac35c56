"""sirr-orch weights: which released weights are known, which are there, where to put them."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.cli.options import JsonOption, PluginsOption

app = typer.Typer(
    cls=HelpedGroup,
    help="Show released weights: which are known, which are there, where to put them.",
    no_args_is_help=True,
)


@app.command("list", cls=HelpedCommand)
def list_weights(json: JsonOption = False, plugins: PluginsOption = None) -> None:
    """Show the released files: what each is for, where its authors publish it, whether it is there.

    Example:
        sirr-orch weights list
    """
    _shown(plugins, verify=False, json=json)


@app.command("check", cls=HelpedCommand)
def check_weights(json: JsonOption = False, plugins: PluginsOption = None) -> None:
    """Compare the files that are there with what their publishers state. Ends with 1 where one is damaged.

    Example:
        sirr-orch weights check
    """
    if _shown(plugins, verify=True, json=json):
        raise typer.Exit(1)


@app.command("path", cls=HelpedCommand)
def path_of_weights(
    name: Annotated[str | None, typer.Argument(help="A file's name. Default: the folder itself.")] = None,
    plugins: PluginsOption = None,
) -> None:
    """Print where a file is looked for; it need not be there.

    Example:
        curl -o "$(sirr-orch weights path vgg19-dcbb9e9d.pth)" ADDRESS
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.errors import SpecError  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.spec.weights import FEATURES_VARIABLE, weights_folder  # noqa: PLC0415

    folder = weights_folder()
    if folder is None:
        raise SpecError(f"{FEATURES_VARIABLE} is not set", hint=f"set {FEATURES_VARIABLE} to a folder of your choice")
    known = [file.name for file in known_library(plugins or ()).released_files]
    if name is not None and name not in known:
        raise SpecError(f"there is no released file {name!r}; there are {', '.join(known)}", hint="choose one of them")
    out.print(str(folder if name is None else folder / name))


def _shown(plugins: list[Path] | None, *, verify: bool, json: bool) -> bool:
    """Print every file with its state; return whether one is damaged."""
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.table import print_weights  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.spec.weights import presence, weights_folder  # noqa: PLC0415

    found = presence(known_library(plugins or ()).released_files, weights_folder(), verify=verify)
    if json:
        rows = [{**one.file.model_dump(mode="json"), "state": one.state, "remedy": one.remedy} for one in found]
        out.print_json(data=rows)
    else:
        print_weights(found, out)
    return any(one.state == "damaged" for one in found)
