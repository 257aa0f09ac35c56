"""Pictures are called in a report as their owners call them, in whatever script."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.datasets.identifiers import safe_identifiers
from orchestrator.report.content import Dataset, Picture, ReportContent
from orchestrator.report.lookup import picture_names
from orchestrator.report.render import render_report


def called(*origins: str) -> list[str]:
    """Return how pictures of these files are called, whose ids are made as a dataset's are."""
    ids = safe_identifiers(Path(origin).stem for origin in origins)
    items = tuple(Picture(one, None, None, None, 3, 4, origin) for one, origin in zip(ids, origins, strict=True))
    names = picture_names(Dataset("d", "D", "pairs", items))
    return [names[one] for one in ids]


@pytest.mark.parametrize(
    ("origins", "names"),
    [
        pytest.param(["blended/прибор 1.png", "blended/прибор 2.png"], ["прибор 1", "прибор 2"], id="cyrillic"),
        pytest.param(["写真.jpg", "写真2.jpg"], ["写真", "写真2"], id="han"),
        pytest.param(["Müller.png", "Muller.png"], ["Müller", "Muller"], id="one-letter-apart"),
        pytest.param(["a/прибор.png", "b/прибор.png"], ["a/прибор", "b/прибор"], id="one-name-in-two-folders"),
        pytest.param(["1.png", "a b.png", "", "IMG(1).jpg"], ["1", "a b", "picture", "IMG(1)"], id="signs-of-ascii"),
    ],
)
def test_name_is_the_files_own_where_no_id_can_hold_it(origins: list[str], names: list[str]) -> None:
    assert called(*origins) == names


def test_cards_tables_and_the_viewer_show_the_name_as_it_is(plausible: ReportContent, tmp_path: Path) -> None:
    dataset = plausible.datasets[0]
    first = replace(dataset.items[0], origin="blended/прибор 名前.png")
    content = replace(
        plausible,
        datasets=(replace(dataset, items=(first, *dataset.items[1:])), *plausible.datasets[1:]),
    )
    folder = tmp_path / "report"
    render_report(content, folder)
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.html"))
    assert '<span class="tile-name">прибор 名前</span>' in text
    assert re.search(r'<th scope="row" class="name"><a href="#picture-1">прибор 名前</a></th>', text)
    islands = re.findall(r'<script type="application/json" id="pictures">(.*?)</script>', text, re.DOTALL)
    names = [picture["name"] for island in islands for picture in json.loads(html.unescape(island))["pictures"]]
    assert "прибор 名前" in names
