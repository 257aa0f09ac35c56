"""The documentation as readers meet it: a short README, commands that exist, a site whose links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from orchestrator import __version__
from orchestrator.cli.app import app
from tests.docs.pages import PAGES, ROOT, blocks


def test_readme_is_short() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 700
    assert [line for line in text.splitlines() if len(line) > 120] == []


def commands(page: Path) -> Iterator[str]:
    """Yield every call of sirr-orch in the blocks of a page that are typed into a shell."""
    for language, text in blocks(page):
        if language in {"", "sh"}:
            for line in text.replace("\\\n", " ").splitlines():
                calls = re.finditer(r"(?:^|&& |; )\s*(sirr-orch [a-z-][^#|>&;]*)", line.partition(" #")[0])
                yield from (call[1].strip() for call in calls)


SHOWN = [(page, command) for page in PAGES for command in commands(page)]


def test_pages_show_commands() -> None:
    assert len(SHOWN) > 70


@pytest.mark.parametrize(
    ("page", "command"), SHOWN, ids=[f"{page.name}-{number}" for number, (page, _) in enumerate(SHOWN)]
)
def test_a_command_that_a_page_shows_is_one_with_such_options(page: Path, command: str) -> None:
    words = shlex.split(command)[1:]
    found: Any = typer.main.get_command(app)
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    context = found.context_class(found, info_name=found.name)
    found.make_parser(context).parse_args(words)


@pytest.mark.slow
def test_the_site_builds_and_none_of_its_links_is_broken(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        check=True,
    )
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        if page.name == "404.html":
            continue
        links = re.findall(r'(?:href|src)="?([^"\s>#]+)', page.read_text(encoding="utf-8"))
        inner = [link for link in links if not re.match(r"[a-z]+:|//", link)]
        assert [link for link in inner if not (page.parent / link).exists()] == []
        assert [link for link in links if re.search(r"fonts\.g|googleapis", link)] == []


def test_citation_names_this_version() -> None:
    citation = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["cff-version"], citation["version"]) == ("1.2.0", __version__)
    assert {"message", "title", "authors"} <= citation.keys()
