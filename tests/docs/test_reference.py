import dataclasses
import importlib
import importlib.util
import pkgutil
from pathlib import Path

import pytest

from stagekit import results

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


def records():
    modules = [
        importlib.import_module(f"stagekit.results.{found.name}") for found in pkgutil.iter_modules(results.__path__)
    ]
    return [
        cls
        for module in modules
        for cls in vars(module).values()
        if dataclasses.is_dataclass(cls) and cls.__module__ == module.__name__
    ]


@pytest.mark.parametrize("record", records(), ids=lambda record: record.__name__)
def test_every_field_of_a_result_is_described_and_nothing_else(record):
    _text, described = generator().described_fields(record)
    assert sorted(described) == sorted({field.name for field in dataclasses.fields(record)} - {"unknown"})
