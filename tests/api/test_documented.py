"""The lines of Python that the documentation shows run as they stand there."""

import contextlib
import re
from pathlib import Path

import pytest

from orchestrator.store.store import Store
from tests.api.negatives import answer
from tests.execute.photo_engine import photo_engine
from tests.execute.small_run import keep_run

ROOT = Path(__file__).resolve().parents[2]
FIRST = "from orchestrator import api\n"
ALL = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
PAGES = [page for page in ALL if f"```python\n{FIRST}" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_lines_of_a_page_run(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = "\n".join(blocks[next(number for number, block in enumerate(blocks) if block.startswith(FIRST)) :])
    keep_run(Store(tmp_path / ".sirr"), tmp_path, name="quickstart")
    with contextlib.chdir(tmp_path), photo_engine({"infer": answer}):
        exec(compile(lines, page.name, "exec"), {})
    assert "errnet2019" in capsys.readouterr().out
