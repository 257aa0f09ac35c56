"""What `sirr-orch data` does: list, fetch, prepare, check and add datasets in the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from orchestrator.datasets.progress_callback import ProgressCallback
from orchestrator.datasets.raw.dataset_checks import DatasetFinding, check_dataset
from orchestrator.datasets.raw.fetch import fetched
from orchestrator.datasets.raw.layout_voc import read_names
from orchestrator.datasets.raw.raw_preparation import PreparationOrder, prepare_raw
from orchestrator.datasets.raw.recognise import photographs, recognise
from orchestrator.datasets.raw.tree import raw_tree
from orchestrator.datasets.raw.unpack import is_archive, refuse_others, unpack, unpacked_name
from orchestrator.datasets.raw.variant import FoundVariant
from orchestrator.datasets.uniform import INDEX, read_index
from orchestrator.errors import InputInvalid, SpecError
from orchestrator.spec.dataset import CatalogueEntry, PreparedDataset
from orchestrator.spec.library import Library, built_in
from orchestrator.spec.prepared import added_datasets, data_home, prepared_folder, raw_folder
from orchestrator.spec.problems import listed, suggestion
from orchestrator.spec.published import Layout, Published
from stagekit import BadInput

OWN_LAYOUTS = (
    Layout(
        kind="folders",
        blended=("blended", "input", "mixture", "I"),
        transmission=("transmission", "transmission_layer", "truth", "gt", "T"),
        reflection=("reflection", "reflection_layer", "R"),
    ),
    Layout(
        kind="tagged",
        blended=("blended", "input", "m"),
        transmission=("transmission", "truth", "gt", "label1", "g"),
        reflection=("reflection", "label2", "r"),
    ),
)
"""The forms in which a user's own pairs are taken."""


class Reporter:
    """Is told how a command goes; a subclass shows what it wants of it."""

    def sentence(self, text: str) -> None:
        """Take a sentence for the user."""

    def bytes(self, done: int, total: int | None) -> None:
        """Take how many bytes of a file are there."""

    def pictures(self, done: int, total: int) -> None:
        """Take how many scenes or files are done."""


@dataclass(frozen=True)
class SetState:
    """A dataset of the catalogue or of the user, and what there is of it.

    Attributes:
        state: 'prepared', 'raw' (downloaded), 'missing', or 'built in' (needs no files).
        variant: Of the prepared set.
        remedy: What to do next, empty where nothing is.
    """

    name: str
    title: str
    use: str
    scenes: int | None
    state: Literal["prepared", "raw", "missing", "built in"]
    variant: str
    remedy: str
    published: Published | None


def known_sets(home: Path | None = None, library: Library | None = None) -> list[SetState]:
    """Return every dataset that experiments can name, with its state.

    Args:
        home: The data folder, here and below; None for the environment's, or the default.
        library: Whose catalogue, here and below; None: this project's own.
    """
    catalogue = (library or built_in()).catalogue
    states = [_state(name, entry, home) for name, entry in catalogue.items()]
    own = {name: dataset for name, dataset in added_datasets(home).items() if name not in catalogue}
    states += [
        SetState(name, dataset.title or name, dataset.role, None, "prepared", _variant_of(name, home), "", None)
        for name, dataset in own.items()
    ]
    return states


def _state(name: str, entry: CatalogueEntry, home: Path | None) -> SetState:
    published = entry.published
    title = entry.dataset.title or name
    if published is None:
        return SetState(name, title, "built in", None, "built in", "", "", None)
    raw = raw_folder(name, home)
    if (prepared_folder(name, home) / INDEX).is_file():
        state, remedy = "prepared", ""
    elif raw.is_dir() and any(raw.iterdir()):
        state, remedy = "raw", f"sirr-orch data prepare {name}"
    else:
        state, remedy = "missing", f"sirr-orch data fetch {name}"
    if state == "raw" and not published.layouts:
        remedy = "sirr-orch data add FOLDER --name NAME"
    return SetState(
        name,
        title,
        published.use,
        published.scenes,
        state,  # type: ignore[arg-type]  # one of the states, by the lines above
        _variant_of(name, home) if state == "prepared" else "",
        remedy,
        published,
    )


def _variant_of(name: str, home: Path | None) -> str:
    try:
        return read_index(prepared_folder(name, home)).variant.text
    except BadInput:
        return "its index cannot be read"


