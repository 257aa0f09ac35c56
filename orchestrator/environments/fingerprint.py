"""What code a stage can reach, and what of it can decide a result: its syntax, without comments and docstrings.

Reached is what is imported, directly or through others, from the function that runs the stage. A new module that
nothing reaches, a comment and a reformatting leave a fingerprint as it is.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_BY_NAME = {"import_module", "__import__", "run_module", "run_path"}
"""Functions that import what no reader of the code can know."""


class CodeTree:
    """The modules of some packages that can import each other.

    Args:
        files: Path of each file, by its path below the folder that Python looks into, such as ``netkit/training.py``.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._modules = {_module_name(name): name for name in files if name.endswith(".py")}

    def reached(self, module: str, kind: str | None = None) -> dict[str, str]:
        """Return the fingerprints of the files that can decide what a module does, by their names.

        Args:
            module: Where it begins; a package stands for its ``__main__``.
            kind: A stage kind: what the program imports for other kinds alone is left out, where its handlers can be
                told apart.
        """
        start = f"{module}.__main__" if f"{module}.__main__" in self._modules else module
        found: set[str] = set()
        others = self._handlers_of_others(start, kind)
        waiting = [*_with_parents(start), *(name for name in self._imports(start) if name not in others)]
        while waiting:
            name = waiting.pop()
            if name in found or name not in self._modules:
                continue
            found.add(name)
            if _imports_by_name(self._path(name).read_text(encoding="utf-8")):
                return {file: self._fingerprint(file) for file in sorted(self._files)}
            if name != start:
                waiting.extend(self._imports(name))
        files = {self._modules[name] for name in found}
        return {file: self._fingerprint(file) for file in sorted(files | set(self._data(files)))}

    def _imports(self, module: str) -> Iterator[str]:
        """Yield every module that a module imports, and the packages above it, whether they are known here or not."""
        package = module if self._modules[module].endswith("__init__.py") else module.rpartition(".")[0]
        for name in _imports_of(self._path(module).read_text(encoding="utf-8"), package):
            yield from _with_parents(name)

    def _handlers_of_others(self, start: str, kind: str | None) -> set[str]:
        """Return the modules that a program takes the functions of other kinds from, and not that of this kind."""
        if kind is None:
            return set()
        tree = _syntax(self._path(start))
        origins = {
            alias.asname or alias.name: node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and not node.level
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                table = {
                    key.value: origins[value.id]
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Name) and value.id in origins
                }
                if kind in table:
                    return {module for name, module in table.items() if module != table[kind]}
        return set()

    def _data(self, modules: set[str]) -> Iterator[str]:
        """Yield the files beside and below reached modules that are no modules: a program may read them."""
        folders = {name.rpartition("/")[0] for name in modules}
        for name in self._files:
            if not name.endswith((".py", ".pyi", "py.typed")) and any(name.startswith(f"{top}/") for top in folders):
                yield name

    def _path(self, module: str) -> Path:
        return self._files[self._modules[module]]

    def _fingerprint(self, file: str) -> str:
        return file_fingerprint(self._files[file])


def file_fingerprint(path: Path) -> str:
    """Return what names the meaning of a file: a module's syntax without comments and docstrings, else its bytes."""
    if path.suffix == ".py":
        return source_fingerprint(path.read_text(encoding="utf-8"))
    content = path.read_bytes()
    if path.name == "Dockerfile":
        content = b"\n".join(line for line in content.splitlines() if line.strip() and not line.startswith(b"#"))
    return hashlib.sha256(content).hexdigest()[:16]


@cache
def source_fingerprint(source: str) -> str:
    """Return 16 hexadecimal digits that name a module's syntax: the same from Python 3.11 to 3.14.

    Bare strings are left out wherever they stand, unless the module reads docstrings; so is the program's version.
    """
    tree = ast.parse(source)
    words: list[str] = []
    _write(tree, words, strings="__doc__" in source)
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def combined(fingerprints: Mapping[str, str]) -> str:
    """Return one hash of the fingerprints of files."""
    text = "\n".join(f"{name} {fingerprint}" for name, fingerprint in sorted(fingerprints.items()))
    return hashlib.sha256(text.encode()).hexdigest()


def _write(node: Any, words: list[str], *, strings: bool) -> None:
    """Append the words of a node: its kind and its fields that are not empty, in the order of their names.

    What versions of Python add to the syntax is empty in code that does not use it, so that it leaves no word.
    """
    if isinstance(node, ast.JoinedStr):
        words.append("(JoinedStr")
        for part in _joined(node.values):
            _write(part, words, strings=strings)
        words.append(")")
    elif isinstance(node, ast.AST):
        words.append(f"({type(node).__name__}")
        for field in sorted(node._fields):
            value = getattr(node, field, None)
            if field in {"ctx", "kind", "type_ignores"} or value is None or value == []:
                continue
            words.append(f"{field}=")
            _write(value, words, strings=strings)
        words.append(")")
    elif isinstance(node, list):
        words.append("[")
        for item in node:
            if not _is_version(item) and (strings or not _is_bare_string(item)):
                _write(item, words, strings=strings)
        words.append("]")
    else:
        words.append(f"{type(node).__name__}:{node!r}")


def _joined(parts: list[ast.expr]) -> Iterator[Any]:
    """Yield the parts of a formatted string with neighbouring texts as one: versions of Python part them otherwise."""
    text = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            yield from filter(None, (text, part))
            text = ""
    yield from filter(None, (text,))


def _is_bare_string(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_version(node: Any) -> bool:
    return isinstance(node, ast.Assign) and [getattr(name, "id", "") for name in node.targets] == ["__version__"]


@cache
def _imports_of(source: str, package: str) -> tuple[str, ...]:
    """Return what a module imports, which lies in a package."""
    return tuple(name for node in ast.walk(_parsed(source)) for name in _imported(node, package))


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")
        base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
        module = ".".join(part for part in (base, node.module) if part)
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)


def _with_parents(module: str) -> Iterator[str]:
    """Yield a module and the packages that hold it: importing it runs them."""
    parts = module.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _imports_by_name(source: str) -> bool:
    """Return whether a module imports others by names that only running it tells."""
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in _BY_NAME:
                return True
    return False


def _syntax(path: Path) -> ast.Module:
    return _parsed(path.read_text(encoding="utf-8"))


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)
