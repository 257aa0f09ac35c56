"""The rendered folder: every link leads somewhere, everything from outside is text, nothing is left unsaid."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from orchestrator.errors import OutputInvalid
from orchestrator.execute.rankings import with_rankings
from orchestrator.report.content import NotMeasured, ReportContent, Result
from orchestrator.report.render import render_report
from orchestrator.report.stage_content import StageRecord
from orchestrator.report.views.header import alerts
from tests.report.hostile_sample import HOSTILE

SHOWN = HOSTILE.replace("\u202e", "\ufffd")
"""How hostile text looks on a page: as it is written, but for the character that would turn what follows."""


class Page(HTMLParser):
    """What a browser makes of a page: tags with attributes, ids, and the text that a reader sees."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path = path
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data: dict[str, Any] = {}
        self._data_id = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        found = dict(attrs)
        self._data_id = (found.get("id") or "") if found.get("type") == "application/json" else ""

    def handle_data(self, data: str) -> None:
        if self._data_id:
            self.data[self._data_id] = json.loads(data)
            self._data_id = ""
        else:
            self.text += data

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]

    @property
    def links(self) -> Iterator[str]:
        for _, attributes in self.tags:
            for name in ("href", "src", "data-href"):
                if attributes.get(name) is not None:
                    yield attributes[name] or ""
        yield from self.pictures

    @property
    def pictures(self) -> Iterator[str]:
        """The pictures and thumbnails that scripts show."""
        found = self.data.get("pictures", {"pictures": ()})
        for picture in found["pictures"]:
            for layer, ending in zip(found["layers"], picture["endings"], strict=True):
                if ending is not None:
                    yield f"{picture['folder']}/{layer['path']}{ending}"
                    yield f"{picture['folder']}/{layer['path']}{found['thumbnail']}"


def pages(index: Path) -> list[Page]:
    return [Page(path) for path in sorted(index.parent.glob("*.html"))]


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_every_link_leads_to_a_file_or_place_of_the_report(report: str, request: pytest.FixtureRequest) -> None:
    index: Path = request.getfixturevalue(report)
    found = {page.path: page for page in pages(index)}
    assert index in found
    for page in found.values():
        for link in page.links:
            parts = urlsplit(link)
            assert not parts.scheme, link
            assert not parts.netloc, link
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
            assert target.is_file(), link
            assert target.is_relative_to(index.parent.resolve()), link
            if parts.fragment:
                assert parts.fragment in found[target].ids, link


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_every_page_is_reached_from_the_first(report: str, request: pytest.FixtureRequest) -> None:
    index: Path = request.getfixturevalue(report)
    found = {page.path.name: page for page in pages(index)}
    reached, ahead = {index.name}, [index.name]
    while ahead:
        links = {unquote(urlsplit(link).path) for link in found[ahead.pop()].links} & set(found)
        ahead += links - reached
        reached |= links
    assert reached == set(found)
    names = " ".join(sorted(found))
    assert all(word in names for word in ("dataset-", "index", "provenance", "published", "resources", "training"))


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_every_id_is_unique_and_every_label_exists(report: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(report)):
        assert len(page.ids) == len(set(page.ids))
        for _, attributes in page.tags:
            if "aria-labelledby" in attributes:
                assert attributes["aria-labelledby"] in page.ids


def test_nothing_in_the_folder_is_left_unused(plausible_report: Path) -> None:
    folder = plausible_report.parent
    linked = {unquote(urlsplit(link).path) for page in pages(plausible_report) for link in page.links}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in files - linked if "LICENSE" not in name} == set()


@pytest.mark.parametrize("report", ["plausible_report", "hostile_report"])
def test_pages_hold_no_inline_script_style_or_handler(report: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(report)):
        for tag, attributes in page.tags:
            assert tag != "style"
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            if tag == "script" and "src" not in attributes:
                assert attributes["type"] == "application/json"
        policy = next(a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        assert "default-src 'none'" in policy
        assert "script-src 'self' file:;" in policy


def test_hostile_text_is_shown_as_it_is_written(hostile_report: Path) -> None:
    for page in pages(hostile_report):
        assert SHOWN in page.text
        assert not [tag for tag, _ in page.tags if tag == "b"]
        assert not [attributes for tag, attributes in page.tags if attributes.get("src") == "x"]
        assert "49" not in page.text.replace("19.49", "")
        assert "\u202e" not in page.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("start", "name"), [("training", "figures"), ("dataset-script_b", "pictures"), ("index", "costs")]
)
def test_hostile_text_does_not_end_the_data_of_scripts(start: str, name: str, hostile_report: Path) -> None:
    path = next(path for path in hostile_report.parent.glob("*.html") if path.name.startswith(start))
    data = re.search(f'<script type="application/json" id="{name}">(.*?)</script>', path.read_text(encoding="utf-8"))
    assert data is not None
    assert "\\u003c/script\\u003e\\u003cb\\u003ex" in data[1]
    assert "<" not in data[1]
    assert "nan" not in data[1].replace('"nan"', "").lower()


def test_static_files_carry_their_contents_hash(plausible_report: Path) -> None:
    names = {path.name for path in (plausible_report.parent / "static").iterdir()}
    assert names
    assert all(re.fullmatch(r"[\w.-]+\.[0-9a-f]{10}\.(css|js|svg|txt)", name) for name in names)


