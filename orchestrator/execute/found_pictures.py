"""Pairs and photographs among the pictures of folders."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, PHOTO_SUFFIXES
from orchestrator.datasets.raw.pair_patterns import PairFolder, pair_folders
from orchestrator.datasets.raw.recognise import recognise
from orchestrator.datasets.uniform import INDEX, read_index
from orchestrator.execute.data import OWN_LAYOUTS
from orchestrator.execute.found import Findings, FoundSet, sayable
from orchestrator.execute.looked_through import Scan
from orchestrator.spec.dataset import PairsDataset
from orchestrator.spec.library import Library
from orchestrator.spec.plain_words import count
from orchestrator.spec.prepared import described_folder, prepared_of
from orchestrator.spec.problems import listed
from stagekit import BadInput

_TRAINING = {"train", "training"}
_MOST_FOLDERS = 6
"""Folders of photographs that are taken unasked."""


def find_sets(scan: Scan, findings: Findings, library: Library) -> None:
    """Add prepared datasets and folders of pairs, and say which hold pairs that cannot be taken as they are."""
    for path in scan.broken:
        findings.leave_out(scan.root / path, "a link that leads nowhere")
    for index in (path for path in scan.others if path.name == INDEX):
        _find_prepared(scan, index.parent, findings, library)
    found = list(pair_folders(scan.tree, OWN_LAYOUTS))
    for one in found:
        _find_pairs(scan, one, findings)
    if not found and scan.pictures:
        _find_published(scan, findings, library)


def _find_prepared(scan: Scan, folder: Path, findings: Findings, library: Library) -> None:
    described = described_folder(folder)
    if described is None:
        return
    below = PurePosixPath(folder.relative_to(scan.root).as_posix())
    scan.pictures -= set(scan.tree.below(below))
    if described.role != "pairs":
        findings.leave_out(folder, "a prepared dataset of layers: to train on it, name it under 'train:'")
        return
    try:
        items = read_index(folder).items
    except BadInput as error:
        findings.leave_out(folder, error.message)
        return
    if not items:
        findings.leave_out(
            folder, "a prepared dataset without a single pair: prepare it again, from a folder with pairs"
        )
        return
    name, title = findings.name(folder, "pairs")
    names = tuple((item.id, PurePosixPath(item.origin).stem) for item in items)
    origin = prepared_of(folder)
    of_published = f", of {origin}" if origin in library.catalogue else ""
    words = f"{count(len(items), 'pair')}, prepared by sirr-orch data{of_published}"
    found = FoundSet(name, described.title or title, "prepared", folder, names, {}, words, _of_training(scan, below))
    findings.sets.append(found)


def _find_pairs(scan: Scan, found: PairFolder, findings: Findings) -> None:
    folder = scan.root / found.place
    scan.pictures -= found.files
    if not sayable(folder):
        found = replace(found, problem="its name is no UTF-8, and cannot stand in a file", hint="rename it")
    if found.problem:
        hint = found.hint or f"make a dataset of it with: sirr-orch data add {folder}, and name that with --test"
        findings.leave_out(folder, f"{count(len(found.scenes), 'scene')}, but {found.problem}; {hint}")
        return
    name, title = findings.name(folder, "pairs")
    layers = [layer for layer in found.patterns if layer != "blended"]
    usual = {layer: PairsDataset.model_fields[layer].default for layer in found.patterns}
    patterns = {layer: pattern for layer, pattern in found.patterns.items() if pattern != usual[layer]}
    names = tuple((scene, files["blended"].stem) for scene, files in found.scenes.items())
    words = f"{count(len(names), 'pair')} with {' and '.join(layers)}"
    training = _of_training(scan, found.place)
    findings.sets.append(FoundSet(name, title, "pairs", folder, names, patterns, words, training))
    if found.passed_over:
        few = ", ".join(str(path.name) for path in found.passed_over[:3])
        findings.leave_out(folder, f"{count(len(found.passed_over), 'picture')} in it belong to no pair: {few}")


def _find_published(scan: Scan, findings: Findings, library: Library) -> None:
    """Say where pictures are the raw files of a published dataset, which has to be prepared."""
    fitting = []
    for name, entry in library.catalogue.items():
        if entry.published is None or entry.published.names_list or not entry.published.layouts:
            continue
        try:
            recognise(scan.tree, entry.published.layouts, entry.published.selection)
        except BadInput:
            continue
        fitting.append(name)
    if fitting:
        scan.pictures.clear()
        command = f"sirr-orch data prepare {fitting[0]} --from {scan.root}"
        why = f"they look like the raw files of {listed(fitting)}: prepare it with: {command}, and name it with --test"
        findings.leave_out(scan.root, why)


def _of_training(scan: Scan, place: PurePosixPath) -> bool:
    return any(part.casefold() in _TRAINING for part in (scan.root.name, *place.parts))


def find_photographs(scan: Scan, findings: Findings, *, asked: bool = False) -> None:
    """Add the folders of what is left of the pictures: photographs without truth.

    Args:
        asked: The folder was named as one of photographs: all below it are taken, however many there are.
    """
    folders = sorted({picture.parent for picture in scan.pictures})
    if len(folders) > _MOST_FOLDERS and not asked:
        why = f"photographs in {len(folders)} folders: give those that are meant with --photos FOLDER"
        findings.leave_out(scan.root, why)
        return
    for folder in folders:
        path, pictures = scan.root / folder, scan.tree.inside(folder)
        if not sayable(path):
            findings.leave_out(ascii(str(path)), "its name is no UTF-8, and cannot stand in a file: rename it")
            continue
        unread = [picture for picture in pictures if picture.suffix.lower() in FOREIGN_SUFFIXES - PHOTO_SUFFIXES]
        if unread:
            kinds = ", ".join(sorted({picture.suffix.lower() for picture in unread}))
            why = f"{count(len(unread), 'picture')} of kinds that are not read ({kinds}): convert or remove them"
            findings.leave_out(path, why)
        if len(unread) == len(pictures):
            continue
        name, title = findings.name(path, "my-photos")
        words = f"{count(len(pictures), 'photograph')} without truth: compared by eye"
        names = tuple((picture.stem,) for picture in pictures)
        findings.sets.append(FoundSet(name, title, "photos", path, names, {}, words))
    scan.pictures.clear()
