"""One form in two files: results, the same bytes in every run, and beside them what may differ between two runs.

Fields whose rules hold `FACT` come to lie in a file of the same name in the folder for facts. In lists of records the
facts lie at the same places, each with the field by which the records are told apart.
"""

import os
import typing
from dataclasses import is_dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, TypeVar

from stagekit.inside import AnyPath
from stagekit.results.document import InvalidResult, read_document, write_document
from stagekit.results.form import Form, Rules, fields_of

_F = TypeVar("_F", bound=Form)
_SCHEMA = "schema"


def save_apart(result: Form, output: AnyPath, facts: AnyPath) -> None:
    """Write a result as two files of its name.

    Args:
        output: the folder for results.
        facts: the folder for what may differ between two equal runs; its file is written first.

    Raises:
        InvalidResult: where `load_whole` would refuse what is to be written.
    """
    document = result.document()
    schema = document.pop(_SCHEMA)
    results, about = _split(type(result), document)
    for folder, part in ((facts, about), (output, results)):
        write_document(os.path.join(folder, result.FILE_NAME), {**part, _SCHEMA: schema})


def load_whole(form: Type[_F], output: AnyPath, facts: Optional[AnyPath] = None) -> _F:
    """Return a result with the facts beside it.

    Args:
        output: the folder for results; a file from before the facts were kept apart holds them too.
        facts: the folder for facts; where it has no such file, those fields keep their defaults.

    Raises:
        InvalidResult: with every mistake; where the two files are not of one run.
    """
    path = os.path.join(output, form.FILE_NAME)
    document = read_document(path)
    beside = None if facts is None else os.path.join(facts, form.FILE_NAME)
    if beside is not None and isinstance(document, dict) and os.path.isfile(beside):
        about = read_document(beside)
        if not isinstance(about, dict):
            raise InvalidResult(form.FILE_NAME, ["the facts beside it are not an object"])
        about.pop(_SCHEMA, None)
        document = _joined(form, document, about, form.FILE_NAME)
    return form.decode(document, form.FILE_NAME, os.fspath(output))


def _split(form: Any, document: Mapping[str, Any]) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Return results and facts of a record; what the form does not know is a result."""
    results, about = dict(document), {}
    for name, hint, rules, _needed in fields_of(form):
        if name not in document:
            continue
        if rules.get("fact"):
            about[name] = results.pop(name)
            continue
        record = _record_in(hint)
        if record is not None:
            pairs = [_split(record, item) for item in document[name]]
            results[name] = [result for result, _facts in pairs]
            if any(facts for _result, facts in pairs):
                about[name] = [{**_mark(rules, result), **facts} for result, facts in pairs]
    return results, about


def _joined(form: Any, document: Dict[str, Any], about: Mapping[str, Any], place: str) -> Dict[str, Any]:
    """Return a record with its facts; of the facts' file only facts count, and what the form does not know."""
    found = dict(document)
    known = {name: (hint, rules) for name, hint, rules, _needed in fields_of(form)}
    for name, value in about.items():
        hint, rules = known.get(name, (None, {"fact": True}))
        if rules.get("fact"):
            found[name] = value
        elif _record_in(hint) is not None:
            found[name] = _joined_items(_record_in(hint), rules, document.get(name), value, "%s: %s" % (place, name))
    return found


def _joined_items(record: Any, rules: Rules, items: Any, about: Any, place: str) -> List[Any]:
    fits = isinstance(items, list) and isinstance(about, list) and len(items) == len(about)
    pairs = list(zip(items, about)) if fits else []
    if not fits or not all(isinstance(value, dict) for pair in pairs for value in pair):
        raise InvalidResult(place, ["the facts beside it are of another run"])
    for item, facts in pairs:
        mark = _mark(rules, item)
        if {name: facts.get(name) for name in mark} != mark:
            raise InvalidResult(place, ["the facts beside it are of another run"])
    return [_joined(record, item, facts, place) for item, facts in pairs]


def _mark(rules: Rules, item: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the field, if any, that tells a list's records apart."""
    name: Optional[str] = rules.get("unique")
    return {name: item[name]} if name is not None and name in item else {}


def _record_in(hint: Any) -> Any:
    """Return the dataclass that a list consists of, None where it is no list of one."""
    hints = typing.get_args(hint)
    found = typing.get_origin(hint) is tuple and len(hints) == 2 and hints[1] is Ellipsis and is_dataclass(hints[0])
    return hints[0] if found else None
