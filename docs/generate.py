"""Writes docs/reference/ from the code: commands, the spec's fields, errors.

usage: python docs/generate.py [--check]     (--check changes nothing and fails where a page is stale)
"""

import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from orchestrator import api
from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.metrics.ranking import LEVEL
from orchestrator.metrics.resampling import DRAWS
from orchestrator.metrics.signed_rank import MOST_EXACT, SIGN_DRAWS
from orchestrator.metrics.statistics import CONFIDENCE, RESAMPLES, SMALLEST
from orchestrator.report.machine import record
from orchestrator.spec import dataset, entrants, experiment, image, metric, model, protocol_spec
from orchestrator.spec.library import built_in
from orchestrator.spec.protocol import INFINITE_RULE
from orchestrator.store import run_document, run_entries
from orchestrator.store.run_document import document_schema
from stagekit import results
from stagekit.measures import CONTROLS, PROTOCOLS, Protocol
from stagekit.results.form import Form, fields_of

REFERENCE = Path(__file__).resolve().parent / "reference"
PARTS = Path(__file__).resolve().parent / "parts"
GENERATED = "<!-- Made by docs/generate.py; edit the code, not this page. -->\n"


def _part(name: str) -> str:
    """Return what people have written for a page, which stands in `docs/parts/`."""
    return (PARTS / f"{name}.md").read_text(encoding="utf-8")


