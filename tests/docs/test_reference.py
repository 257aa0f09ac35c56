import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", generator().PAGES)
def test_reference_page_is_current(name):
    page = generator().PAGES[name]()
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == page, "run: python docs/generate.py"
