"""Where things lie in a plug-in's folder, and what is refused there before anything of it is read."""

import re
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import SpecError
from orchestrator.inside import path_inside
from orchestrator.spec.base import NAME_PATTERN
from orchestrator.spec.dataset import CatalogueEntry, ScenesDataset
from orchestrator.spec.document import Document
from orchestrator.spec.metric import built_in_metrics
from orchestrator.spec.problems import Problem, spec_error
from stagekit.measures import PROTOCOLS

PARTS = {
    "model": "model_specs/*.yaml",
    "program": "program_specs/*.yaml",
    "image": "images/*/image.yaml",
    "dataset": "data/*.yaml",
    "published table": "data/published/*.yaml",
    "list of weights": "data/weights/*.yaml",
    "metric": "metric_specs/*.yaml",
    "protocol": "protocol_specs/*.yaml",
}
"""Where things lie in a folder of this project's layout, by what they are."""

LAYOUT = ("model_specs", "program_specs", "images", "data", "metric_specs", "protocol_specs")
"""The folders that a plug-in may have; one is enough."""


@dataclass(frozen=True)
class Plugin:
    """A folder of this project's layout, outside the project.

    Attributes:
        folder: Its absolute path.
        named_by: What named it, for messages: "--plugins", "SIRR_PLUGINS", …
    """

    folder: Path
    named_by: str

    @property
    def name(self) -> str:
        """What reports call it: the name of its folder, as text that every file can hold."""
        return self.folder.name.encode("utf-8", "replace").decode("utf-8")

    @property
    def origin(self) -> str:
        """What named it, in words without a path: where something lies is nobody's business."""
        if self.named_by.startswith("'plugins:' of "):
            return "'plugins:' of the experiment"
        return "the user's configuration" if Path(self.named_by).is_absolute() else self.named_by


def check_folder(plugin: Plugin) -> None:
    """Refuse what is no plug-in."""
    if not plugin.folder.is_dir():
        raise SpecError(
            f"there is no plug-in folder {str(plugin.folder)!r}",
            where=plugin.named_by,
            hint="correct the path, or leave the plug-in out",
        )
    if not any((plugin.folder / part).is_dir() for part in LAYOUT):
        raise SpecError(
            f"{str(plugin.folder)!r} is no plug-in: it has none of the folders {', '.join(LAYOUT)}",
            where=plugin.named_by,
            hint="name the folder that holds them",
        )


def check_plain(plugin: Plugin, path: Path, name: str) -> None:
    """Refuse what a plug-in has no business to name: odd names, and files outside it."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise SpecError(
            f"{name!r} is no name: lower case letters, digits, '.', '_' and '-', at most 63, beginning with a letter "
            "or digit",
            where=str(path),
            hint="rename it in the plug-in",
        )
    try:
        path_inside(plugin.folder, path.relative_to(plugin.folder).as_posix())
    except ValueError as error:
        raise SpecError(
            f"a file of a plug-in cannot be taken: {error}", where=str(path), hint="copy it there"
        ) from error


def check_taken(plugin: Plugin, part: str, path: Path, name: str) -> None:
    """Refuse a metric or a protocol with the name of one of this project's, which no folder holds."""
    own = {"metric": built_in_metrics(), "protocol": dict.fromkeys(PROTOCOLS, "")}.get(part, {})
    if name in own:
        whose = f" of protocol {own[name]!r}" if own[name] else ""
        raise SpecError(
            f"{part} {name!r} of a plug-in has the name of a {part}{whose} of this project",
            where=f"{path}, of the plug-in {plugin.folder}, named by {plugin.named_by}",
            hint="rename it in the plug-in (the file, and 'name:' in it), or leave the plug-in out",
        )


def check_pictures(entry: CatalogueEntry, plugin: Plugin, document: Document) -> None:
    """Refuse a plug-in's dataset whose pictures lie outside the plug-in."""
    dataset = entry.dataset
    if isinstance(dataset, ScenesDataset) or dataset.folder is None:
        return
    try:
        path_inside(plugin.folder, f"data/{dataset.folder.as_posix()}")
    except ValueError as error:
        hint = "name a folder below the plug-in's data/; pictures elsewhere are for an experiment's 'datasets:'"
        place = document.place(("dataset", "folder"))
        raise spec_error([Problem(f"dataset.folder: {error}", place, hint)], document.path) from error


def shadowing(part: str, name: str, first: Path, second: Path, plugin: Plugin) -> SpecError:
    """Return the error of a name that two folders bring."""
    article = "an" if part[0] in "aeiou" else "a"
    return SpecError(
        f"two folders bring {article} {part} {name!r}: {first} and {second}",
        where=f"the second is of the plug-in {plugin.folder}, named by {plugin.named_by}",
        hint="rename it in the plug-in (the file, and 'name:' in it), or leave one of the two plug-ins out",
    )
