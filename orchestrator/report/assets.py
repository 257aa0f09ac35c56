"""Scripts and styles of the report: each is copied under a name that carries its content's hash."""

import hashlib
import importlib.util
import shutil
from functools import cached_property
from pathlib import Path, PurePosixPath

from orchestrator.errors import SirrError
from orchestrator.report.address import href

_STATIC = Path(__file__).parent / "static"
_SLIDER = _STATIC / "vendor" / "img-comparison-slider.js"


class Assets:
    """The static files of one report; only what a page asks for is copied."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def style(self) -> str:
        """Address of the style sheet of all pages."""
        return self._put(_STATIC / "style.css")

    @cached_property
    def viewing_style(self) -> str:
        """Address of the style sheet of pages with pictures."""
        return self._put(_STATIC / "pictures.css")

    @cached_property
    def icon(self) -> str:
        """Address of the pages' icon."""
        return self._put(_STATIC / "icon.svg")

    @cached_property
    def common(self) -> tuple[str, ...]:
        """Scripts of all pages: they open what is folded for print, copy, and give every table its tools."""
        return tuple(self._put(_STATIC / name) for name in ("printing.js", "copying.js", "tables.js"))

    @cached_property
    def making(self) -> tuple[str, ...]:
        """Scripts that show what a number was made of."""
        return (self._put(_STATIC / "making.js"),)

    @cached_property
    def sorting(self) -> tuple[str, ...]:
        """Scripts that sort tables."""
        return (self._put(_STATIC / "sort.js"),)

    @cached_property
    def choosing(self) -> tuple[str, ...]:
        """Scripts that show the tables of one protocol."""
        return (self._put(_STATIC / "choose.js"),)

    @cached_property
    def viewing(self) -> tuple[str, ...]:
        """Scripts of the gallery and the viewer; the slider's licence goes with it."""
        self._put(_SLIDER.with_name("img-comparison-slider.LICENSE.txt"))
        names = ("pictures.js", "stage.js", "viewer.js", "gallery.js")
        return (self._put(_SLIDER), *(self._put(_STATIC / name) for name in names))

    @cached_property
    def plotly(self) -> str:
        """Address of the library that draws; pages fetch it when a plot comes into sight."""
        return self._put(plotly_script())

    @cached_property
    def drawing(self) -> tuple[str, ...]:
        """Scripts that draw the charts of a page that consists of them."""
        return (self.plotly, self._put(_STATIC / "drawing.js"), self._put(_STATIC / "charts.js"))

    @cached_property
    def plotting(self) -> tuple[str, ...]:
        """Scripts that draw a dataset's scores, once its pictures are known to the page."""
        return (self._put(_STATIC / "drawing.js"), self._put(_STATIC / "plots.js"))

    @cached_property
    def costing(self) -> tuple[str, ...]:
        """Scripts that draw quality against cost."""
        return (self._put(_STATIC / "drawing.js"), self._put(_STATIC / "cost.js"))

    def _put(self, source: Path) -> str:
        stem, _, ending = source.name.rpartition(".")
        digest = hashlib.sha256(source.read_bytes()).hexdigest()[:10]
        path = PurePosixPath("static") / f"{stem}.{digest}.{ending}"
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        return href(path)


def plotly_script() -> Path:
    """Return plotly.min.js of the installed package; the package itself is slow to import and is not imported.

    Raises:
        SirrError: Where the package lacks it.
    """
    found = importlib.util.find_spec("plotly")
    for folder in (found.submodule_search_locations or ()) if found else ():
        script = Path(folder) / "package_data" / "plotly.min.js"
        if script.is_file():
            return script
    raise SirrError("the Python package plotly lacks plotly.min.js", hint="install it again: pip install plotly")
