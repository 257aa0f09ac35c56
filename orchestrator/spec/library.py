"""What can be named: specs, images, datasets, published tables, metrics, protocols, of this project and of plug-ins."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import SpecError
from orchestrator.inside import path_inside
from orchestrator.resources import resource_root
from orchestrator.spec.dataset import CatalogueEntry
from orchestrator.spec.document import Location, read_document
from orchestrator.spec.image import ImageSpec
from orchestrator.spec.metric import MetricSpec
from orchestrator.spec.model import ModelSpec
from orchestrator.spec.plugin_folder import (
    LAYOUT,
    PARTS,
    Plugin,
    check_folder,
    check_pictures,
    check_plain,
    check_taken,
    shadowing,
)
from orchestrator.spec.problems import Problem, listed, spec_error, suggestion
from orchestrator.spec.program import ProgramSpec
from orchestrator.spec.protocol_spec import ProtocolSpec, composed
from orchestrator.spec.published_numbers import PublishedTable
from orchestrator.spec.recipe import RecipeInvalid, read_recipe_schema
from orchestrator.spec.validation import validated
from orchestrator.spec.weights import ReleasedFile, joined_released
from stagekit.measures import PROTOCOLS, Protocol

__all__ = ["LAYOUT", "Library", "Plugin", "built_in"]

_Spec = TypeVar("_Spec", ProgramSpec, MetricSpec)
_Found = TypeVar("_Found")


class Library:
    """All that experiments can name: this project's own first, then that of each plug-in. It never changes.

    A file is read when it is asked for, so that a mistake in one stands in the way of nothing else.
    """

    def __init__(self, plugins: Iterable[Plugin] = (), recorded: Iterable[ImageSpec] = ()) -> None:
        """Look through the folders.

        Args:
            plugins: A folder that is named twice counts once.
            recorded: Images as runs recorded them; they stand in for those that no folder has any more.

        Raises:
            SpecError: Where a plug-in is no such folder, holds something without a plain name or a link that leads out
                of it, or has a name that this project or another plug-in has too.
        """
        self._root = resource_root()
        self.plugins = _each_once(plugins)
        self._recorded = {image.name: image for image in recorded}
        self._read: dict[Path, object] = {}
        for plugin in self.plugins:
            check_folder(plugin)
        self._paths = {part: self._index(part) for part in PARTS} if self.plugins else {}

    def extended(self, plugins: Iterable[Plugin]) -> "Library":
        """Return the library with more plug-ins.

        Raises what making one raises.
        """
        added = tuple(plugins)
        return Library((*self.plugins, *added), self._recorded.values()) if added else self

    def with_recorded(self, images: Iterable[ImageSpec]) -> "Library":
        """Return the library in which images as runs recorded them stand in for those that are gone."""
        found = tuple(images)
        return Library(self.plugins, (*self._recorded.values(), *found)) if found else self

    @cached_property
    def model_names(self) -> tuple[str, ...]:
        """The names of all model specs, this project's first."""
        return tuple(self._files("model"))

    @cached_property
    def program_names(self) -> tuple[str, ...]:
        """The names of all program specs, this project's first."""
        return tuple(self._files("program"))

    @cached_property
    def image_names(self) -> tuple[str, ...]:
        """The names of all images that can be built, this project's first."""
        return tuple(self._files("image"))

    def model(self, name: str) -> ModelSpec:
        """Return one model spec.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        return self._named("model", name, _loaded_model)

    def program(self, name: str) -> ProgramSpec:
        """Return one program spec.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        return self._named("program", name, lambda path: _loaded(ProgramSpec, path))

    @cached_property
    def default_program(self) -> ProgramSpec:
        """The program that photographs are taken through where nothing else is named: this project's own.

        Raises:
            SpecError: Where there is none.
        """
        for name in self.program_names:
            if self.plugin_of("program", name) is None and self.program(name).default:
                return self.program(name)
        raise SpecError("no program is taken by default", hint="name a model by --model RUN/MODEL")

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """The names of all metrics that plug-ins bring."""
        return tuple(self._files("metric"))

    def metric(self, name: str) -> MetricSpec:
        """Return one metric of a plug-in.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        return self._named("metric", name, lambda path: _loaded(MetricSpec, path))

    @cached_property
    def protocol_names(self) -> tuple[str, ...]:
        """The names of all protocols, this project's first."""
        return (*PROTOCOLS, *self._files("protocol"))

    def protocol(self, name: str) -> Protocol:
        """Return one protocol, of this project or of a plug-in.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong, or one of a metric that it names.
        """
        return PROTOCOLS.get(name) or self._named("protocol", name, self._loaded_protocol)

    def image(self, name: str) -> ImageSpec:
        """Return the description of one image; where only a run has recorded it, as it was then.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        if name in self._recorded and name not in self._files("image"):
            return self._recorded[name]
        return self._named("image", name, self._loaded_image)

    @cached_property
    def catalogue(self) -> dict[str, CatalogueEntry]:
        """The dataset catalogue, by name. It is shared: do not change it.

        Raises:
            SpecError: Where a file is wrong.
        """
        return {name: self.dataset(name) for name in self._files("dataset")}

    def dataset(self, name: str) -> CatalogueEntry:
        """Return one dataset of the catalogue.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        return self._named("dataset", name, self._loaded_entry)

    def published_table(self, name: str) -> PublishedTable:
        """Return one published table.

        Raises:
            SpecError: Where there is none of this name, or the file is wrong.
        """
        return self._named("published table", name, self._loaded_table)

    @cached_property
    def published_tables(self) -> tuple[PublishedTable, ...]:
        """All published tables.

        Raises:
            SpecError: Where a file is wrong.
        """
        return (*self._tables(plugins=False), *self.tables_of_plugins)

    @cached_property
    def tables_of_plugins(self) -> tuple[PublishedTable, ...]:
        """The published tables that plug-ins bring.

        Raises:
            SpecError: Where a file is wrong.
        """
        return tuple(self._tables(plugins=True))

    @cached_property
    def released_files(self) -> tuple[ReleasedFile, ...]:
        """The files of weights that others publish, this project's first.

        Raises:
            SpecError: Where a list is wrong, or of a plug-in and names a file that another list has.
        """
        return joined_released(self._files("list of weights").values())

    def data_folder(self, dataset: str) -> Path:
        """Return the folder that a relative path of a dataset of the catalogue starts in."""
        return self._files("dataset")[dataset].parent

    def plugin_of(self, part: str, name: str) -> Plugin | None:
        """Return the plug-in that brings something; None where it is this project's own, or where there is none.

        Args:
            part: What it is: "model", "program", "image", "dataset" or "published table".
        """
        path = self._files(part).get(name)
        return next((one for one in self.plugins if path is not None and path.is_relative_to(one.folder)), None)

    def plugin_name(self, part: str, name: str) -> str:
        """Return what reports call the plug-in that brings something; empty where `plugin_of` has none."""
        plugin = self.plugin_of(part, name)
        return "" if plugin is None else plugin.name

    def names(self, part: str, plugin: Plugin) -> tuple[str, ...]:
        """Return the names of what a plug-in brings of a part, as in `plugin_of`."""
        return tuple(name for name, path in self._files(part).items() if path.is_relative_to(plugin.folder))

    def path_of(self, part: str, name: str) -> Path | None:
        """Return the file that describes something; None where there is none."""
        return self._files(part).get(name)

    def _tables(self, *, plugins: bool) -> Iterator[PublishedTable]:
        for name in self._files("published table"):
            if (self.plugin_of("published table", name) is not None) is plugins:
                yield self.published_table(name)

    def _files(self, part: str) -> dict[str, Path]:
        """Return the files of a part by name; without plug-ins they are looked for when they are asked for."""
        return self._paths.get(part) or self._paths.setdefault(part, self._index(part))

    def _index(self, part: str) -> dict[str, Path]:
        found = {_name(path): path for path in sorted(self._root.glob(PARTS[part]))}
        for plugin in self.plugins:
            for path in sorted(plugin.folder.glob(PARTS[part])):
                name = _name(path)
                check_plain(plugin, path, name)
                check_taken(plugin, part, path, name)
                if name in found:
                    raise shadowing(part, name, found[name], path, plugin)
                found[name] = path
        return found

    def _named(self, part: str, name: str, read: Callable[[Path], _Found]) -> _Found:
        files = self._files(part)
        if name not in files:
            raise SpecError(f"there is no {part} {name!r}{suggestion(name, files)}", hint=f"choose {listed(files)}")
        path = files[name]
        if path not in self._read:
            self._read[path] = read(path)
        found: _Found = self._read[path]  # type: ignore[assignment]  # what `read` has left there
        return found

    def _loaded_image(self, path: Path) -> ImageSpec:
        image = validated(ImageSpec, read_document(path))
        _check_name(image.name, path.parent)
        return image.placed(path.parent) if self.plugin_of("image", image.name) is not None else image

    def _loaded_table(self, path: Path) -> PublishedTable:
        document = read_document(path)
        table = validated(PublishedTable, document)
        _check_name(table.name, path)
        named: list[tuple[Location, str | None]] = [(("protocol",), table.protocol)]
        named += [(("rows", number, "protocol"), row.protocol) for number, row in enumerate(table.rows)]
        problems = [
            Problem(f"there is no protocol {name!r}{suggestion(name, self.protocol_names)}", document.place(location))
            for location, name in named
            if name is not None and name not in self.protocol_names
        ]
        if problems:
            raise spec_error(problems, path)
        return table

    def _loaded_protocol(self, path: Path) -> Protocol:
        document = read_document(path)
        spec = validated(ProtocolSpec, document)
        _check_name(spec.name, path)
        return composed(spec, document, dict.fromkeys(self.metric_names, self.metric))

    def _loaded_entry(self, path: Path) -> CatalogueEntry:
        document = read_document(path)
        entry = validated(CatalogueEntry, document)
        _check_name(entry.name, path)
        plugin = self.plugin_of("dataset", entry.name)
        if plugin is not None:
            check_pictures(entry, plugin, document)
        return entry


