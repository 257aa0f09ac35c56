"""Writes an experiment's file from what lies in folders, and sees that it can be planned."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES
from orchestrator.delivery import Delivery
from orchestrator.errors import ResultExists, SpecError
from orchestrator.execute.found import Findings, FoundEntrant, name_of
from orchestrator.execute.found_networks import find_checkpoint, find_networks
from orchestrator.execute.found_pictures import (
    Scan,
    answered_part,
    find_photographs,
    find_predictions,
    find_sets,
    scanned,
)
from orchestrator.execute.spec_draft import Draft, Wanted, drafted
from orchestrator.execute.spec_text import spec_text
from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.checkpoint import WHOLE, checkpoint_files
from orchestrator.spec.checks import known_datasets
from orchestrator.spec.library import Library, built_in, plugins_of_experiment
from orchestrator.spec.load import load_experiment
from orchestrator.spec.prepared import INDEX, data_home
from orchestrator.spec.problems import listed, suggestion
from orchestrator.spec.resolve import resolve


@dataclass(frozen=True)
class SpecOrder:
    """What `sirr-orch new` was asked for.

    Attributes:
        paths: Folders to look through, and files of networks.
        name: Of the experiment; None: the folder's.
        photos: Folders that are photographs, whatever they look like.
        predictions: Folders or zip files that are answers of other programs.
        checkpoints: Models with the paths of their checkpoints.
        force: Replace a file that is there.
        home: The data folder.
        library: What can be named without the plug-ins.
    """

    out: Path
    paths: tuple[Path, ...] = ()
    name: str | None = None
    wanted: Wanted = field(default_factory=Wanted)
    photos: tuple[Path, ...] = ()
    predictions: tuple[Path, ...] = ()
    checkpoints: tuple[tuple[str, Path], ...] = ()
    plugins: tuple[Path, ...] = ()
    force: bool = False
    home: Path | None = None
    library: Library = field(default_factory=built_in)


@dataclass(frozen=True)
class WrittenSpec:
    """A file that was written.

    Attributes:
        findings: What was found, and what of it was left out.
    """

    path: Path
    draft: Draft
    findings: Findings


Answers = Callable[[Library], Wanted]
"""Asks a person what to compare, where nothing was found."""


def new_spec(order: SpecOrder, ask: Answers | None = None) -> WrittenSpec:
    """Write an experiment that `sirr-orch plan` accepts.

    Args:
        ask: None where there is nobody to ask.

    Raises:
        SpecError: Where nothing was found, a path is not there, or a name is unknown; nothing is written then.
        ResultExists: Where the file is there and not to be replaced.
        NoSpace: Where the disk is full.
    """
    _refuse_existing(order)
    plugins = plugins_of_experiment(order.plugins, Path("spec.yaml"))
    library = order.library.extended(plugins)
    findings, wanted = _found(order, library), order.wanted
    nothing = not (findings.sets or findings.entrants or wanted.models or wanted.tests)
    if nothing:
        if ask is None:
            raise _nothing(order, findings)
        wanted = ask(library)
    _check_tests(wanted.tests, library, order.home)
    folders = [plugin.folder for plugin in plugins]
    draft = drafted(_name(order), findings, wanted, library, folders)
    return WrittenSpec(_written(order, spec_text(draft, order.out)), draft, findings)


def _refuse_existing(order: SpecOrder) -> None:
    if order.out.suffix.lower() not in {".yaml", ".yml"}:
        hint = "give it the ending .yaml, which no picture and no network has"
        raise SpecError(f"'{order.out}' is no name of a spec", hint=hint)
    if os.path.lexists(order.out) and not (order.force and order.out.is_file()):
        hint = "name another file with --out" + (", or have it replaced with --force" if order.out.is_file() else "")
        raise ResultExists(f"'{order.out}' is there already", hint=hint)


def _found(order: SpecOrder, library: Library) -> Findings:
    findings = Findings(taken={*known_datasets({}, library, order.home), *library.model_names, *library.program_names})
    files, scans = list[Path](), list[Scan]()
    for given in order.paths:
        path = _absolute(given)
        if path.is_dir():
            scans.append(scanned(path, data_home(order.home)))
        else:
            files.append(path)
    photos = [scanned(_folder(path, "--photos"), data_home(order.home)) for path in order.photos]
    named = {_absolute(path) for path in (*order.photos, *order.predictions, *(path for _, path in order.checkpoints))}
    for scan in scans:
        _without(scan, named)
        find_sets(scan, findings, library)
    for scan in scans:
        find_predictions(scan, findings)
    for scan in scans:
        find_photographs(scan, findings)
    for scan in photos:
        find_photographs(scan, findings, asked=True)
    for path in order.predictions:
        _find_given_predictions(_absolute(path), findings, order.home)
    for model, path in order.checkpoints:
        library.model(model)
        find_checkpoint(_absolute(path), model, findings, library)
    find_networks([*files, *(path for scan in scans for path in scan.others)], findings, library)
    _say_of_files(files, [scan.root for scan in scans], findings)
    return findings


def _say_of_files(files: Sequence[Path], folders: Sequence[Path], findings: Findings) -> None:
    """Say of files that were named why nothing was made of them; a dataset's, in a folder, are said with that."""
    made = {file for one in findings.entrants for file in (one.path, *checkpoint_files(one.path).values())}
    said = {one.what for one in findings.left_out}
    for file in dict.fromkeys(files):
        if file in made or said & {str(file), ascii(str(file)), str(checkpoint_files(file)[WHOLE])}:
            continue
        picture = file.suffix.lower() in SUFFIXES | FOREIGN_SUFFIXES
        if (picture or file.name == INDEX) and any(file.is_relative_to(folder) for folder in folders):
            continue
        findings.leave_out(file, "a picture: name its folder" if picture else "no network, as its name says")


