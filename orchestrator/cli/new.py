"""sirr-orch new: write a spec from what lies in folders."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.cli.complete import datasets, models_and_programs
from orchestrator.cli.options import DataOption, PluginsOption

if TYPE_CHECKING:
    from orchestrator.execute.spec_draft import Wanted
    from orchestrator.execute.spec_new import WrittenSpec
    from orchestrator.spec.library import Library


def new(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Folders to look through, and files of networks. Default: the working folder, unless options name "
            "pictures or datasets.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The spec to write.")] = Path("spec.yaml"),
    name: Annotated[str | None, typer.Option("--name", help="Of the comparison. Default: the folder's name.")] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            autocompletion=models_and_programs,
            help="A network to train in minutes, or a program that takes part; once for each. Default: what was found, "
            "and a program that is not trained; where no network was found, one that is trained.",
        ),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(
            "--test",
            metavar="DATASET",
            autocompletion=datasets,
            help="A dataset that sirr-orch data list shows, to compare on too.",
        ),
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option("--photos", metavar="FOLDER", help="A folder of photographs without truth."),
    ] = None,
    predictions: Annotated[
        list[Path] | None,
        typer.Option("--predictions", metavar="PATH", help="A folder or zip file of another program's answers."),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="MODEL=PATH", help="A released checkpoint whose name does not tell it."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    plugins: PluginsOption = None,
    data: DataOption = None,
) -> None:
    """Write a spec from what lies in a folder: pairs, photographs, checkpoints, ONNX files, other programs' answers.

    It says what it took for what, what it left out and why. Nothing is run, no picture is opened, and the spec can be
    planned as it is. Trainings in it end in minutes; the published values stand beside theirs.

    Examples:
        sirr-orch new my-pictures
        sirr-orch new pairs results/theirs nets/mine.onnx --out mine.yaml
        sirr-orch new --test skimage-test --model errnet2019
    """
    # Imported here: --help must not wait for pydantic.
    from orchestrator.cli.console import out as console  # noqa: PLC0415
    from orchestrator.execute.plugins import known_library  # noqa: PLC0415
    from orchestrator.execute.spec_draft import Wanted  # noqa: PLC0415
    from orchestrator.execute.spec_new import SpecOrder, new_spec  # noqa: PLC0415

    named = bool(test or photos or predictions or checkpoint)
    order = SpecOrder(
        out,
        tuple(paths or ([] if named else [Path()])),
        name,
        Wanted(tuple(model or ()), tuple(test or ())),
        tuple(photos or ()),
        tuple(predictions or ()),
        tuple(map(_checkpoint, checkpoint or ())),
        tuple(plugins or ()),
        force,
        data,
        known_library(()),
    )
    written = new_spec(order, _asked if _on_terminal() else None)
    for line in _told(written):
        console.print(line)


def _on_terminal() -> bool:
    return sys.stdin.isatty()


def _checkpoint(text: str) -> tuple[str, Path]:
    model, equals, path = text.partition("=")
    if not equals or not model or not path:
        raise typer.BadParameter(f"{text!r} is no MODEL=PATH, such as errnet2019=weights.pt", param_hint="--checkpoint")
    return model, Path(path)


def _asked(library: "Library") -> "Wanted":
    """Ask a person what to compare, where nothing was found."""
    from orchestrator.execute.spec_draft import BUILT_IN_TEST, Wanted  # noqa: PLC0415

    typer.echo(
        "nothing was found here; what is built in can be compared. Enter takes what stands in brackets.", err=True
    )
    test = typer.prompt("test dataset", default=BUILT_IN_TEST, err=True)
    typer.echo(f"there are {', '.join((*library.model_names, *library.program_names))}", err=True)
    models = typer.prompt("models, with spaces between", default="the usual ones", err=True)
    return Wanted(() if models == "the usual ones" else tuple(models.replace(",", " ").split()), (test,))


def _told(written: "WrittenSpec") -> list[str]:
    """Return what was written and of what, in lines."""
    draft, findings = written.draft, written.findings
    taken = [(one.name, f"{one.words}, in {_short(one.folder)}") for one in draft.sets]
    taken += [(one.name, f"{one.words}: {_short(one.path)}") for one in draft.entrants]
    taken += [(one.name, "trained in minutes, a trial") for one in draft.trained]
    taken += [(name, "a program that is not trained") for name in draft.programs]
    found = {one.name for one in draft.sets}
    taken += [(name, "a known dataset") for name in draft.tests if name not in found]
    width = max(len(name) for name, _ in taken)
    lines = [f"written: {written.path}", "took:", *(f"  {name:<{width}}  {words}" for name, words in taken)]
    if findings.left_out:
        lines += ["left out:", *(f"  {_short(Path(one.what))}: {one.why}" for one in findings.left_out)]
    file = shlex.quote(str(written.path))
    return [*lines, "next:", f"  sirr-orch plan {file}", f"  sirr-orch run {file} --build"]


def _short(path: Path) -> str:
    """Return a path as it is shortest from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
