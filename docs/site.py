"""Hooks of MkDocs: takes in what pages name outside of docs/, so that links lead where they do in the repository."""

import os
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Pages of the repository outside of docs/, with their places in the site."""

_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside of docs/, and the files that any page names; links lead to their places in the site."""
    own = {file.src_uri: ROOT / "docs" / file.src_uri for file in files.documentation_pages()}
    attached: dict[str, Path] = {}
    for place, source in {**own, **{place: ROOT / name for name, place in PAGES.items()}}.items():
        text = source.read_text(encoding="utf-8")
        linked = _with_places(text, source, place, attached)
        if place in own and linked != text:
            files.remove(files.src_uris[place])
        if place not in own or linked != text:
            files.append(File.generated(config, place, content=linked))
    for place, source in attached.items():
        files.append(File.generated(config, place, abs_src_path=str(source)))
    return files


def _with_places(text: str, source: Path, place: str, attached: dict[str, Path]) -> str:
    """Return a page with each link leading to where its target lies in the site.

    Args:
        text: The page.
        source: Its file in the repository.
        place: Where it lies in the site, such as 'how-to/train.md'.
        attached: Takes up the files outside of docs/ that are no pages, by their places in the site.
    """

    def replaced(match: re.Match[str]) -> str:
        target = (source.parent / match[1]).resolve()
        name = target.relative_to(ROOT).as_posix()
        if name in PAGES:
            there = PAGES[name]
        elif name.startswith("docs/"):
            there = name.removeprefix("docs/")
        else:
            there = f"files/{name}"
            attached[there] = target
        return f"]({os.path.relpath(there, Path(place).parent)}"

    parts = _FENCED.split(text)
    return "".join(part if part.startswith("```") else _LINK.sub(replaced, part) for part in parts)
