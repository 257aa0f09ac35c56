"""sirr-orch store: look after a store."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.complete import run_names
from orchestrator.cli.help import HelpedCommand, HelpedGroup
from orchestrator.cli.options import DEFAULT_STORE, DataOption, JsonOption, StoreOption

if TYPE_CHECKING:
    from orchestrator.store.check import Progress

app = typer.Typer(
    cls=HelpedGroup, help="Look after a store: check it, see what fills it, clean it, pack runs.", no_args_is_help=True
)


@app.command("check", cls=HelpedCommand)
def check(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...", help="Runs whose results are looked at. Default: all.", autocompletion=run_names
        ),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set damaged results aside, so that the next run makes them again.")
    ] = False,
    json: JsonOption = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Read every result and compare it with its manifest. Exit code 0: all is sound, or was set aside; 9: it is not.

    Examples:
        sirr-orch store check
        sirr-orch store check quickstart --repair
    """
    # Imported here, as below: --help must not wait for pydantic.
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.store_table import check_rows, print_check  # noqa: PLC0415
    from orchestrator.errors import StoreError  # noqa: PLC0415
    from orchestrator.execute import store_care  # noqa: PLC0415

    with _bar("reading") as progress:
        found = store_care.check(store, runs or [], progress, repair=repair)
    if json:
        out.print_json(data=check_rows(found))
    else:
        print_check(found, out)
    if not found.sound:
        raise typer.Exit(StoreError.exit_code)


@app.command("usage", cls=HelpedCommand)
def usage(json: JsonOption = False, store: StoreOption = DEFAULT_STORE) -> None:
    """Show what fills the store: by run, kind of stage and dataset, in bytes on disk.

    Examples:
        sirr-orch store usage
        sirr-orch store usage --json
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.store_table import print_usage, usage_rows  # noqa: PLC0415
    from orchestrator.execute import store_care  # noqa: PLC0415

    found = store_care.usage(store)
    if json:
        out.print_json(data=usage_rows(found))
    else:
        print_usage(found, out)


@app.command("clean", cls=HelpedCommand)
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would go, and remove nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Remove what no run needs and no program uses: results, what was left behind, old environments.

    What it removes is shown first. Remove runs that are not wanted any more with: sirr-orch runs remove NAME.

    Examples:
        sirr-orch store clean --dry-run
        sirr-orch store clean --yes
    """
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.store_table import print_cleaned, print_removables  # noqa: PLC0415
    from orchestrator.execute import store_care  # noqa: PLC0415

    forgotten = 0 if dry_run else store_care.forget_ended_jobs(store)
    if forgotten:
        out.print(f"{forgotten} ended programs of killed runs were forgotten, with their containers")
    listed = store_care.cleanable(store)
    print_removables(listed, out)
    if dry_run or not listed:
        return
    if not yes and not typer.confirm("remove all of this?", err=True):
        err.print("nothing was removed")
        raise typer.Exit(1)
    said: list[str] = []

    def waiting() -> None:
        if not said:
            said.append("waiting for another cleaning")
            err.print(said[0])

    print_cleaned(store_care.cleaned(store, listed, waiting), out)


@app.command("pack", cls=HelpedCommand)
def pack(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN... FILE",
            help="Runs, or revisions such as quickstart@2; last, the file to write.",
            autocompletion=run_names,
        ),
    ],
    with_environments: Annotated[
        bool, typer.Option("--with-environments", help="Add the local environments that the runs need.")
    ] = False,
    with_images: Annotated[
        bool, typer.Option("--with-images", help="Add the Docker images that the runs need.")
    ] = False,
    with_data: Annotated[bool, typer.Option("--with-data", help="Add the prepared datasets of the runs.")] = False,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write runs into one file: their records, results, logs, and what stopped stages go on from.

    It is a tar file whose first member lists the others with their SHA-256.

    Examples:
        sirr-orch store pack quickstart quickstart.tar
        sirr-orch store pack first second@1 both.tar --with-environments
    """
    from orchestrator.cli.console import out  # noqa: PLC0415
    from orchestrator.cli.store_table import print_pack  # noqa: PLC0415
    from orchestrator.execute import packing  # noqa: PLC0415

    if len(arguments) < 2:
        raise typer.BadParameter("name at least one run, and last the file to write", param_hint="RUN... FILE")
    target = Path(arguments[-1])
    wanted = packing.Wanted(with_environments, with_images, with_data, data)
    with _bar("packing") as progress:
        index = packing.pack(store, arguments[:-1], target, wanted, progress)
    print_pack(index, target, out)


@app.command("unpack", cls=HelpedCommand)
def unpack(
    file: Annotated[Path, typer.Argument(help="A file that sirr-orch store pack has written.")],
    named: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Another name for the pack's run.")] = None,
    data: DataOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Take runs out of a file into the store. All of it is verified before any of it can be seen.

    Results that the store has already stay. A run of the same name is refused.

    Examples:
        sirr-orch store unpack quickstart.tar
        sirr-orch store unpack quickstart.tar --as theirs
    """
    from orchestrator.cli.console import err, out  # noqa: PLC0415
    from orchestrator.cli.store_table import print_unpacked  # noqa: PLC0415
    from orchestrator.execute import packing  # noqa: PLC0415

    _check_name(named)
    with _bar("unpacking") as progress:
        done = packing.unpack(store, file, named, data, progress, err.print)
    print_unpacked(done, out)


def _check_name(name: str | None) -> None:
    import re  # noqa: PLC0415

    from orchestrator.spec.base import NAME_PATTERN  # noqa: PLC0415

    if name is not None and not re.fullmatch(NAME_PATTERN, name):
        raise typer.BadParameter(f"{name!r} is no name: small letters, digits, '.', '_', '-'", param_hint="--as")


@contextlib.contextmanager
def _bar(what: str) -> Iterator["Progress"]:
    """Yield what shows how many bytes are done, on a terminal."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415

    from orchestrator.cli.console import err  # noqa: PLC0415

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
