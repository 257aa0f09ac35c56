"""A fingerprint names what code does, and of what code: not how it is written, nor what nothing reaches."""

from pathlib import Path

import pytest

from orchestrator.environments.fingerprint import CodeTree, source_fingerprint
from orchestrator.environments.recipe import code_files, orchestrator_files
from orchestrator.spec.library import image_names, load_image

SPECIMEN = '''
"""Docstring."""
import os
from typing import Any, Dict

async def work(first: int, /, *rest: Any, named: float = 1e-3, **more: Dict[str, int]) -> "str":
    """Docstring."""
    total = [x ** 2 for x in rest if (y := x) is not None]
    with open(os.devnull, "rb") as stream, stream:
        print(f"{first!r:>{named}} {total=}" "and so on", end="")
    try:
        return -1 if total else await more[...]
    except (ValueError, KeyError) as error:
        raise RuntimeError(b"\\x00") from error
    finally:
        del total[1:2, ::3]

class Kind(Exception, metaclass=type):
    field: int = 0x10
    match: complex = 2j

def choose(value):
    match value:
        case {"a": [1, *_], **others} if others:
            return lambda *a: a
        case str() | None:
            yield from ()
'''


def test_fingerprint_is_the_same_on_every_python():
    """The value was found with 3.11, 3.12 and 3.13: a record that one of them writes holds for the others."""
    assert source_fingerprint(SPECIMEN) == "d2b155a4cef6de39"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("# a comment\n" + SPECIMEN, id="comment"),
        pytest.param(SPECIMEN.replace('"""Docstring."""', '"""Other words."""'), id="docstring"),
        pytest.param(SPECIMEN.replace('    """Docstring."""\n', ""), id="no-docstring"),
        pytest.param(SPECIMEN.replace(" if total else ", "  if (total)  else "), id="spaces"),
        pytest.param(SPECIMEN.replace("0x10", "16"), id="notation"),
        pytest.param(SPECIMEN + '\n"""A string that documents."""\n', id="string"),
        pytest.param(SPECIMEN + '\n__version__ = "1.2"\n', id="version"),
    ],
)
def test_other_writing_of_the_same_code_is_the_same(text):
    assert source_fingerprint(text) == source_fingerprint(SPECIMEN)


@pytest.mark.parametrize(
    ("before", "after"),
    [("1e-3", "1e-4"), ("raise RuntimeError", "raise ValueError"), ("-1 if total", "1 if total"), ('b"', '"')],
)
def test_other_code_is_another(before, after):
    assert before in SPECIMEN
    assert source_fingerprint(SPECIMEN.replace(before, after)) != source_fingerprint(SPECIMEN)


def test_docstring_counts_where_the_module_reads_docstrings():
    assert source_fingerprint('"""One."""\nprint(__doc__)') != source_fingerprint('"""Two."""\nprint(__doc__)')


@pytest.mark.slow
def test_a_comment_changes_the_fingerprint_of_no_file_of_ours():
    files = {**orchestrator_files()}
    for name in image_names():
        files |= code_files(load_image(name))
    sources = [path.read_text(encoding="utf-8") for path in set(files.values()) if path.suffix == ".py"]
    assert len(sources) > 200
    assert all(source_fingerprint(text + "\n# words\n") == source_fingerprint(text) for text in sources)


PROGRAM = {
    "program/__init__.py": "",
    "program/__main__.py": "import sys\nfrom program.a import train\nfrom program.b import export\n"
    "from shared import settings\nsys.exit(settings({'train': train, 'export': export}))\n",
    "program/a.py": "def train():\n    from . import steps\n    import numpy, shared.deep.inner\n",
    "program/b.py": "from program.weights import read\n",
    "program/steps.py": "",
    "program/weights.py": "",
    "program/unused.py": "",
    "shared/__init__.py": "def settings(): ...\n",
    "shared/deep/__init__.py": "",
    "shared/deep/inner.py": "",
    "shared/deep/table.csv": "1,2\n",
    "shared/other/__init__.py": "",
    "shared/other/words.txt": "words\n",
}
COMMON = {"program/__init__.py", "program/__main__.py", "shared/__init__.py", "shared/other/words.txt"}
TRAIN = COMMON | {"program/a.py", "program/steps.py", "shared/deep/__init__.py", "shared/deep/inner.py"}


@pytest.fixture
def reached(tmp_path: Path):
    def reach(kind, changes=None):
        files = {}
        for name, text in {**PROGRAM, **(changes or {})}.items():
            files[name] = tmp_path / name
            files[name].parent.mkdir(parents=True, exist_ok=True)
            files[name].write_text(text)
        return CodeTree(files).reached("program", kind)

    return reach


def test_reached_is_what_the_function_of_a_kind_imports_directly_or_not_and_the_files_beside_it(reached):
    assert set(reached("train")) == TRAIN | {"shared/deep/table.csv"}
    assert set(reached("export")) == COMMON | {"program/b.py", "program/weights.py", "shared/deep/table.csv"}


def test_without_a_known_kind_everything_that_the_program_imports_is_reached(reached):
    assert set(reached(None)) == set(reached("other")) == set(reached("train")) | set(reached("export"))


def test_a_new_module_changes_nothing_until_something_imports_it(reached):
    before = reached("train")
    assert reached("train", {"program/unused.py": "print(1)", "program/new.py": "print(2)"}) == before
    after = reached("train", {"program/steps.py": "from program.unused import *"})
    assert set(after) - set(before) == {"program/unused.py"}


def test_a_table_that_a_program_may_read_counts_by_its_bytes(reached):
    before, after = reached("train"), reached("train", {"shared/deep/table.csv": "1,3\n"})
    assert {name for name in before if before[name] != after[name]} == {"shared/deep/table.csv"}


def test_where_modules_are_imported_by_name_all_of_them_count(reached):
    by_name = {"program/weights.py": "import importlib\nimportlib.import_module('x' + 'y')\n"}
    assert set(reached("export", by_name)) == set(PROGRAM)