def published_set(name: str, library: Library | None = None) -> tuple[CatalogueEntry, Published]:
    """Return a published set of the catalogue.

    Raises:
        SpecError: Where there is none of this name.
    """
    catalogue = (library or built_in()).catalogue
    known = {other: entry for other, entry in catalogue.items() if entry.published is not None}
    if name not in known:
        close = suggestion(name, known)
        raise SpecError(
            f"there is no published dataset {name!r}{close}",
            hint=f"choose {listed(known)}; for pairs of your own: sirr-orch data add PATH",
        )
    published = known[name].published
    assert published is not None  # only such were kept
    return known[name], published


def fetch_set(name: str, reporter: Reporter, home: Path | None = None, library: Library | None = None) -> list[str]:
    """Fetch and unpack what has a direct address; return what is left to do by hand, a sentence each.

    Raises:
        SpecError: For an unknown set.
        InfraFailure: Where a file cannot be had as published.
        InputInvalid: Where a file cannot be had as published.
    """
    _, published = published_set(name, library)
    folder = raw_folder(name, home)
    for file in published.files:
        reporter.sentence(f"{file.address} -> {folder}")
        path = fetched(file, folder, reporter.bytes)
        if file.unpack:
            _unpacked(path, folder, reporter, again=False)
    return [f"get {step.what}, and put it {step.put.format(folder=folder)}" for step in published.by_hand]


@dataclass(frozen=True)
class PrepareRequest:
    """What `sirr-orch data prepare` was asked for.

    Attributes:
        source: Raw folder or archive; None: the data folder's raw/NAME.
        called: Another name than the catalogue's.
        replace: Whether a prepared dataset of that name may be replaced.
        home: The data folder.
        library: Whose catalogue; None: this project's own.
    """

    name: str
    source: Path | None = None
    names_list: Path | None = None
    called: str | None = None
    workers: int | None = None
    replace: bool = False
    home: Path | None = None
    library: Library | None = None


def prepare_set(request: PrepareRequest, reporter: Reporter) -> FoundVariant:
    """Prepare a published set from its raw files.

    Raises:
        SpecError: For an unknown set, a name that is another one's of the catalogue, or of a prepared set that is not
            to be replaced.
        InputInvalid: Where the raw files cannot be used.
    """
    entry, published = published_set(request.name, request.library)
    assert isinstance(entry.dataset, PreparedDataset)  # all published sets are
    name = request.called or request.name
    if name != request.name:
        _refuse_catalogue_name(name, "--as", request.library)
    _refuse_prepared(name, request.home, "--as", replace=request.replace)
    if not published.layouts:
        raise InputInvalid(
            f"how the folders of {request.name} are called could not be learnt, so its files cannot be told apart",
            hint="put its pairs into folders blended and transmission, and run: sirr-orch data add FOLDER --name NAME",
        )
    source = request.source or raw_folder(request.name, request.home)
    if request.source is None and not source.is_dir():
        raise InputInvalid(
            f"there are no raw files of {request.name} in {source}",
            hint=f"run: sirr-orch data fetch {request.name}, or name the raw files with --from PATH",
        )
    order = PreparationOrder(
        name=name,
        title=entry.dataset.title if request.called is None else f"{entry.dataset.title} ({request.called})",
        source=entry.dataset.source,
        role=entry.dataset.role,
        output=prepared_folder(name, request.home),
        catalogue=request.name,
        variants=published.variants,
        workers=request.workers,
    )
    with _explained(), _opened(source, raw_folder(request.name, request.home), reporter) as folder:
        listed_names = None
        if published.names_list:
            path = request.names_list or _list_beside(folder, source, published)
            listed_names = read_names(path, published.names_list)
            reporter.sentence(f"pictures are those of {listed_names.origin}")
        found = recognise(raw_tree(folder), published.layouts, published.selection, listed_names)
        return prepare_raw(order, folder, found, reporter.pictures)


def add_set(
    source: Path,
    name: str,
    reporter: Reporter,
    *,
    layers: bool = False,
    title: str = "",
    replace: bool = False,
    home: Path | None = None,
    library: Library | None = None,
) -> FoundVariant:
    """Prepare a user's own pairs, or photographs to blend, so that experiments can name them.

    Args:
        replace: Whether a prepared dataset of this name may be replaced.

    Raises:
        SpecError: Where the name is the catalogue's, or that of a prepared set that is not to be replaced.
        InputInvalid: Where the files cannot be used.
    """
    _refuse_catalogue_name(name, "--name", library)
    _refuse_prepared(name, home, "--name", replace=replace)
    role: Literal["layers", "pairs"] = "layers" if layers else "pairs"
    order = PreparationOrder(name, title or name, "added by the user", role, prepared_folder(name, home), changed=True)
    with _explained(), _opened(source, raw_folder(name, home), reporter) as folder:
        tree = raw_tree(folder)
        found = photographs(tree) if layers else recognise(tree, OWN_LAYOUTS)
        return prepare_raw(order, folder, found, reporter.pictures)


