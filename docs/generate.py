"""Writes docs/reference/ from the code: commands, the spec's fields, errors.

usage: python docs/generate.py [--check]     (--check changes nothing and fails where a page is stale)
"""

import importlib
import inspect
import json
import pkgutil
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from orchestrator.cli.app import app
from orchestrator.errors import SirrError
from orchestrator.metrics.ranking import LEVEL
from orchestrator.metrics.statistics import CONFIDENCE, MOST_EXACT, RESAMPLES, SIGN_DRAWS, SMALLEST
from orchestrator.report.machine import record
from orchestrator.spec import dataset, entrants, experiment, image, model
from orchestrator.spec.library import built_in
from orchestrator.spec.protocol import INFINITE_RULE
from orchestrator.store import run_document
from orchestrator.store.run_document import document_schema
from stagekit import results
from stagekit.measures import CONTROLS, PROTOCOLS, Protocol
from stagekit.results.form import Form, fields_of

REFERENCE = Path(__file__).resolve().parent / "reference"
GENERATED = "<!-- Made by docs/generate.py; edit the code, not this page. -->\n"


def commands_page() -> str:
    """Return the reference of the commands."""
    group: Any = typer.main.get_command(app)
    parts = ["# Commands\n", GENERATED]
    for name, command in _commands("sirr-orch", group):
        parts.append(f"## {name}\n")
        parts.append((command.help or "").strip() + "\n")
        rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            parts.append("| argument or option | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


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
    for module in (experiment, entrants, dataset, model, image):
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
    parts += [PROGRAMS_HEAD, *(f"| {' | '.join(cells)} |" for cells in PROGRAMS), "", PROGRAMS_TAIL]
    parts += ["## Infinite and missing scores\n", INFINITE_RULE + "\n"]
    parts += ["## Controls\n", *(f"- `{control.name}`: {control.title}" for control in CONTROLS.values()), ""]
    parts.append(
        SCORES_JUDGED.format(
            confidence=CONFIDENCE,
            resamples=RESAMPLES,
            smallest=SMALLEST,
            level=LEVEL,
            most_exact=MOST_EXACT,
            sign_draws=SIGN_DRAWS,
        )
    )
    return "\n".join(parts)


PROTOCOLS_INTRODUCED = """\
A protocol is a named, versioned way of computing scores. `protocols: [standard, errnet2019]` in a spec chooses them,
several at once. The version is in the key of every evaluation, in its files and in the report; it grows whenever a
number would change.
"""

PROGRAMS_HEAD = """\
## How the papers' programs score

What was read in the programs themselves. Where one resizes, its numbers are of other pictures, and no protocol of ours
imitates that.
"""

PROGRAMS: tuple[tuple[str, ...], ...] = (
    ("program", "pictures", "PSNR", "SSIM", "LPIPS", "here"),
    ("---",) * 6,
    (
        "ERRNet",
        "floats, clipped",
        "mean of the channels'",
        "scikit-image's default, 7 x 7",
        "none",
        "`errnet2019`",
    ),
    (
        "DSRNet, RDNet, DSIT with --size_rounded",
        "input and truth first resized (Pillow), each side down to a multiple of 32; then floats, clipped",
        "mean of the channels'",
        "as ERRNet",
        "none",
        "`errnet2019`, of other pictures",
    ),
    (
        "Zhu et al. (RRW)",
        "input and truth first resized (torchvision), each side down to a multiple of 16",
        "all values, **not clipped**; 100 where identical",
        "Gaussian, 11 x 11, of 8 bits",
        "none",
        "`standard`, of other pictures",
    ),
    (
        "OpenRR-1k (`new_eval.py`)",
        "floats, clipped; whether its loader resizes is unknown",
        "pyiqa, all values",
        "pyiqa, of 8 bits",
        "pyiqa: AlexNet",
        "`ntire2026` without its border",
    ),
    (
        "NTIRE 2026 (`evaluate.py`)",
        "8 bits from JPEG files, 4 pixels left out along each side",
        "pyiqa, all values",
        "pyiqa",
        "pyiqa: AlexNet",
        "`ntire2026`",
    ),
    (
        "WindowSeat",
        "8 bits",
        "all values",
        "scikit-image's default, 7 x 7",
        "AlexNet",
        "`windowseat2025`",
    ),
    (
        "RRFormer (UHDRR)",
        "8 bits",
        "all values",
        "Gaussian, 11 x 11",
        "**VGG**",
        "`standard`, but for LPIPS",
    ),
)
"""Each program's way of scoring, and the protocol that is nearest to it."""

PROGRAMS_TAIL = """\
WindowSeat's paper names pytorch-msssim for MS-SSIM; its program calls piq, which repeats a row and a column before it
halves a picture of odd size. Its program pairs predictions and truths by their places in two sorted lists, not by name.
GenSIRR runs each set at two sizes and reports the better one for each set. Whether DISTS and NIQE, which the
challenge prints too, agree with its numbers cannot be told here: they need weights of their own.
"""

SCORES_JUDGED = """\
Every table holds the controls, scored as networks are. They are never ranked.

## Intervals, tests, marks

**Intervals** are bootstrap intervals of the mean (BCa, {confidence:.0%}, {resamples:,} resamples of the pictures,
seeded); fewer than {smallest} pictures get none.

**Pairs** of networks are compared over the pictures that both were measured on, by Wilcoxon's signed-rank test,
two-sided, corrected by Holm for all pairs of networks on that dataset in that metric. The comparisons with the
unchanged input are a family of their own. Zeros keep their ranks and count for neither side (Pratt), equal differences
share the mean of their ranks, infinite ones rank highest. p is the share of all assignments of signs to these ranks
that lie as far apart as the one that was measured: exact at every number of pictures up to {most_exact:,} that differ,
with ties and zeros as without. Above that, {sign_draws:,} seeded assignments are drawn; `report.json` says which as
`method`.

**Two networks are told apart** where the corrected p is below {level}, means and ranks point the same way, and no run
of one lies among the runs of the other.

**Best** is marked on the network with the best mean, over the pictures on which all networks are finite, and on all
that cannot be told apart from it. Where those are all of them, none is marked. Networks with a missing picture or a
failed seed are never marked, nor is anything in a faulty protocol, nor LPIPS of random features.

**Seeds**: `seeds: [1, 2, 3]` trains a network several times. Its score of a picture is the mean over its runs; the
lowest and the highest mean of a run stand below.
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


RUN_DOCUMENT_INTRODUCED = """\
A run is one file, `runs/NAME/run.json` in the store. It is written when the run starts and again whenever a stage
begins or ends, each time as a whole and on disk before it counts: a crash leaves the file as it was or as it is to be.

What comes after a run reads this file and the results that its keys name, and nothing else: `report`, `report --table`,
`report A B`, `remove`, `infer --model`, `export`, `release`. The experiment's file, the datasets, checkpoints, feature
files, images and environment variables may be gone, and the store may lie elsewhere. Folders and files stand in it by
their names alone; the experiment's own text is kept as it was written.

## Revisions

A run whose stages are to do something else than those of its latest revision (another recipe, other pictures, another
lock, a raised behaviour) becomes the next revision. The earlier document moves to `runs/NAME/revisions/N/run.json` and
stays readable: `sirr-orch report RUN@2`, `sirr-orch report RUN@2 RUN@5`, `sirr-orch export RUN@2/MODEL --out FOLDER`.
Words, memory, engine, paths and times make no revision. `sirr-orch runs list` and `sirr-orch runs show RUN` tell what
there is.

## Versions

`schema_version` grows only where an earlier program could not read the file; one that is newer than the program is
refused with a clear error and never written over. Fields that are added do not raise it: programs keep those that they
do not know. `docs/reference/run.schema.json` is the same as a JSON Schema.

Runs of versions before this file existed (`origin.json`, `experiment.yaml`) cannot be read: run the experiment again.

## Fields
"""


def run_document_page() -> str:
    """Return the reference of a run's document."""
    parts = ["# The document of a run\n", GENERATED, RUN_DOCUMENT_INTRODUCED]
    classes = [cls for cls in _models(run_document) if cls is not run_document.Recorded]
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
