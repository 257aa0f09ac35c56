"""sirr-orch data: get, prepare and check datasets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.complete import datasets
from orchestrator.cli.data_match import match
from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.cli.options import DataOption, JsonOption, PluginsOption

if TYPE_CHECKING:
    from orchestrator.execute.data import Reporter

app = typer.Typer(
    cls=HelpedGroup, help="Get, prepare and check datasets, published ones and your own.", no_args_is_help=True
)

app.command("match", cls=HelpedCommand)(match)

ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Replace the prepared dataset that has this name already. Default: refuse.")
]
NameArgument = Annotated[
    str, typer.Argument(help="Name of a dataset, as sirr-orch data list shows it.", autocompletion=datasets)
]


@app.command("list", cls=HelpedCommand)
def list_sets(json: JsonOption = False, plugins: PluginsOption = None, data: DataOption = None) -> None:
    """Show every dataset: what it is for, how many scenes it has, what there is of it, and what to do next.

    Examples:
        sirr-orch data list
        sirr-orch data list --json
    """
    # Imported here, as below: --help must not wait for pydantic and numpy.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.data_table import print_sets, set_rows  # noqa: PLC0415
    from orchestrator.execute.data import known_sets  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    found = known_sets(data, known_library(plugins or ()))
    if json:
        out.print_json(data=set_rows(found))
    else:
        print_sets(found, out)


@app.command("fetch", cls=HelpedCommand)
def fetch(name: NameArgument, plugins: PluginsOption = None, data: DataOption = None) -> None:
    """Download what has a direct address, and say what must be downloaded by hand and where to put it.

    A download that broke off goes on where it was. Sizes and checksums are compared with the published ones.

    Example:
        sirr-orch data fetch voc2012
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.data import fetch_set  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    library = known_library(plugins or ())
    with _reporter() as reporter:
        by_hand = fetch_set(name, reporter, data, library)
    for step in by_hand:
        out.print(f"by hand: {step}")
    out.print(f"then: sirr-orch data prepare {name}")


@app.command("prepare", cls=HelpedCommand)
def prepare(
    name: NameArgument,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="PATH", help="Raw folder or archive. Default: the data folder's raw/NAME."),
    ] = None,
    names_list: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Published list of what is used. Default: beside the raw files."),
    ] = None,
    called: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Another name, to keep two forms of one dataset side by side."),
    ] = None,
    replace: ReplaceOption = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
) -> None:
    """Turn raw files in any known layout into a uniform dataset, name the form that was found, and check it.

    Pixels of published sets are never changed: JPEG pictures are decoded once and kept without loss.

    Examples:
        sirr-orch data prepare ceilnet-table2 --from CEILNet
        sirr-orch data prepare sir2-wild --from SIR2.zip
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.data import PrepareRequest, prepare_set  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    _check_name(called, "--as")
    library = known_library(plugins or ())
    request = PrepareRequest(name, source, names_list, called, replace=replace, home=data, library=library)
    with _reporter() as reporter:
        variant = prepare_set(request, reporter)
    out.print(f"{called or name}: {variant.text}")
    _show_findings(called or name, data, json=False)


@app.command("check", cls=HelpedCommand)
def check(name: NameArgument, json: JsonOption = False, data: DataOption = None) -> None:
    """Look for what is odd: sizes, modes, moved pairs, foreign truths, equal layers, black reflections, duplicates.

    Ends with 10 where files are not as they were prepared, or truths are not those of their pictures.

    Examples:
        sirr-orch data check sir2-postcard
        sirr-orch data check sir2-postcard --json
    """
    if _show_findings(name, data, json=json):
        raise typer.Exit(10)


@app.command("add", cls=HelpedCommand)
def add(
    path: Annotated[Path, typer.Argument(help="Folder or archive of your own pictures.")],
    name: Annotated[
        str | None, typer.Option("--name", help="How experiments name the dataset. Default: the folder's name.")
    ] = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="The pictures are clean photographs to blend, and no pairs.")
    ] = False,
    title: Annotated[str, typer.Option("--title", help="What the report calls it. Default: the name.")] = "",
    replace: ReplaceOption = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
) -> None:
    """Prepare pairs of your own, in folders blended/ and transmission/ or in one folder with tags, for use by name.

    Examples:
        sirr-orch data add office
        sirr-orch data add photos --layers --name my-photos
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.execute.data import add_set  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    chosen = name or path.resolve().name.partition(".")[0].lower()
    _check_name(chosen, "--name")
    library = known_library(plugins or ())
    with _reporter() as reporter:
        variant = add_set(
            path, chosen, reporter, layers=layers, title=title, replace=replace, home=data, library=library
        )
    out.print(f"{chosen}: {variant.text}")
    _show_findings(chosen, data, json=False)


def _show_findings(name: str, data: Path | None, *, json: bool) -> bool:
    """Print what is odd about a dataset; return whether something is wrong."""
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.data_table import finding_rows, print_findings  # noqa: PLC0415
    from orchestrator.execute.data import check_set  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415

    with _reporter() as reporter:
        findings = check_set(name, reporter.pictures, data, known_library(()))
    if json:
        out.print_json(data=finding_rows(findings))
    else:
        print_findings(findings, out)
    return any(finding.severity == "error" for finding in findings)


def _check_name(name: str | None, option: str) -> None:
    """Refuse a name that is no safe folder.

    Raises:
        BadParameter: Where it is none.
    """
    import re  # noqa: PLC0415

    from orchestrator.spec.base import NAME_PATTERN  # noqa: PLC0415

    if name is not None and not re.fullmatch(NAME_PATTERN, name):
        raise typer.BadParameter(f"{name!r} is no name: small letters, digits, '.', '_', '-'", param_hint=option)


@contextmanager
def _reporter() -> Iterator["Reporter"]:
    """Show how a command goes: bars on a terminal, sentences elsewhere."""
    from orchestrator.cli.data_table import bars  # noqa: PLC0415

    with bars() as reporter:
        yield reporter