def _refuse_catalogue_name(name: str, option: str, library: Library | None) -> None:
    """Keep every name of the catalogue for what it names: published numbers stand beside it in reports.

    Raises:
        SpecError: Where it is one.
    """
    if name in (library or built_in()).catalogue:
        raise SpecError(f"{name!r} is a dataset of the catalogue", hint=f"choose another name with {option}")


def _refuse_prepared(name: str, home: Path | None, option: str, *, replace: bool) -> None:
    """Refuse to replace a prepared dataset without being asked.

    Raises:
        SpecError: Where there is one of this name, or another folder at its place.
    """
    folder = prepared_folder(name, home)
    if (folder / INDEX).is_file():
        if not replace:
            raise SpecError(
                f"there is a prepared dataset {name!r} already: {_variant_of(name, home)}",
                where=str(folder),
                hint=f"add --replace to replace it, or choose another name with {option}",
            )
    elif folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise SpecError(
            f"what lies at the place of dataset {name!r} is no prepared dataset",
            where=str(folder),
            hint=f"move it away, or choose another name with {option}",
        )


def check_set(
    name: str, step: ProgressCallback, home: Path | None = None, library: Library | None = None
) -> list[DatasetFinding]:
    """Return what is odd about a prepared set.

    Args:
        name: Of the set.
        step: Hears of each scene.
        home: The data folder; None: the default one.
        library: Whose catalogue; None: this project's own.

    Raises:
        InputInvalid: Where there is none of this name.
    """
    folder = prepared_folder(name, home)
    if not (folder / INDEX).is_file():
        known = (library or built_in()).catalogue.get(name)
        published = known is not None and known.published is not None
        command = f"sirr-orch data prepare {name}" if published else f"sirr-orch data add FOLDER --name {name}"
        raise InputInvalid(
            f"dataset {name!r} is not prepared in {data_home(home)}",
            hint=f"run: {command}; prepared are: {listed(added_datasets(home)) or 'none'}",
        )
    with _explained():
        return check_dataset(folder, step)


def _list_beside(folder: Path, source: Path, published: Published) -> Path:
    """Return the published list that lies beside the raw files.

    Raises:
        BadInput: Where none does.
    """
    for name in dict.fromkeys(listing.name for listing in published.names_list):
        beside = [source.parent / name, *sorted(folder.rglob(name)), *sorted(source.rglob(name))]
        found = next((path for path in beside if path.is_file()), None)
        if found is not None:
            return found
    origins = " or ".join(f"{listing.name} of {listing.origin}" for listing in published.names_list)
    raise BadInput(f"the list of the pictures that are used is not there: {origins}", "name it with --list FILE")


@contextmanager
def _opened(source: Path, raw: Path, reporter: Reporter) -> Iterator[Path]:
    """Give the folder of raw files; an archive is unpacked beside the raw downloads and kept there.

    Args:
        raw: Where the dataset's raw downloads lie.
    """
    if not source.is_file():
        # What fetch says to put there by hand is an archive, for some sets.
        for archive in sorted(filter(is_archive, source.iterdir())) if source == raw else ():
            _unpacked(archive, source, reporter, again=False)
        yield source
        return
    if not is_archive(source):
        refuse_others(source)
        raise InputInvalid(f"{source} is neither a folder nor an archive", hint="name a folder, or a .zip or .tar file")
    yield _unpacked(source, raw, reporter, again=True)


def _unpacked(archive: Path, folder: Path, reporter: Reporter, *, again: bool) -> Path:
    """Return where an archive's files lie in a folder.

    Args:
        again: Unpack it even where that was done before.
    """
    target = folder / unpacked_name(archive)
    if again or not target.is_dir():
        reporter.sentence(f"unpacking {archive.name} into {target}")
        unpack(archive, target, reporter.pictures)
    return target


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the room of datasets says into the errors that commands show."""
    try:
        yield
    except BadInput as error:
        raise InputInvalid(error.message, hint=error.hint) from error
