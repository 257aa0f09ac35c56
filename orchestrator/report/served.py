"""What a server of reports shows: one report, or all reports of a store; nothing that lies beside them."""

import dataclasses
import os
from pathlib import Path
from urllib.parse import quote

from stagekit import BadInput
from stagekit.inside import inside, unsafe_id

_INDEX = "index.html"
_TEMPLATE = "runs.html.jinja"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"
"""What the page of all reports may load: nothing."""


@dataclasses.dataclass(frozen=True)
class Page:
    """A page that is made when it is asked for, in UTF-8."""

    content: bytes


@dataclasses.dataclass(frozen=True)
class Moved:
    """An address that lies elsewhere on this server."""

    to: str


Answer = Path | Page | Moved | None
"""A plain file, a page, another address, or nothing."""


@dataclasses.dataclass(frozen=True)
class OneReport:
    """The files of one folder.

    Attributes:
        folder: Links on the way to it are followed; those in it, where they lead to something in it.
    """

    folder: Path

    def answer(self, name: str) -> Answer:
        """Return what a relative path with forward slashes names; empty names the first page."""
        return _file(self.folder, name or _INDEX)


@dataclasses.dataclass(frozen=True)
class RunsView:
    """The page that names all runs with a report.

    Attributes:
        policy: What it may load.
        runs: Their names.
    """

    policy: str
    runs: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class AllReports:
    """The reports of a store's runs, each below its run's name.

    Attributes:
        store: The store's folder; nothing is written to it.
    """

    store: Path

    def answer(self, name: str) -> Answer:
        """Return what RUN/PATH names; empty names the page of all runs."""
        if not name:
            return Page(self._page())
        run, slash, inner = name.partition("/")
        folder = self._report(run)
        if folder is None:
            return None
        if not slash:
            return Moved(f"/{quote(run)}/")
        return OneReport(folder).answer(inner)

    def runs(self) -> tuple[str, ...]:
        """Return the names of the runs that have a report."""
        folder = self.store / "runs"
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        return tuple(name for name in names if self._report(name) is not None)

    def _report(self, run: str) -> Path | None:
        """Return the folder of a run's report; earlier versions linked to it, inside the store."""
        if unsafe_id(run):
            return None
        try:
            folder = Path(inside(self.store, f"runs/{run}/report"))
        except BadInput:
            return None
        return folder if (folder / _INDEX).is_file() else None

    def _page(self) -> bytes:
        # Imported here: one report is served without templates.
        from orchestrator.report.render import template_environment  # noqa: PLC0415

        view = RunsView(POLICY, self.runs())
        return template_environment().get_template(_TEMPLATE).render(dataclasses.asdict(view)).encode()


def _file(folder: Path, name: str) -> Path | None:
    try:
        found = Path(os.path.realpath(inside(folder, name)))
    except BadInput:
        return None
    return found if found.is_file() else None
