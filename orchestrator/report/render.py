"""Writes the report: one folder of pages, pictures and static files that opens from disk."""

import dataclasses
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.report.address import EXPLAINED, INDEX, PROVENANCE, PUBLISHED, RESOURCES, TRAINING, dataset_page
from orchestrator.report.assets import Assets
from orchestrator.report.content import Dataset, Predictions, ReportContent
from orchestrator.report.lookup import predictions, tested, with_distinct_titles
from orchestrator.report.machine.files import write_machine_files
from orchestrator.report.machine.score_files import write_score_files
from orchestrator.report.pictures import AssetWriter, PictureSource
from orchestrator.report.views.comparison import comparison_view
from orchestrator.report.views.cost import cost_view
from orchestrator.report.views.dataset import dataset_intro_view, dataset_view
from orchestrator.report.views.explained import explained_view
from orchestrator.report.views.failures import failures_view
from orchestrator.report.views.gallery import gallery_view
from orchestrator.report.views.header import extra_pages, header_view
from orchestrator.report.views.layers import ShownPictures, shown_pictures
from orchestrator.report.views.making import making_view
from orchestrator.report.views.networks import networks_view
from orchestrator.report.views.overview import overview_view
from orchestrator.report.views.plots import plots_view
from orchestrator.report.views.provenance import provenance_view
from orchestrator.report.views.published import published_view
from orchestrator.report.views.resources import resources_view
from orchestrator.report.views.summary import summary_view
from orchestrator.report.views.training import training_view
from orchestrator.report.views.verdict import verdict_view
from orchestrator.report.views.viewer import viewer_view
from orchestrator.report.visible import visible

TEMPLATES = Path(__file__).parent / "templates"

Progress = Callable[[int, int], None]
"""Hears how many pictures of how many are in the report."""


def content_policy(*, charts: bool) -> str:
    """Return what a page may load, as a content security policy: files of the report, and nothing inline.

    `file:` stands beside 'self' because some browsers give every file of a folder an origin of its own. Plotly writes
    style elements whose text depends on the chart and on its version, so pages with charts allow inline styles.
    """
    style = " 'unsafe-inline'" if charts else ""
    return (
        "default-src 'none'; script-src 'self' file:; img-src 'self' file:; "
        f"style-src 'self' file:{style}; base-uri 'none'; form-action 'none'"
    )


@dataclasses.dataclass(frozen=True)
class PageView:
    """The frame of a page: header and sections are rendered by their own templates."""

    title: str
    policy: str
    icon: str
    styles: tuple[str, ...]
    scripts: tuple[str, ...]
    header: Markup
    sections: tuple[Markup, ...]
    program: str


