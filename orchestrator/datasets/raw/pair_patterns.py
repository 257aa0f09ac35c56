"""Folders of pairs inside a tree of pictures, and the patterns by which an experiment names their files."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from orchestrator.datasets.patterns import matches
from orchestrator.datasets.raw.layout_folders import LAYERS, read_folders
from orchestrator.datasets.raw.layout_tagged import read_tagged
from orchestrator.datasets.raw.reading import RawScene, Reading
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout
from stagekit import BadInput

_ID = "{id}"
_WILD = re.compile(r"[\[*?]")
_SHOWN = 3


@dataclass(frozen=True)
class PairFolder:
    """A place of a tree that holds pairs.

    Attributes:
        place: Inside the tree.
        files: All pictures of it that belong to pairs, and those of its folders that belong to none.
        scenes: Its pairs by name, each with the paths of its pictures by layer.
        patterns: Layer to the pattern that means its pictures, relative to the place; empty where no pattern does.
        problem: Why it cannot be used as it is, in words; empty where it can.
        hint: What to do then.
        passed_over: Pictures among them that belong to no pair.
    """

    place: PurePosixPath
    files: frozenset[PurePosixPath]
    scenes: Mapping[str, Mapping[str, PurePosixPath]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    hint: str = ""
    passed_over: tuple[PurePosixPath, ...] = ()


def pair_folders(tree: RawTree, layouts: Sequence[Layout]) -> Iterator[PairFolder]:
    """Yield every place of a tree that one of the layouts fits; of several that fit a place, the first.

    Args:
        layouts: Of the kinds 'folders' and 'tagged'.
    """
    seen: set[PurePosixPath] = set()
    for layout in layouts:
        for reading in read_folders(tree, layout) if layout.kind == "folders" else read_tagged(tree, layout):
            if reading.fits and not seen & _files(reading):
                seen |= _files(reading)
                yield _pair_folder(tree, reading)


def _files(reading: Reading) -> frozenset[PurePosixPath]:
    used = {path for scene in reading.scenes for path in scene.files.values()}
    return frozenset({*used, *reading.passed_over})


def _pair_folder(tree: RawTree, reading: Reading) -> PairFolder:
    files, scenes = _files(reading), {scene.name: scene.files for scene in reading.scenes}
    if reading.problems:
        more = f"; and {len(reading.problems) - _SHOWN} more" if len(reading.problems) > _SHOWN else ""
        words = "; ".join(reading.problems[:_SHOWN]) + more
        return PairFolder(reading.place, files, scenes, {}, words, "complete or remove these files")
    patterns = dict(_patterns(tree.root / reading.place, reading))
    wanted = {layer for scene in reading.scenes for layer in scene.files}
    if patterns.keys() == wanted:
        return PairFolder(reading.place, files, scenes, patterns, passed_over=reading.passed_over)
    words = "its pairs are told by names that no pattern of an experiment means"
    return PairFolder(reading.place, files, scenes, {}, words, passed_over=reading.passed_over)


def _patterns(folder: Path, reading: Reading) -> Iterator[tuple[str, str]]:
    """Yield each layer of the scenes with a pattern that means just its pictures, {id} being the same in all layers."""
    for layer in LAYERS:
        scenes = [scene for scene in reading.scenes if layer in scene.files]
        wanted = {scene.files[layer].relative_to(reading.place): scene.name for scene in scenes}
        for pattern in _common(_candidates(scene, layer, reading.place) for scene in scenes):
            if _means(folder, pattern, wanted):
                yield layer, pattern
                break


def _means(folder: Path, pattern: str, wanted: Mapping[PurePosixPath, str]) -> bool:
    try:
        found = {match.path: unicodedata.normalize("NFC", match.id) for match in matches(folder, pattern)}
    except BadInput:
        return False
    return found == wanted


def _candidates(scene: RawScene, layer: str, place: PurePosixPath) -> Iterator[str]:
    """Yield the patterns that a picture's path could be made by, with the scene's name as {id}."""
    path = scene.files[layer].relative_to(place)
    whole = str(path)
    begin, end = len(whole) - len(path.name), len(whole) - len(path.suffix)
    for name in {unicodedata.normalize(form, scene.name) for form in ("NFC", "NFD")} if scene.name else ():
        starts = [found.start() for found in re.finditer(f"(?={re.escape(name)})", whole)]
        # Of a single pair nothing else tells the file's name from the same letters in its folder's or in its ending.
        for start in sorted(starts, key=lambda start: not begin <= start <= end - len(name)):
            before, after = whole[:start], whole[start + len(name) :]
            if path.suffix and path.suffix in after:
                yield _literal(before) + _ID + _literal(after.removesuffix(path.suffix)) + ".*"
            yield _literal(before) + _ID + _literal(after)


def _literal(text: str) -> str:
    return _WILD.sub(r"[\g<0>]", text)


def _common(candidates: Iterable[Iterator[str]]) -> list[str]:
    """Return the patterns that are among the candidates of every scene, in the order of the first."""
    several = [list(of_scene) for of_scene in candidates]
    return [one for one in several[0] if all(one in other for other in several[1:])] if several else []