def test_random_features_are_said_on_top_of_every_page(plausible_report: Path) -> None:
    for page in pages(plausible_report):
        before, _, _ = page.text.partition("Scores")
        assert "trial run, do not quote these numbers: the feature weights are random" in before


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (("psnr", "ssim"), ""),
        (("psnr", "lpips"), "trial run, do not quote LPIPS: the feature weights are random"),
    ],
)
def test_random_features_are_said_of_what_needs_features_alone(
    metrics: tuple[str, ...], said: str, plausible: ReportContent
) -> None:
    protocol = plausible.protocols[0]
    measured = tuple(metric for metric in protocol.metrics if metric.name in metrics)
    models = tuple(replace(model, sees_features=False) for model in plausible.models)
    content = replace(plausible, models=models, protocols=(replace(protocol, metrics=measured),))
    assert [alert.text for alert in alerts(content) if "feature" in alert.text] == ([said] if said else [])


@pytest.mark.parametrize("metrics", [("psnr",), ("psnr", "lpips")])
def test_random_features_of_no_network_are_said_of_metrics_alone(
    metrics: tuple[str, ...], plausible: ReportContent
) -> None:
    protocol = plausible.protocols[0]
    measured = tuple(metric for metric in protocol.metrics if metric.name in metrics)
    content = replace(plausible, models=(), protocols=(replace(protocol, metrics=measured),))
    said = ["trial run, do not quote LPIPS: the feature weights are random"] if "lpips" in metrics else []
    assert [alert.text for alert in alerts(content) if "feature" in alert.text] == said


def test_random_features_of_one_network_are_said_of_it(plausible: ReportContent) -> None:
    models = tuple(replace(model, sees_features=model.label == "errnet2019") for model in plausible.models)
    [said] = [alert.text for alert in alerts(replace(plausible, models=models)) if "feature" in alert.text]
    title = next(model.title for model in models if model.sees_features)
    assert said == f"trial run, do not quote LPIPS, nor the scores of {title}: the feature weights are random"


def test_pretrained_features_say_nothing(plausible: ReportContent, tmp_path: Path) -> None:
    index = render_report(replace(plausible, features="pretrained"), tmp_path)
    assert "cannot be compared" not in Page(index).text


def test_missing_numbers_say_why(plausible: ReportContent, tmp_path: Path) -> None:
    why = NotMeasured("train/errnet2019 failed: memory did not suffice")
    results = tuple(
        Result(r.label, r.dataset, why, dict.fromkeys(r.scores, why)) if r.label == "errnet2019" else r
        for r in plausible.results
        if r.label != "truth"
    )
    failed = StageRecord(
        "train/errnet2019", "train", "failed", "0" * 64, "errnet2019", None, "docker", "cpu", message="m!", hint="h!"
    )
    content = with_rankings(replace(plausible, results=results, stages=(failed,)))
    index = render_report(content, tmp_path)
    text = " ".join(Page(index).text.split())
    assert "not measured: train/errnet2019 failed: memory did not suffice" in text
    assert "not measured: no result was recorded" in text
    assert "1 stage failed" in text
    assert "m! What to do: h!" in text
    answers = Page(tmp_path / "dataset-photos.html").data["pictures"]["pictures"][0]["answers"]
    assert answers[1] == {"said": "", "missing": "train/errnet2019 failed: memory did not suffice"}


def test_dataset_that_was_not_prepared_is_named(plausible: ReportContent, tmp_path: Path) -> None:
    without = replace(plausible, datasets=plausible.datasets[1:])
    text = Page(render_report(without, tmp_path)).text
    assert "skimage-test: not measured, because the dataset was not prepared" in text


def test_models_of_one_title_are_told_apart(plausible: ReportContent, tmp_path: Path) -> None:
    models = tuple(replace(model, title="ERRNet") for model in plausible.models[:2])
    text = Page(render_report(with_rankings(replace(plausible, models=models)), tmp_path)).text
    assert "ERRNet (zhang2018)" in text
    assert "ERRNet (errnet2019)" in text


def test_progress_counts_every_picture(plausible: ReportContent, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    render_report(plausible, tmp_path, lambda done, total: told.append((done, total)))
    total = told[-1][1]
    assert told == [(done, total) for done in range(1, total + 1)]
    assert total == len(list(tmp_path.rglob("*.thumb.webp")))


def test_pictures_are_copied_unchanged(plausible: ReportContent, plausible_report: Path) -> None:
    item = plausible.datasets[0].items[0]
    assert item.blended is not None
    copy = plausible_report.parent / "pictures" / "skimage-test" / "001-coffee" / "input.png"
    assert copy.read_bytes() == item.blended.read_bytes()
    assert copy.stat().st_ino != item.blended.stat().st_ino


def test_file_that_is_no_picture_is_refused(plausible: ReportContent, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no picture")
    dataset = plausible.datasets[1]
    items = (replace(dataset.items[0], blended=broken), *dataset.items[1:])
    content = replace(plausible, datasets=(plausible.datasets[0], replace(dataset, items=items)))
    with pytest.raises(OutputInvalid, match=r"'broken\.png' cannot be shown"):
        render_report(content, tmp_path / "report")


@pytest.mark.slow
def test_report_is_the_same_when_it_is_made_again(plausible: ReportContent, tmp_path: Path) -> None:
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        render_report(plausible, folder)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    )
    assert first == second
