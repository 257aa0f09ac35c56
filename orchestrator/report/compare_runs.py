"""Writes the page that sets runs side by side: one folder that opens from disk."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from orchestrator.report.address import INDEX
from orchestrator.report.assets import Assets
from orchestrator.report.render import PageView, content_policy, template_environment
from orchestrator.report.views.compared_runs import Judge, RunFacts, compared_runs_view
from orchestrator.report.views.header import Alert, HeaderView, NavLink, alerts


def render_compared_runs(runs: Sequence[RunFacts], folder: Path, judge: Judge) -> Path:
    """Write the page of at least two runs, the one to compare with first, and return its index.html."""
    folder.mkdir(parents=True, exist_ok=True)
    environment, assets = template_environment(), Assets(folder)
    view = compared_runs_view(runs, judge)

    def section(name: str, view: Any) -> Markup:
        fields = {field.name: getattr(view, field.name) for field in dataclasses.fields(view)}
        return Markup(environment.get_template(name).render(fields))

    found = [f"{scores.title}: {text}" for scores in view.scores for text in scores.obstacles]
    found += [f"in {run.content.name}: {alert.text}" for run in runs for alert in alerts(run.content)]
    header = HeaderView(
        name=" beside ".join(run.name for run in view.runs),
        note=f"Differences are to {view.runs[0].name}.",
        dates="",
        alerts=tuple(Alert(text, "", "") for text in dict.fromkeys(found)),
        links=tuple(NavLink(run.name, run.href, current=False) for run in view.runs if run.href),
    )
    page = PageView(
        title=header.name,
        policy=content_policy(charts=False),
        icon=assets.icon,
        styles=(assets.style,),
        scripts=assets.common,
        header=section("_header.html.jinja", header),
        sections=(section("_compared_runs.html.jinja", view),),
        program=view.runs[0].program,
    )
    index = folder / INDEX
    index.write_text(section("page.html.jinja", page), encoding="utf-8", errors="replace")
    return index
