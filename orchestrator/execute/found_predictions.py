"""Other programs' predictions among the pictures of folders, and which dataset each of them answers."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath

from orchestrator.datasets.prediction_matching import Asked, matched_by_name
from orchestrator.execute.found import Findings, FoundEntrant, FoundSet, name_of, sayable
from orchestrator.execute.looked_through import Scan, scanned
from orchestrator.spec.problems import listed
from stagekit import BadInput

_PART = 0.5
"""Of a dataset's pictures, from which a folder with pictures of their names answers it."""


def find_predictions(scan: Scan, findings: Findings) -> None:
    """Add folders of pictures that have the names of a dataset's pictures: another program's answers to them."""
    hits: dict[PurePosixPath, str] = {}
    below: defaultdict[PurePosixPath, list[PurePosixPath]] = defaultdict(list)
    for picture in sorted(scan.pictures) if findings.sets else ():
        for folder in picture.parents:
            below[folder].append(picture)
    for folder in sorted(below, key=lambda folder: (-len(folder.parts), folder)):
        files = [file for file in below[folder] if file in scan.pictures]
        name = _answered(scan, folder, files, findings) if files and sayable(scan.root / folder) else ""
        if name:
            hits[folder] = name
            scan.pictures -= set(files)
    for root, answers in _entrants(scan, hits, findings.sets):
        path = scan.root / root
        called, title = findings.name(path, "predictions")
        words = f"another program's answers to {listed(answers)}"
        findings.entrants.append(FoundEntrant(called, title, "predictions", path, words, answers=answers))


def _answered(scan: Scan, folder: PurePosixPath, files: Sequence[PurePosixPath], findings: Findings) -> str:
    """Return which dataset a folder answers; empty where none."""
    inside = [file.relative_to(folder) for file in files]
    place, fitting, why = scan.root / folder, dict[str, float](), ""
    for one in (one for one in findings.sets if not one.of_training):
        part, problem = answered_part(inside, one)
        if problem:
            why = f"perhaps predictions for {one.name}, but {problem}"
            break
        fitting |= {one.name: part} if part >= _PART else {}
    names = [] if why else _likeliest(place, fitting, findings.sets)
    if len(names) > 1:
        why = (
            f"predictions for {' or '.join(names)}, which call their pictures alike: call its folder as the set, or "
            "name it with --predictions and correct 'sets' in the spec"
        )
    if why:
        findings.leave_out(place, why)
        scan.pictures -= set(files)
    return names[0] if len(names) == 1 else ""


def _likeliest(place: Path, fitting: Mapping[str, float], sets: Sequence[FoundSet]) -> list[str]:
    """Return which of the datasets that a folder has the names of it answers; several where nothing tells.

    What its own name says counts most, then in which dataset's folder it lies, then how many pictures it answers, and
    last which dataset lies nearer.

    Args:
        place: The folder, absolute.
        fitting: Dataset to the part of its pictures that are answered.
    """

    def order(one: FoundSet) -> tuple[bool, int, float, int]:
        shared = len(Path(os.path.commonpath((place, one.folder))).parts)
        return _called(place, one), shared if place.is_relative_to(one.folder) else 0, fitting[one.name], shared

    orders = {one.name: order(one) for one in sets if one.name in fitting}
    return [name for name in orders if orders[name] == max(orders.values())]


def answered_part(files: Sequence[PurePosixPath], dataset: FoundSet) -> tuple[float, str]:
    """Return of what part of a dataset's pictures files have the names, and why it is open which answers what.

    Args:
        files: Inside a folder.
    """
    asked = [Asked(str(number), tuple(dict.fromkeys(names))) for number, names in enumerate(dataset.pictures)]
    try:
        found = matched_by_name(files, asked)
    except BadInput as error:
        names = [name for one in dataset.pictures for name in one]
        alike = sum(any(file.stem.startswith(name) for name in names) or file.parent.name in names for file in files)
        near = alike >= max(len(dataset.pictures), _PART * len(files))
        return 0.0, f"{error.message}; {error.hint}" if near else ""
    return len(found.answers) / len(asked), ""


def _called(folder: PurePath, dataset: FoundSet) -> bool:
    return name_of(folder.name) in {dataset.name, name_of(dataset.folder.name)}


def _entrants(
    scan: Scan, hits: Mapping[PurePosixPath, str], sets: Sequence[FoundSet]
) -> Iterator[tuple[PurePosixPath, dict[str, str]]]:
    """Yield folders of predictions with the folder inside for each dataset.

    Where folders are called as the datasets that they answer, the one above them is the program's.
    """
    named = {one.name: one for one in sets}
    above: defaultdict[PurePosixPath, dict[str, str]] = defaultdict(dict)
    for folder, name in hits.items():
        if folder.parts and _called(folder, named[name]):
            above[folder.parent][name] = folder.name
        else:
            yield folder, {name: "."}
    yield from above.items()


def find_given_predictions(paths: Sequence[Path], findings: Findings, without: Path) -> None:
    """Add predictions that were named as such, as the answers to whatever datasets they have the names of.

    Args:
        paths: Absolute: folders and zip files.
        without: As of `scanned`.
    """
    found = {path: _answers_below(path, findings.sets, without) if path.is_dir() else ({}, []) for path in paths}
    answered = {(path / folder).resolve(): path for path, (answers, _) in found.items() for folder in answers.values()}
    for path, (answers, alike) in found.items():
        if any(path.resolve().is_relative_to(folder) for folder, other in answered.items() if other != path):
            findings.leave_out(path, "it lies in a folder that was named as predictions too, and is taken with that")
            continue
        if path.is_dir() and findings.sets and not answers:
            words = f"none of its pictures is called as one of {listed(one.name for one in findings.sets)}"
            findings.leave_out(path, f"{words}: see sirr-orch data match, and 'pictures' and 'sets' in a spec")
            continue
        name, title = findings.name(path.with_suffix("") if path.is_file() else path, "predictions")
        words = f"another program's answers to {listed(answers) if answers else 'the test datasets'}"
        if alike:
            words += (
                f" ({' and '.join(alike)} call their pictures alike: correct 'sets' where it answers not all of them)"
            )
        findings.entrants.append(FoundEntrant(name, title, "predictions", path, words, answers=answers))


def _answers_below(path: Path, sets: Sequence[FoundSet], without: Path) -> tuple[dict[str, str], list[str]]:
    """Return dataset to the folder inside that answers it, and those among them of which nothing tells which it is."""
    scan = scanned(path, without)
    fitting: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for one in sets:
        own = {name for name in (one.name, one.folder.name) if (path / name).is_dir()}
        folder = min(own, default=".")
        files = [file.relative_to(folder) for file in scan.pictures if file.is_relative_to(folder)]
        part, _ = answered_part(sorted(files), one)
        if part:
            fitting[folder][one.name] = part
    answers, alike = dict[str, str](), list[str]()
    for folder, parts in fitting.items():
        for name in parts:
            rivals = {one.name: parts[one.name] for one in sets if one.name in parts and _share_names(name, one, sets)}
            enclosed = any(path.is_relative_to(one.folder) for one in sets if one.name in rivals)
            names = _likeliest(path / folder, rivals, sets) if enclosed else list(rivals)
            if name in names:
                answers[name] = folder
                alike += [name] if len(names) > 1 else []
    return answers, alike


def _share_names(name: str, other: FoundSet, sets: Sequence[FoundSet]) -> bool:
    named = {called for one in sets if one.name == name for names in one.pictures for called in names}
    return any(called in named for names in other.pictures for called in names)