def _each_once(plugins: Iterable[Plugin]) -> tuple[Plugin, ...]:
    found: dict[Path, Plugin] = {}
    for plugin in plugins:
        found.setdefault(plugin.folder.resolve(), plugin)
    return tuple(found.values())


@cache
def _built_in(_root: Path) -> Library:
    return Library()


def built_in() -> Library:
    """Return the library of this project alone."""
    return _built_in(resource_root())


def _name(path: Path) -> str:
    return path.parent.name if path.name == "image.yaml" else path.stem


def _loaded(kind: type[_Spec], path: Path) -> _Spec:
    spec = validated(kind, read_document(path))
    _check_name(spec.name, path)
    return spec


def _loaded_model(path: Path) -> ModelSpec:
    """Return a model spec with the schema beside it, which its own recipe has to fit."""
    document = read_document(path)
    spec = validated(ModelSpec, document)
    _check_name(spec.name, path)
    try:
        beside = path_inside(path.parent, spec.recipe_schema)
        schema = read_recipe_schema(beside)
        paper = schema.recipe(spec.recipe, document, ("recipe",))
        smallest = schema.recipe({**paper.values, **spec.trial}, document, ("trial",)) if spec.trial else paper
        schema.recipe({**paper.values, **spec.brief}, document, ("brief",))
    except ValueError as error:
        place = document.place(("recipe_schema",))
        problems = error.problems if isinstance(error, RecipeInvalid) else [Problem(f"recipe_schema: {error}", place)]
        raise spec_error(problems, path) from error
    fields = schema.schema["properties"]
    unknown = [name for name in spec.shaped_by if name not in fields]
    if unknown:
        words = f"shaped_by names {', '.join(unknown)}, which {beside.name} has no field for"
        raise spec_error([Problem(words, document.place(("shaped_by",)))], path)
    return spec.with_schema(schema, paper, smallest)


