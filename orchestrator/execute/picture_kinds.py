"""Which files of datasets cannot be read: by the kinds that their names say, before a run, and by what it left out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.datasets.patterns import matches
from orchestrator.datasets.picture_reading import FOREIGN_SUFFIXES, PHOTO_SUFFIXES
from orchestrator.datasets.source_files import is_picture
from orchestrator.errors import SpecError
from orchestrator.execute.run_results import RunResults
from orchestrator.results import read_result
from orchestrator.spec.dataset import Dataset, LayersDataset, PairsDataset, PhotosDataset
from orchestrator.spec.plain_words import count
from orchestrator.spec.stage_names import stage_name
from stagekit import BadInput
from stagekit.results.dataset import DatasetFile

_NAMED = 5


def kinds_of_pictures(datasets: Mapping[str, Dataset]) -> Iterator[str]:
    """Yield what there is to say of photographs that will be left out, for their kinds are not read.

    Raises:
        SpecError: Where pairs or layers hold such pictures, and where none of a dataset's photographs can be read.
    """
    for name, dataset in datasets.items():
        match dataset:
            case PhotosDataset(folder=folder, pictures=pattern):
                found = _pictures(folder, (pattern,))
                if not found and folder.is_dir():
                    raise SpecError(
                        f"dataset {name!r} has no photograph: no picture in {str(folder)!r} fits {pattern!r}",
                        hint="name a folder that holds photographs",
                    )
                unread = _of(found, FOREIGN_SUFFIXES - PHOTO_SUFFIXES)
                if unread and len(unread) == len(found):
                    raise _refused(name, unread, "convert them, such as to PNG, TIFF or JPEG")
                if unread:
                    yield f"{name}: left out, of kinds that are not read: {_some(unread)}"
            case PairsDataset(folder=folder):
                patterns = (dataset.blended, dataset.transmission, dataset.reflection)
                _refuse(name, _pictures(folder, patterns))
            case LayersDataset(folder=folder):
                _refuse(name, _pictures(folder, (dataset.pictures, dataset.reflections)))
            case _:
                pass


def photographs_left_out(results: RunResults) -> Iterator[str]:
    """Yield which photographs a run has left out, each with why.

    Raises:
        OutputInvalid: Where a result is not as its stage declared it.
    """
    for dataset in results.document.datasets:
        artifact = results.artifacts.get(stage_name("prepare", dataset.name))
        if dataset.role == "photos" and artifact is not None:
            for one in read_result(DatasetFile, artifact.output).left_out or ():
                yield f"{dataset.name}: left out: {one.name} {one.reason}"


def _refuse(name: str, found: Sequence[str]) -> None:
    if unread := _of(found, FOREIGN_SUFFIXES):
        raise _refused(name, unread, "convert them, such as to PNG, or take them out of the dataset's pattern")


def _refused(name: str, unread: Sequence[str], hint: str) -> SpecError:
    kinds = ", ".join(sorted({Path(file).suffix.lower() for file in unread}))
    return SpecError(
        f"dataset {name!r} holds {count(len(unread), 'picture')} of kinds that it does not take ({kinds}): "
        f"{_some(unread)}",
        hint=hint,
    )


def _pictures(folder: Path, patterns: Sequence[str | None]) -> list[str]:
    """Return the pictures that fit patterns; nothing where that cannot be told, which the stage says when it runs."""
    try:
        fits = [one.path for pattern in patterns if pattern is not None for one in matches(folder, pattern)]
        return [str(path) for path in dict.fromkeys(fits) if is_picture(folder, path)]
    except (BadInput, OSError):
        return []


def _of(found: Sequence[str], suffixes: frozenset[str]) -> list[str]:
    return [file for file in found if Path(file).suffix.lower() in suffixes]


def _some(files: Sequence[str]) -> str:
    more = len(files) - _NAMED
    return ", ".join(files[:_NAMED]) + (f" and {more} more" if more > 0 else "")