def commands_page() -> str:
    """Return the reference of the commands."""
    group: Any = typer.main.get_command(app)
    parts = ["# Commands\n", GENERATED]
    for name, command in _commands("sirr-orch", group):
        parts.append(f"## {name}\n")
        parts.append(_with_examples((command.help or "").strip()) + "\n")
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts.append("| argument or option | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _with_examples(text: str) -> str:
    """Return a command's help with its examples as code."""
    prose, head, examples = text.partition("\n\nExample")
    return "\n".join([f"{prose}\n\n```", *examples.splitlines()[1:], "```"]) if head else text


def _commands(path: str, group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(f"{path} {name}", command)
        else:
            yield f"{path} {name}", command


def _parameter(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("-"))
    shown = names or f"`{parameter.metavar or parameter.name.upper()}`"
    text = " ".join(str(getattr(parameter, "help", "") or "").split())
    variable = getattr(parameter, "envvar", None)
    return f"| {shown} | {text}{f' [env: {variable}]' if variable else ''} |"


def spec_page() -> str:
    """Return the reference of everything that users write."""
    parts = ["# The spec\n", GENERATED]
    parts.append("Every field; unknown ones are refused. `sirr-orch schema` prints the same for editors.\n")
    for module in (experiment, entrants, dataset, model, image, metric, protocol_spec):
        for cls in _models(module):
            parts.append(f"## {cls.__name__}\n\n{(cls.__doc__ or '').strip()}\n")
            parts.append("| field | default | meaning |\n| --- | --- | --- |")
            parts.extend(_field(name, field) for name, field in cls.model_fields.items())
            parts.append("")
    parts += [part for name in built_in().model_names for part in _recipe(name)]
    return "\n".join(parts)


def _recipe(name: str) -> Iterator[str]:
    """Yield the fields of a model's recipe, as its schema has them; models that share one are told once."""
    spec = built_in().model(name)
    if spec.recipe_schema.partition(".")[0] != name:
        return
    schema = spec.schema_of_recipes.schema
    yield f"## Recipe of {name}\n\n{schema['title']}: `model_specs/{spec.recipe_schema}`.\n"
    yield "| field | default | meaning |\n| --- | --- | --- |"
    for field, value in schema["properties"].items():
        default = f"`{json.dumps(value['default'])}`" if "default" in value else "needed"
        yield f"| `{field}` | {default} | {value.get('description', '')} |"
    yield ""


def _models(module: Any) -> Iterator[type[BaseModel]]:
    for name, value in vars(module).items():
        own = isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
        if own and not name.startswith("_"):
            yield value


def _field(name: str, field: Any) -> str:
    if field.default_factory is not None:
        default = "`{}`"
    elif field.default is PydanticUndefined:
        default = "needed"
    elif isinstance(field.default, BaseModel):
        default = "see below"
    else:
        default = f"`{field.default!r}`"
    return f"| `{name}` | {default} | {' '.join((field.description or '').split())} |"


def errors_page() -> str:
    """Return the reference of errors and exit codes."""
    parts = ["# Errors and exit codes\n", GENERATED]
    parts.append(
        "Exit code 0 means that everything was done. An error reads `error[code]: message`, where, and a hint.\n"
    )
    parts.append("| code | exit code | meaning |\n| --- | --- | --- |")
    for cls in sorted(_below(SirrError), key=lambda cls: (cls.exit_code, cls.code)):
        parts.append(f"| `{cls.code}` | {int(cls.exit_code)} | {(cls.__doc__ or '').strip().splitlines()[0]} |")
    return "\n".join(parts) + "\n"


def protocols_page() -> str:
    """Return the reference of the protocols, and of what is said of their scores."""
    parts = ["# Protocols\n", GENERATED, PROTOCOLS_INTRODUCED]
    parts += [_protocol(protocol) for protocol in PROTOCOLS.values()]
    parts.append(_part("programs-that-score"))
    parts += ["## Infinite and missing scores\n", INFINITE_RULE + "\n"]
    parts += ["## Controls\n", *(f"- `{control.name}`: {control.title}" for control in CONTROLS.values()), ""]
    parts.append(
        _part("scores-judged").format(
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            smallest=SMALLEST,
            level=LEVEL,
            most_exact=MOST_EXACT,
            sign_draws=SIGN_DRAWS,
            draws=DRAWS,
        )
    )
    return "\n".join(parts)


PROTOCOLS_INTRODUCED = """\
A protocol is a named, versioned way of computing scores. `protocols: [standard, errnet2019]` in a spec chooses them,
several at once. The version is in the key of every evaluation, in its files and in the report; it grows whenever a
number would change.
"""


def _protocol(protocol: Protocol) -> str:
    rows = "\n".join(
        f"| `{metric.name}` | {metric.scale.better} | {metric.definition} |" for metric in protocol.metrics
    )
    fault = f"**Faulty, never ranked, never best**: {protocol.fault}.\n\n" if protocol.fault else ""
    return (
        f"## {protocol.name}, version {protocol.version}\n\n{protocol.title}. {protocol.scored}\n\n{fault}"
        f"Source: {protocol.source}\n\n| metric | better | definition |\n| --- | --- | --- |\n{rows}\n"
    )


def _below(cls: type[SirrError]) -> set[type[SirrError]]:
    return {sub for direct in cls.__subclasses__() for sub in ({direct} | _below(direct))}


def run_schema() -> str:
    """Return the JSON Schema of a run's document."""
    return json.dumps(document_schema(), indent=2) + "\n"


def run_document_page() -> str:
    """Return the reference of a run's document."""
    parts = ["# The document of a run\n", GENERATED, _part("run-document")]
    found = [*_models(run_document), *_models(run_entries)]
    classes = [cls for cls in found if cls is not run_entries.Recorded]
    for cls in sorted(classes, key=lambda cls: cls is not run_document.RunDocument):
        parts.append(f"### {cls.__name__}\n\n{(cls.__doc__ or '').strip()}\n")
        parts.append("| field | default | meaning |\n| --- | --- | --- |")
        parts.extend(_field(name, field) for name, field in cls.model_fields.items())
        parts.append("")
    return "\n".join(parts)


def report_schema() -> str:
    """Return the JSON Schema of a report's report.json."""
    return json.dumps(record.schema(), indent=2) + "\n"


def results_page() -> str:
    """Return the reference of the files that stages leave."""
    parts = ["# Results\n", GENERATED, RESULTS_INTRODUCED]
    for found in pkgutil.iter_modules(results.__path__):
        module = importlib.import_module(f"{results.__name__}.{found.name}")
        records = [cls for cls in vars(module).values() if is_dataclass(cls) and cls.__module__ == module.__name__]
        for cls in sorted(records, key=lambda cls: not issubclass(cls, Form)):
            owner = getattr(records[-1], "FILE_NAME", "several files")
            title = cls.FILE_NAME if issubclass(cls, Form) else f"In {owner}: {cls.__name__}"
            text, described = described_fields(cls)
            parts.append(f"{'##' if issubclass(cls, Form) else '###'} {title}\n\n{text}\n")
            parts.append("| field | type | meaning |\n| --- | --- | --- |")
            parts += [
                f"| `{name}` | {_type(hint)} | {described[name]}{_rules(rules, needed)} |"
                for name, hint, rules, needed in fields_of(cls)
            ]
            parts.append("")
    return "\n".join(parts)


def described_fields(cls: Any) -> tuple[str, dict[str, str]]:
    """Return what a record's docstring says of it, and of each field, from its section 'Attributes:'."""
    text, _, attributes = inspect.cleandoc(cls.__doc__).partition("Attributes:\n")
    described: dict[str, str] = {}
    for line in attributes.splitlines():
        name, colon, words = line.strip().partition(": ")
        if line.startswith("    ") and not line.startswith("     ") and colon:
            described[name] = words
        elif line.strip() and described:
            described[list(described)[-1]] += " " + line.strip()
    return text.strip(), described


def _type(hint: Any) -> str:
    """Return a field's type as JSON has it, in words."""
    origin, of_it = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in of_it)
    if origin is tuple:
        return f"list of {_type(of_it[0])}"
    if origin is not None and origin is not typing.Union:
        return f"object of {_type(of_it[1])}"
    if origin is typing.Union:
        return " or ".join(_type(one) for one in of_it if one is not type(None))
    simple = {str: "text", bool: "truth value", int: "whole number", float: "number"}
    return simple.get(hint, hint.__name__)


def _rules(rules: Mapping[str, Any], needed: bool) -> str:
    said = [words for rule, words in RULES.items() if rules.get(rule)]
    return "".join(f" {words}" for words in (*said, *(() if needed else ("May be missing.",))))


def api_page() -> str:
    """Return the reference of what is called from Python."""
    parts = [f"# From Python\n\n{GENERATED}\n{inspect.cleandoc(api.__doc__ or '')}\n"]
    parts.append("An example: [how-to](../how-to/from-python.md).\n")
    for name in api.__all__:
        found = getattr(api, name)
        if inspect.isfunction(found):
            parts.append(f"## {name}\n\n{_called(name, found)}{_described(found.__doc__)}\n")
        else:
            own = ", ".join(f"`{field.name}`" for field in fields(found)) if is_dataclass(found) else ""
            parts.append(f"## {name}\n\n{_described(found.__doc__)}\n")
            parts += [f"All of its fields: {own}.\n"] if own else []
            parts += [
                f"### {name}.{method}\n\n{_called(method, value)}{_described(inspect.getdoc(value))}\n"
                for method, value in vars(found).items()
                if not method.startswith("_") and name == "Run"
            ]
    return "\n".join(parts)


def _called(name: str, found: Any) -> str:
    if not inspect.isfunction(found):
        return ""
    told = inspect.signature(found)
    parameters = [re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", str(one)) for one in told.parameters.values()]
    keyword = [one.kind is inspect.Parameter.KEYWORD_ONLY for one in told.parameters.values()]
    if any(keyword):
        parameters.insert(keyword.index(True), "*")
    answer = inspect.formatannotation(told.return_annotation).strip("'")
    answer = re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", answer)
    lines = "".join(f"    {one},\n" for one in parameters if one != "self")
    return f"```python\n{name}({f'{chr(10)}{lines}' if lines else ''}) -> {answer}\n```\n\n"


def _described(docstring: str | None) -> str:
    """Return a docstring with its sections as lists."""
    lines: list[str] = []
    entries = False
    for line in inspect.cleandoc(docstring or "").splitlines():
        if line in {"Args:", "Attributes:", "Raises:"}:
            entries = True
            lines += [f"**{line.removesuffix(':')}**", ""]
        elif line == "Returns:":
            entries = False
            lines += ["**Returns**", ""]
        elif entries and line.startswith("    ") and not line.startswith("     "):
            name, _, words = line.strip().partition(": ")
            lines.append(f"- `{name}`: {words}")
        else:
            lines.append(f"  {line.strip()}" if entries and line.strip() else line.strip())
    return "\n".join(lines)


RULES = {
    "inside": "Path of a file beside it.",
    "infinite": 'Where it is infinite: "inf".',
    "fact": "In the file of the same name in `facts/`.",
}

RESULTS_INTRODUCED = """\
What stages leave beside pictures, arrays and networks: JSON in ASCII with sorted keys, the same bytes for the same
content. `schema` is a file's version (a file without one is from before there was one) and grows where an earlier
reader would go wrong. Fields that a reader does not know are kept where it writes the file again. Whatever is read is
checked: types, bounds, finite numbers, and that paths lie inside the folder.

What may differ between two equal runs, such as times, stands in a file of the same name in the artifact's `facts/`,
which no later stage sees. The classes are those of `stagekit.results`; `load` and `save` read and write each file.
"""

PAGES = {
    "results.md": results_page,
    "api.md": api_page,
    "commands.md": commands_page,
    "spec.md": spec_page,
    "errors.md": errors_page,
    "protocols.md": protocols_page,
    "report.schema.json": report_schema,
    "run-document.md": run_document_page,
    "run.schema.json": run_schema,
}


def main() -> int:
    """Write the pages, or say which are stale."""
    REFERENCE.mkdir(exist_ok=True)
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.stderr.write(f"stale: {', '.join(stale)}; run: python docs/generate.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