def _check_name(name: str, path: Path) -> None:
    if name not in {path.stem, path.name}:
        raise spec_error([Problem(f"the name {name!r} differs from the file's name {path.stem!r}")], path)


def plugins_of_experiment(named: Sequence[Path], path: Path) -> tuple[Plugin, ...]:
    """Return the plug-ins that an experiment names; a relative path starts at its file."""
    folders = [Path(path.absolute().parent / folder.expanduser()) for folder in named]
    return tuple(Plugin(folder.resolve(), f"'plugins:' of {path}") for folder in folders)


def model_spec_names() -> tuple[str, ...]:
    """Return the names of this project's own model specs."""
    return built_in().model_names


def program_spec_names() -> tuple[str, ...]:
    """Return the names of this project's own program specs."""
    return built_in().program_names


def image_names() -> tuple[str, ...]:
    """Return the names of this project's own images."""
    return built_in().image_names


def load_model_spec(name: str) -> ModelSpec:
    """Return one of this project's own model specs; see `Library.model`."""
    return built_in().model(name)


def load_program_spec(name: str) -> ProgramSpec:
    """Return one of this project's own program specs; see `Library.program`."""
    return built_in().program(name)


def load_image(name: str) -> ImageSpec:
    """Return one of this project's own images; see `Library.image`."""
    return built_in().image(name)


def load_catalogue() -> dict[str, CatalogueEntry]:
    """Return this project's own dataset catalogue, by name. It is shared: do not change it."""
    return built_in().catalogue
