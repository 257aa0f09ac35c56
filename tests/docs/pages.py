"""Pages of the documentation, and the fenced blocks in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def blocks(page: Path, title: str | None = None) -> list[tuple[str, str]]:
    """Return language and text of every fenced block of a page, or of one of its sections."""
    text = page.read_text(encoding="utf-8")
    if title is not None:
        (text,) = [part for part in re.split(r"^## ", text, flags=re.MULTILINE) if part.startswith(title)]
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
