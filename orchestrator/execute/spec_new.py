"""Writes an experiment's file from what lies in folders, and sees that it can be planned."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, SUFFIXES
from orchestrator.delivery import Delivery
from orchestrator.errors import ResultExists, SpecError
from orchestrator.execute.found import Findings, name_of
from orchestrator.execute.found_networks import find_checkpoint, find_networks
from orchestrator.execute.found_pictures import find_photographs, find_sets
from orchestrator.execute.found_predictions import find_given_predictions, find_predictions
from orchestrator.execute.looked_through import Scan, keep_apart, leave, named_once, scanned
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
    given = named_once(map(_absolute, order.paths))
    files, folders = [path for path in given if not path.is_dir()], [path for path in given if path.is_dir()]
    photographs = named_once(_folder(path, "--photos") for path in order.photos)
    predictions = named_once(map(_absolute, order.predictions))
    checkpoints = _checkpoints(order, library)
    scans, photos = _scans(folders, order.home), _scans(photographs, order.home)
    for scan in scans:
        leave(scan, (*photographs, *(path for parts in checkpoints for path in parts)))
    for scan in (*scans, *photos):
        leave(scan, (path for path in predictions if not scan.root.resolve().is_relative_to(path.resolve())))
    for scan in scans:
        find_sets(scan, findings, library)
        leave(scan, predictions)
    for scan in scans:
        find_predictions(scan, findings)
    for scan in scans:
        find_photographs(scan, findings)
    for scan in photos:
        find_photographs(scan, findings, asked=True)
    find_given_predictions(predictions, findings, data_home(order.home))
    for parts, model in checkpoints.items():
        find_checkpoint(parts[0], model, findings, library)
    others = [path for scan in scans for path in scan.others]
    known = {path.resolve() for path in (*others, *(path for parts in checkpoints for path in parts))}
    find_networks([*others, *(file for file in files if file.resolve() not in known)], findings, library)
    _say_of_files(files, [scan.root for scan in scans], findings)
    return findings


def _checkpoints(order: SpecOrder, library: Library) -> dict[tuple[Path, ...], str]:
    """Return the checkpoints that were named as such, each as the paths of its parts, the first meaning all, and whose.

    Raises:
        SpecError: Where one is not there or of no known model, or is said to be of two.
    """
    found: dict[Path, tuple[tuple[Path, ...], str]] = {}
    for model, given in order.checkpoints:
        library.model(model)
        parts = checkpoint_files(_absolute(given))
        _, other = found.setdefault(parts[WHOLE].resolve(), ((parts[WHOLE], *parts.values()), model))
        if other != model:
            words = f"'{given}' is said to be a checkpoint of {other} and of {model}"
            raise SpecError(words, hint="name it once with --checkpoint, for the model that it is of")
    return dict(found.values())


def _scans(folders: Sequence[Path], home: Path | None) -> list[Scan]:
    """Return folders looked through, with each file in one of them alone."""
    scans = [scanned(folder, data_home(home)) for folder in folders]
    keep_apart(scans)
    return scans


def _say_of_files(files: Sequence[Path], folders: Sequence[Path], findings: Findings) -> None:
    """Say of files that were named why nothing was made of them; a dataset's, in a folder, are said with that."""
    made = {file.resolve() for one in findings.entrants for file in (one.path, *checkpoint_files(one.path).values())}
    said = {one.what for one in findings.left_out}
    for file in files:
        if file.resolve() in made or said & {str(file), ascii(str(file)), str(checkpoint_files(file)[WHOLE])}:
            continue
        picture = file.suffix.lower() in SUFFIXES | FOREIGN_SUFFIXES
        if (picture or file.name == INDEX) and any(file.is_relative_to(folder) for folder in folders):
            continue
        findings.leave_out(file, "a picture: name its folder" if picture else "no network, as its name says")


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
