"""Folders of a user's pictures: pairs and layers; and what all folders have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from orchestrator.datasets.dataset_document import PictureFolder, PreparedDataset, dataset_item
from orchestrator.datasets.description import LayersDescription, PairsDescription
from orchestrator.datasets.identifiers import natural_order, safe_identifiers, shown_name
from orchestrator.datasets.patterns import Match, matches, other_case
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, RgbPicture, UnusablePicture, read_rgb
from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.source_files import SourceReader, is_picture
from orchestrator.datasets.truths import TruthTrace, faults_in_words, truth_faults, truth_trace
from stagekit import BadInput
from stagekit.results.dataset import DatasetItem
from stagekit.results.left_out import LeftOut

_HINT = "replace these files by whole pictures, such as 8-bit PNG or JPEG, or take them out of the folder"
_NAMED = 5
_T = TypeVar("_T")


def prepared_layers(
    layers: LayersDescription, sources: SourceReader, output: PictureFolder, progress: ProgressCallback
) -> PreparedDataset:
    """Return a folder's clean photographs; their pictures are written.

    Each serves as transmission and as reflection, unless reflections have a pattern of their own; a file that fits both
    patterns is a reflection only.

    Raises:
        BadInput: Where a pattern fits no picture, and where pictures are unusable: all of them are named.
    """
    transmissions, passed_over = found_pictures(sources.folder, layers.pictures)
    reflections: list[Match] = []
    if layers.reflections is not None:
        reflections, more = found_pictures(sources.folder, layers.reflections)
        reflected = {match.path for match in reflections}
        transmissions = [match for match in transmissions if match.path not in reflected]
        passed_over = tuple(dict.fromkeys((*passed_over, *more)))
        if not transmissions:
            raise BadInput(
                f"every picture of {layers.pictures!r} is a reflection, as {layers.reflections!r} says",
                "keep transmissions and reflections apart",
            )
    found = [*transmissions, *reflections]
    reading = Listing(sources, progress, len(found))
    items = []
    for index, (identifier, match) in enumerate(zip(identifiers_of(found), found, strict=True)):
        picture = reading.picture(match)
        if picture is not None:
            path = output.save("layers", identifier, picture.pixels)
            item = dataset_item(identifier, picture.size, origin(match), picture.notes, {})
            if index < len(transmissions):
                item = replace(item, transmission=path)
            if index >= len(transmissions) or layers.reflections is None:
                item = replace(item, reflection=path)
            items.append(item)
        reading.item_done()
    reading.refuse_problems()
    return PreparedDataset("layers", tuple(items), passed_over=passed_over)


def prepared_pairs(
    pairs: PairsDescription, sources: SourceReader, output: PictureFolder, progress: ProgressCallback
) -> PreparedDataset:
    """Return a folder's blended pictures with their layers, which are of one size; their pictures are written.

    Truths that are not their own, as far as that shows, are warned of, and layers that are the blended picture itself.

    Raises:
        BadInput: Where a pattern fits no picture or has no {id}, where a picture has no partner or two, where pictures
            are unusable or of different sizes: all of the same kind are named.
    """
    patterns = {"blended": pairs.blended, "transmission": pairs.transmission}
    if pairs.reflection is not None:
        patterns["reflection"] = pairs.reflection
    for part, pattern in patterns.items():
        if "{id}" not in pattern:
            raise BadInput(
                f"pattern {pattern!r} of {part} has no {{id}}", "put {id} where the name of the pair is, as in '{id}.*'"
            )
    found = {part: found_pictures(sources.folder, pattern) for part, pattern in patterns.items()}
    partners = _partners({part: part_matches for part, (part_matches, _) in found.items()}, patterns)
    passed_over = tuple(dict.fromkeys(words for _, of_part in found.values() for words in of_part))
    reading = Listing(sources, progress, len(partners))
    items = []
    traces: dict[str, TruthTrace] = {}
    equal: list[str] = []
    for identifier, (name, files) in zip(safe_identifiers(partners), partners.items(), strict=True):
        item = _pair(identifier, files, reading, output, shown_name(name), traces, equal)
        items += [item] if item is not None else []
        reading.item_done()
    reading.refuse_problems()
    faults = truth_faults(traces)
    warnings = [faults_in_words(faults, len(items))] if faults else []
    if equal:
        named = ", ".join(equal[:_NAMED]) + (f" and {len(equal) - _NAMED} more" if len(equal) > _NAMED else "")
        warnings.append(f"blended picture and transmission are the same in {len(equal)} of {len(items)} pairs: {named}")
    return PreparedDataset("pairs", tuple(items), tuple(warnings), passed_over=passed_over)


def _pair(
    identifier: str,
    files: Mapping[str, Match],
    reading: "Listing",
    output: PictureFolder,
    name: str,
    traces: dict[str, TruthTrace],
    equal: list[str],
) -> DatasetItem | None:
    read = {part: reading.picture(match) for part, match in files.items()}
    pictures = {part: picture for part, picture in read.items() if picture is not None}
    if len(pictures) < len(files) or not reading.same_size(name, files, pictures):
        return None
    paths = {part: output.save(part, identifier, picture.pixels) for part, picture in pictures.items()}
    notes = tuple(f"{part}: {note}" for part, picture in pictures.items() for note in picture.notes)
    if np.array_equal(pictures["blended"].pixels, pictures["transmission"].pixels):
        equal.append(name)
    trace = truth_trace(pictures["blended"].pixels, pictures["transmission"].pixels)
    if trace is not None:
        traces[name] = trace
    height, width = pictures["blended"].size
    return dataset_item(identifier, (height, width), origin(files["blended"]), notes, paths)


class Listing:
    """Reads the pictures of a folder and remembers all that is wrong with them."""

    def __init__(self, sources: SourceReader, progress: ProgressCallback, total: int) -> None:
        self._sources, self._progress, self._total = sources, progress, total
        self._done = 0
        self._unusable: list[LeftOut] = []
        self._unequal: list[str] = []

    def picture(self, match: Match) -> RgbPicture | None:
        """Return a picture as 8-bit RGB, None where it is unusable."""
        return self.read(match, read_rgb, FOREIGN_SUFFIXES)

    def read(self, match: Match, read: Callable[[Path], _T], refused: frozenset[str]) -> _T | None:
        """Return what `read` makes of a picture at the path of a copy, None where it raises UnusablePicture.

        Args:
            refused: Ends of names, in small letters, of kinds that it does not read.
        """
        try:
            with self._sources.copy(match.path) as copy:
                if match.path.suffix.lower() in refused:
                    raise UnusablePicture(f"is of a kind that cannot be read ({match.path.suffix})")
                return read(copy)
        except UnusablePicture as error:
            self._unusable.append(LeftOut(origin(match), str(error)))
            return None

    @property
    def unusable(self) -> tuple[LeftOut, ...]:
        """The files that could not be read."""
        return tuple(self._unusable)

    def same_size(self, name: str, files: Mapping[str, Match], pictures: Mapping[str, RgbPicture]) -> bool:
        """Return whether the pictures of a pair have one size; else it is a problem."""
        if len({picture.size for picture in pictures.values()}) == 1:
            return True
        sizes = ", ".join(
            f"{origin(files[part])} has {picture.size[0]} x {picture.size[1]}" for part, picture in pictures.items()
        )
        self._unequal.append(f"{name!r}: {sizes}")
        return False

    def item_done(self) -> None:
        """Say that one more is done."""
        self._done += 1
        self._progress(self._done, self._total)

    def refuse_problems(self) -> None:
        """Raise BadInput that names all problems, if there were any."""
        sentences, hints = [], []
        if self._unusable:
            named = "; ".join(f"{file.name} {file.reason}" for file in self._unusable)
            sentences.append(f"{_count(self._unusable, 'file')} cannot be used: {named}")
            hints.append(_HINT)
        if self._unequal:
            sentences.append(
                f"{_count(self._unequal, 'pair')} of different sizes (height x width): " + "; ".join(self._unequal)
            )
            hints.append("give the pictures of a pair the same size; nothing is resized here, as that changes scores")
        if sentences:
            raise BadInput(". ".join(sentences), "; ".join(hints))


def found_pictures(folder: Path, pattern: str) -> tuple[list[Match], tuple[str, ...]]:
    """Return the pictures that fit a pattern, and in words which files fit and are no pictures, if any do.

    Raises:
        BadInput: Where there is no picture.
    """
    fits = matches(folder, pattern)
    pictures = [match for match in fits if is_picture(folder, match.path)]
    others = [match for match in fits if match not in set(pictures)]
    if not pictures:
        _refuse_nothing(folder, pattern, others)
    if not others:
        return pictures, ()
    return pictures, (f"{_count(others, 'file')} passed over, being no pictures: {_some(map(origin, others))}",)


def _refuse_nothing(folder: Path, pattern: str, others: Sequence[Match]) -> None:
    if others:
        raise BadInput(
            f"none of the files of {pattern!r} is a picture: {_some(map(origin, others))}",
            "point the dataset's folder to pictures, such as PNG or JPEG files",
        )
    if not any(folder.iterdir()):
        raise BadInput("the dataset's folder is empty", "put pictures into it, or name another folder")
    alike = other_case(folder, pattern)
    hint = f"mind capital letters: there is {shown_name(alike[0])}" if alike else None
    there = _some(sorted(shown_name(path.name) + "/" * path.is_dir() for path in folder.iterdir()))
    raise BadInput(
        f"no file of the dataset's folder fits {pattern!r}; the folder holds {there}",
        hint or "change the dataset's pattern, or name another folder",
    )


def _partners(found: Mapping[str, Sequence[Match]], patterns: Mapping[str, str]) -> dict[str, dict[str, Match]]:
    """Return every pair's files by name and part, in the order of the names: numbers by value.

    Raises:
        BadInput: Names every file without its partner, or every two files of one name and part.
    """
    files: dict[str, dict[str, Match]] = {}
    twice: list[str] = []
    for part, part_matches in found.items():
        for match in part_matches:
            other = files.setdefault(match.id, {}).setdefault(part, match)
            if other is not match:
                twice.append(f"{origin(other)} and {origin(match)} are both {part} of {shown_name(match.id)!r}")
    if twice:
        raise BadInput(
            "names of pairs are not unique: " + "; ".join(twice), "keep one of the files, or narrow the pattern"
        )
    ordered = {name: files[name] for name in sorted(files, key=natural_order)}
    alone = [
        f"{origin(next(iter(parts.values())))} has no {part} ({shown_name(pattern.replace('{id}', name))})"
        for name, parts in ordered.items()
        for part, pattern in patterns.items()
        if part not in parts
    ]
    if alone:
        raise BadInput(
            f"{_count(alone, 'partner')} missing: " + "; ".join(alone),
            "add the missing pictures, or take the others out",
        )
    return ordered


def identifiers_of(found: Sequence[Match]) -> list[str]:
    """Return an identifier for each picture, safe as a file's name."""
    return safe_identifiers(match.id for match in found)


def origin(match: Match) -> str:
    """Return a file's path inside its folder, as text."""
    return shown_name(str(match.path))


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}" + "s" * (len(things) != 1)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {more} more" if more > 0 else "")
