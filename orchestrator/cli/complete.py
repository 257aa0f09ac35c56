"""What the shell's completion offers: names that are there. It makes nothing, raises nothing, and imports little."""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from orchestrator import resources
from orchestrator.store import layout
from stagekit.inside import read_plain

_MOST_RUNS = 40
"""Runs whose documents are read for the names of their models."""

_LARGEST_BYTES = 2**26
"""Of a run's document that is read while a person waits."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}(/[a-z0-9][a-z0-9._-]{0,62})?")
"""Of what is offered, as the specs' own pattern: that one's module needs pydantic."""

Completion = Callable[[typer.Context, str], list[str]]


def _offered(names: Callable[[typer.Context, str], Iterable[str]]) -> Completion:
    """Return what completes by these names: those that begin as typed, and none where they cannot be told.

    What is no name is not offered: it would become words of the line that is typed.
    """

    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            fitting = {name for name in names(context, incomplete) if name.startswith(incomplete)}
            return sorted(name for name in fitting if _NAME.fullmatch(name))
        except Exception:
            return []

    complete.__name__, complete.__doc__ = names.__name__, names.__doc__
    return complete


@_offered
def run_names(context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the runs of the store whose names begin as typed."""
    return layout.Layout(_store(context)).run_names()


@_offered
def run_models(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Return RUN/MODEL of the store's runs."""
    return _run_models(context, incomplete)


@_offered
def methods_of_photographs(context: typer.Context, incomplete: str) -> Iterable[str]:
    """Return what takes photographs: models of runs, and programs."""
    return [*_run_models(context, incomplete), *_specs(context, "program_specs", resources.program_specs_folder())]


@_offered
def models(context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the models that can be trained and adopted."""
    return _specs(context, "model_specs", resources.model_specs_folder())


@_offered
def models_and_programs(context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the models and programs that can take part."""
    yield from _specs(context, "model_specs", resources.model_specs_folder())
    yield from _specs(context, "program_specs", resources.program_specs_folder())


@_offered
def images(context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the images that can be built."""
    for folder in (resources.images_folder(), *(plugin / "images" for plugin in _plugins(context))):
        yield from (path.parent.name for path in folder.glob("*/image.yaml"))


@_offered
def datasets(context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the datasets that can be named: the catalogue's, and prepared ones."""
    from orchestrator.spec.prepared import INDEX, data_home  # noqa: PLC0415 - only here: it needs pydantic

    yield from _specs(context, "data", resources.data_folder())
    prepared = data_home(context.params.get("data")) / "prepared"
    yield from (path.parent.name for path in prepared.glob(f"*/{INDEX}"))


@_offered
def metrics(_context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the metrics of all protocols."""
    from stagekit.measures import PROTOCOLS  # noqa: PLC0415 - only here

    return [metric.name for protocol in PROTOCOLS.values() for metric in protocol.metrics]


@_offered
def engines(_context: typer.Context, _incomplete: str) -> Iterable[str]:
    """Return the engines that can be asked for."""
    from orchestrator.engine.select import engine_choices  # noqa: PLC0415 - only here

    return engine_choices()


def _store(context: typer.Context) -> Path:
    """Return the store that is named on the line or by the environment, else the nearest one."""
    source = context.get_parameter_source("store")
    named = source is not None and not source.name.startswith("DEFAULT")
    return layout.store_folder(context.params.get("store") if named else None)


def _run_models(context: typer.Context, incomplete: str) -> Iterator[str]:
    runs = layout.Layout(_store(context))
    typed, slash, _ = incomplete.partition("/")
    fitting = [name for name in runs.run_names() if name == typed or (not slash and name.startswith(typed))]
    for run in fitting[:_MOST_RUNS]:
        with contextlib.suppress(Exception):  # a damaged document: the other runs' names are offered all the same
            document = json.loads(read_plain(runs.run(run) / "run.json", _LARGEST_BYTES))
            yield from [f"{run}/{entrant['label']}" for entrant in document["entrants"]]


def _specs(context: typer.Context, part: str, own: Path) -> Iterator[str]:
    for folder in (own, *(plugin / part for plugin in _plugins(context))):
        yield from (path.stem for path in folder.glob("*.yaml"))


def _plugins(context: typer.Context) -> Iterator[Path]:
    """Yield the folders of plug-ins that the line, the environment and the user's configuration name.

    Those of installed packages are left: to look for them takes longer than people wait for a word.
    """
    named = [str(folder) for folder in context.params.get("plugins") or ()]
    listed = os.environ.get("SIRR_PLUGINS", "").split(os.pathsep)
    yield from (Path(folder).expanduser() for folder in (*named, *listed) if folder)
    configured = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "sirr-orch" / "plugins"
    yield from (configured, *configured.glob("*/"))
