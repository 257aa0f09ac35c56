"""The page on the architecture names what is there, and links in all pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

PAGE = ROOT / "docs" / "architecture.md"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading of the page, without its head."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_every_room_is_there_and_named() -> None:
    named = {row[0].strip("`") for row in table("Rooms")}
    packages = {f"orchestrator/{path.parent.name}" for path in (ROOT / "orchestrator").glob("*/__init__.py")}
    assert named == packages | {"stagekit", "images/netkit"}


def test_images_hold_the_packages_that_the_page_says() -> None:
    for names, _, packages in table("Processes"):
        for image in re.findall(r"`(\w+)`", names):
            recipe = (ROOT / "images" / image / "image.yaml").read_text(encoding="utf-8")
            code = re.search(r"^code: \[(.*)\]$", recipe, re.MULTILINE)
            assert code
            own = {image, f"{image}_program"}
            assert set(code[1].split(", ")) - own == set(re.findall(r"`([\w.]+)`", packages)), image


def test_modules_of_exact_inference_are_there() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Inside exact inference\n")[1].split("\n## ")[0]
    modules = {path.stem for path in (ROOT / "orchestrator" / "infer").rglob("*.py")}
    drawn = set(re.findall(r"\b[a-z]+_[a-z]+\b", section)) | {"cuts", "optimise", "planner", "session", "checkpoint"}
    assert drawn <= modules


def test_every_word_of_the_glossary_is_used() -> None:
    """In code or in other pages; a hyphen, a space, an underscore and capitals make no difference."""
    folders = [ROOT / name for name in ("orchestrator", "stagekit", "images")]
    files = [path for folder in folders for path in folder.rglob("*.py")] + [one for one in PAGES if one != PAGE]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    used = re.sub(r"[\W_]+", "", text).lower()
    unused = [word for word, _ in table("Glossary") if re.sub(r"\W+", "", word).lower() not in used]
    assert not unused
    assert [word for word, _ in table("Glossary")] == sorted(word for word, _ in table("Glossary"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [
        link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and not link.startswith("mailto:")
    ]
    for link in links:
        file, _, heading = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}
            assert heading in anchors, link
