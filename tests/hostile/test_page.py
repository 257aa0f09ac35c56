import os
from pathlib import Path

from tests.hostile.page import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hostile-files.md"


def test_the_page_of_hostile_files_is_current() -> None:
    if os.environ.get("SIRR_ACCEPT_GOLDEN"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(), "run: SIRR_ACCEPT_GOLDEN=1 pytest tests/hostile/test_page.py"