def render_report(
    content: ReportContent, folder: Path, progress: Progress | None = None, source: PictureSource | None = None
) -> Path:
    """Write the report into a folder, made where it is not there, and return its index.html, which is written last.

    Args:
        content: What it tells.
        folder: Where to write it.
        progress: Hears how many of its pictures are there.
        source: What is known of its pictures.

    Raises:
        OutputInvalid: Where a picture cannot be shown, or is not the one that its stage left.
    """
    content = with_distinct_titles(content)
    folder.mkdir(parents=True, exist_ok=True)
    total = sum(_picture_count(content, dataset) for dataset in tested(content))
    pictures = AssetWriter(folder, source, lambda done: progress(done, total) if progress else None)
    writer = _Writer(content, folder)
    assets = writer.assets
    every: dict[str, ShownPictures] = {}
    for dataset in tested(content):
        shown = every[dataset.name] = shown_pictures(content, dataset, pictures.place)
        plots = plots_view(content, dataset, assets.plotly)
        parts: list[tuple[str, Any]] = [("dataset_intro", dataset_intro_view(content, dataset))]
        parts += [("plots", plots)] if plots else []
        if dataset.role == "pairs":
            parts.append(("comparison", comparison_view(content, dataset)))
            parts.append(("making", making_view(content, [dataset])))
        parts += [("gallery", gallery_view(content, dataset, shown))]
        parts += [("dataset", dataset_view(content, dataset)), ("viewer", viewer_view(content, dataset, shown))]
        scripts = (*assets.viewing, *assets.sorting, *assets.making, *(assets.plotting if plots else ()))
        writer.write(
            dataset_page(dataset.name),
            dataset.title,
            parts,
            scripts,
            styles=(assets.viewing_style,),
            charts=plots is not None,
        )
    write_score_files(content, folder)
    views: dict[PurePosixPath, tuple[str, Callable[[ReportContent], Any]]] = {
        PUBLISHED: ("published", published_view),
        EXPLAINED: ("explained", explained_view),
    }
    for page, title in extra_pages(content):
        name, make = views[page]
        writer.write(page, title, [(name, make(content))])
    training = [("training", training_view(content))]
    writer.write(TRAINING, "Training", training, assets.drawing, charts=True)
    writer.write(RESOURCES, "Time and memory", [("resources", resources_view(content))])
    writer.write(PROVENANCE, "Provenance", [("provenance", provenance_view(content))])
    failures = failures_view(content)
    sections: list[tuple[str, Any]] = [("overview", overview_view(content, every))]
    sections += [("failures", failures)] if failures.failed or failures.waiting else []
    verdict = verdict_view(content)
    sections += [("verdict", verdict)] if verdict else []
    sections += [("summary", summary_view(content)), ("networks", networks_view(content))]
    cost = cost_view(content, assets.plotly)
    sections += [("cost", cost)] if cost else []
    sections.append(("making", making_view(content, tested(content))))
    scripts = (*assets.sorting, *assets.choosing, *assets.making, *(assets.costing if cost else ()))
    index = writer.write(INDEX, "Summary", sections, scripts, charts=cost is not None)
    write_machine_files(content, folder)
    return index


def template_environment() -> Environment:
    """Return the environment of all templates: everything is escaped, a missing name is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment


def _visible(value: Any) -> Any:
    return visible(value) if isinstance(value, str) else value


class _Writer:
    """Writes the pages of one report."""

    def __init__(self, content: ReportContent, folder: Path) -> None:
        self.assets = Assets(folder)
        self._content = content
        self._folder = folder
        self._environment = template_environment()

    def write(
        self,
        path: PurePosixPath,
        title: str,
        sections: list[tuple[str, Any]],
        scripts: tuple[str, ...] = (),
        *,
        styles: tuple[str, ...] = (),
        charts: bool = False,
    ) -> Path:
        view = PageView(
            title=f"{self._content.name}: {title}",
            policy=content_policy(charts=charts),
            icon=self.assets.icon,
            styles=(self.assets.style, *styles),
            scripts=(*self.assets.common, *scripts),
            header=self._section("header", header_view(self._content, path)),
            sections=tuple(self._section(name, section) for name, section in sections),
            program=self._content.program,
        )
        target = self._folder / path
        text = self._environment.get_template("page.html.jinja").render(_fields(view))
        target.write_text(text, encoding="utf-8", errors="replace")
        return target

    def _section(self, name: str, view: Any) -> Markup:
        """Render one section; what comes out is markup, for its template escaped everything."""
        return Markup(self._environment.get_template(f"_{name}.html.jinja").render(_fields(view)))


def _fields(view: Any) -> dict[str, Any]:
    return {field.name: getattr(view, field.name) for field in dataclasses.fields(view)}


def _picture_count(content: ReportContent, dataset: Dataset) -> int:
    """Return how many pictures the dataset's page will show."""
    shown = [item for item in dataset.items if item.blended is not None]
    given = sum(1 for item in shown for path in (item.blended, item.transmission, item.reflection) if path)
    ids = {item.id for item in shown}
    found = [predictions(content, model.label, dataset.name) for model in content.models]
    answers = [answer for one in found if isinstance(one, Predictions) for answer in one.items if answer.id in ids]
    return given + sum(1 + (answer.reflection is not None) + len(answer.steps) for answer in answers)
