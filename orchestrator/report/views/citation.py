"""How a network is cited: links to its paper and program, and an entry for BibTeX."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote_plus, urlsplit

from orchestrator.report.content import Model, Paper
from orchestrator.report.latex import latex_text

_ADDRESS = re.compile(r"https?://[^\s()<>\"']+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Link:
    """An address elsewhere, which a reader may follow and no page loads."""

    text: str
    href: str


def links(paper: Paper) -> tuple[Link, ...]:
    """Return where a paper and its authors' program are found.

    The paper is searched for by its title: its description has no address of it.
    """
    return tuple(_links(paper))


def _links(paper: Paper) -> Iterator[Link]:
    if paper.title and paper.authors:
        yield Link(
            "find the paper", f"https://scholar.google.com/scholar?q={quote_plus(paper.title, errors='replace')}"
        )
    found = _ADDRESS.search(paper.program)
    if found is not None and _is_plain(found[0]):
        yield Link("the authors' program", found[0].rstrip(".,;"))


def _is_plain(address: str) -> bool:
    """Whether an address from outside is one of a host by its name, without a user's name before it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and "@" not in parts.netloc


def bibtex(model: Model) -> str:
    """Return an entry for BibTeX; empty where the paper is not known."""
    paper = model.paper
    if not paper.title or not paper.authors:
        return ""
    year = _YEAR.search(paper.venue)
    plain = (
        unicodedata.normalize("NFKD", paper.authors.split(",")[0].split(" and ")[0]).encode("ascii", "ignore").decode()
    )
    surname = re.sub(r"[^A-Za-z]", "", plain.split()[-1] if plain.split() else "") or "network"
    word = next((word for word in re.findall(r"[A-Za-z]{4,}", paper.title)), "paper")
    authors = " and ".join(part.strip() for part in re.split(r",| and ", paper.authors) if part.strip())
    fields = {
        "title": f"{{{_tex(paper.title)}}}",
        "author": _tex(authors),
        "booktitle": _tex(_YEAR.sub("", paper.venue).strip(" ,")),
        "year": year[0] if year else "",
    }
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@inproceedings{{{surname.lower()}{year[0] if year else ''}{word.lower()},", *lines, "}"])


def _tex(text: str) -> str:
    return latex_text(" ".join(text.split()))