def _without(scan: Scan, named: set[Path]) -> None:
    """Take what an option names out of what is looked through."""
    inside = [path.relative_to(scan.root) for path in named if path.is_relative_to(scan.root) and path != scan.root]
    scan.pictures = {one for one in scan.pictures if not any(Path(one).is_relative_to(path) for path in inside)}
    scan.others = tuple(one for one in scan.others if not any(one.is_relative_to(path) for path in named))


def _find_given_predictions(path: Path, findings: Findings, home: Path | None) -> None:
    """Add predictions that were named as such, as the answers to whatever datasets they have the names of."""
    answers: dict[str, str] = {}
    if path.is_dir():
        scan = scanned(path, data_home(home))
        for one in findings.sets:
            own = {name for name in (one.name, one.folder.name) if (path / name).is_dir()}
            folder = min(own, default=".")
            files = [file.relative_to(folder) for file in scan.pictures if file.is_relative_to(folder)]
            part, _ = answered_part(sorted(files), one)
            answers |= {one.name: folder} if part else {}
        if findings.sets and not answers:
            words = f"none of its pictures is called as one of {listed(one.name for one in findings.sets)}"
            findings.leave_out(path, f"{words}: see sirr-orch data match, and 'pictures' and 'sets' in a spec")
            return
    name, title = findings.name(path.with_suffix("") if path.is_file() else path, "predictions")
    words = f"another program's answers to {listed(answers) if answers else 'the test datasets'}"
    findings.entrants.append(FoundEntrant(name, title, "predictions", path, words, answers=answers))


def _absolute(path: Path) -> Path:
    """Return a path as it is, absolute.

    Raises:
        SpecError: Where nothing is there.
    """
    found = Path(os.path.normpath(path.expanduser().absolute()))
    if not found.exists():
        raise SpecError(f"there is no file or folder '{path}'", hint="correct the path")
    return found


def _folder(path: Path, option: str) -> Path:
    found = _absolute(path)
    if not found.is_dir():
        raise SpecError(f"'{path}' is no folder", hint=f"name the folder of the pictures with {option}")
    return found


def _nothing(order: SpecOrder, findings: Findings) -> SpecError:
    where = ", ".join(f"'{path}'" for path in order.paths)
    left = "; ".join(f"{one.what}: {one.why}" for one in findings.left_out)
    words = f"nothing to compare on or with was found in {where}" if where else "nothing to compare was named"
    hint = "name a folder with pairs, photographs or networks, or what is known: --test DATASET, --model MODEL"
    return SpecError(words, where=left or None, hint=hint)


def _check_tests(names: Sequence[str], library: Library, home: Path | None) -> None:
    known = known_datasets({}, library, home)
    for name in names:
        if name not in known:
            close = suggestion(name, known) or f"; there are {listed(known)}"
            raise SpecError(f"there is no dataset {name!r}{close}", hint="correct --test")


def _name(order: SpecOrder) -> str:
    if order.name is not None:
        if not re.fullmatch(NAME_PATTERN, order.name):
            words = "lower case letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit"
            raise SpecError(f"{order.name!r} is no name: {words}", hint="choose another --name")
        return order.name
    places = (*order.paths, *order.photos, *order.predictions)
    return (name_of(places[0].absolute().resolve().stem) if places else "") or "comparison"


def _written(order: SpecOrder, text: str) -> Path:
    """Write the file, once a plan of it has been seen to be possible.

    Raises:
        SpecError: Where it is not, in the words of who drafted it: nobody has seen the file.
    """
    delivery = Delivery(order.out.absolute().parent, overwrite=order.force)
    delivery.prepare()
    trial = order.out.absolute().with_name(f".{order.out.name}.{os.getpid()}.yaml")
    try:
        trial.write_text(text, encoding="utf-8")
        resolve(load_experiment(trial, order.home, order.library), trial, order.home, order.library)
    except SpecError as error:
        raise _misdrafted(order, error, trial) from error
    finally:
        trial.unlink(missing_ok=True)
    delivery.write(text.encode(), order.out.name)
    return order.out


def _misdrafted(order: SpecOrder, error: SpecError, trial: Path) -> SpecError:
    """Return the error of a draft, without the name of the trial's file, which is gone when it is read."""
    words, where = (text.replace(str(trial), str(order.out)) for text in (error.message, error.where or ""))
    hint = "name other things or less; where that does not help it is a fault of sirr-orch new: report it as one"
    return SpecError(
        f"'{order.out}' was not written, as what was drafted cannot be planned: {words}", where=where or None, hint=hint
    )
