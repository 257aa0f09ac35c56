"""What all result files have in common: a canonical text, checks on the way in and out, unknown fields kept."""

import dataclasses
import functools
import math
import os
import typing
from typing import Any, ClassVar, Dict, Iterator, List, Mapping, Optional, Tuple, Type, TypeVar, Union

from stagekit.failures import BadInput
from stagekit.inside import AnyPath, inside, unsafe_id, unsafe_name
from stagekit.results.document import InvalidResult, document_text, read_document, write_document

Rules = Mapping[str, Any]
Unknown = Mapping[str, Any]
"""Fields that this version does not know; a file that is saved again has them still."""

COUNT: Rules = {"at_least": 0}
"""Rule of a field that counts something, or of seconds and bytes."""

PIXELS: Rules = {"at_least": 1}
"""Rule of a height or width."""

NOT_EMPTY: Rules = {"not_empty": True}
"""Rule of a field that names something."""

ID: Rules = {"id": True}
"""Rule of a field that files are called after: a `PLAIN_NAME`, which is one part of a path."""

INSIDE: Rules = {"inside": True}
"""Rule of a field that names a file beside the result: a relative path that does not lead out of the folder."""

INFINITE: Rules = {"infinite": True}
"""Rule of a number that may be infinite; JSON has no name for it, the file says "inf"."""

BY_ID: Rules = {"unique": "id"}
"""Rule of a list whose items have an `id` of their own each."""

FACT: Rules = {"fact": True}
"""Rule of a field that may differ between two equal runs, such as seconds: `apart` keeps it beside the results."""

_SCHEMA = "schema"
_UNKNOWN = "unknown"

_F = TypeVar("_F", bound="Form")


class Form:
    """A result file: the base of frozen dataclasses, whose fields are what the file holds.

    Fields may be str, bool, int, float, Literal, dataclasses, Optional and tuples of these, and Mapping from str.
    Rules stand in a field's metadata. A dataclass that declares a field `unknown: Unknown` keeps what it does not know.

    Attributes:
        FILE_NAME: what the file is called.
        SCHEMA: its version; it grows where a reader of the version before would go wrong, not with a new field.
    """

    FILE_NAME: ClassVar[str]
    SCHEMA: ClassVar[int] = 1

    @classmethod
    def load(cls: Type[_F], path: AnyPath) -> _F:
        """Return what a file holds. Whatever wrote it is not trusted.

        Args:
            path: the file, or the folder that it lies in under its own name.

        Raises:
            InvalidResult: with every mistake, where the file is missing, is no JSON, lacks a field, has one of another
                type, a number that is not finite, or the name of a file outside of the folder.
        """
        place = cls.path(path)
        return cls.decode(read_document(place), os.path.basename(place), os.path.dirname(place) or ".")

    @classmethod
    def decode(cls: Type[_F], document: Any, name: str = "", folder: Optional[str] = None) -> _F:
        """Return what the values of a JSON document mean.

        Args:
            document: the whole file; one without `schema` is from before there was one.
            name: of the file, for messages.
            folder: where the files lie that it names; None to look at their names alone.

        Raises:
            InvalidResult: with every mistake.
        """
        name = name or cls.FILE_NAME
        if not isinstance(document, dict):
            raise InvalidResult(name, ["it is %s, not an object" % _kind(document)])
        schema = document.get(_SCHEMA, 0)
        if not _is_whole(schema) or schema < 0:
            raise InvalidResult(name, ["schema: %r is no version" % (schema,)])
        if schema > cls.SCHEMA:
            raise InvalidResult(
                name, ["schema: it is of version %d; this program reads up to %d" % (schema, cls.SCHEMA)]
            )
        fields = {key: value for key, value in document.items() if key != _SCHEMA}
        reading = _Reading(folder)
        try:
            found = reading.record(cls, cls.upgraded(fields, schema), "")
            if not reading.mistakes:
                reading.mistakes += list(found.contradictions())
        except RecursionError as error:
            raise InvalidResult(name, ["it is nested too deeply"]) from error
        if reading.mistakes:
            raise InvalidResult(name, reading.mistakes)
        return typing.cast(_F, found)

    @classmethod
    def upgraded(cls, document: Dict[str, Any], schema: int) -> Dict[str, Any]:
        """Return a document of an earlier version as this version would have written it; 0 where it has no version."""
        del schema
        return document

    @classmethod
    def path(cls, path: AnyPath) -> str:
        """Return where the file lies, given itself or its folder."""
        return os.path.join(path, cls.FILE_NAME) if os.path.isdir(path) else os.fspath(path)

    def save(self, path: AnyPath) -> None:
        """Write the file whole or not at all; the same content is the same bytes.

        Args:
            path: the file, or the folder that it comes to lie in under its own name.

        Raises:
            InvalidResult: where `load` would refuse what is to be written.
        """
        write_document(self.path(path), self.document())

    def text(self) -> str:
        """Return the content of the file, as `document_text` writes it.

        Raises:
            InvalidResult: where `load` would refuse it.
        """
        return document_text(self.document())

    def document(self) -> Dict[str, Any]:
        """Return the content of the file as JSON values.

        Raises:
            InvalidResult: where `load` would refuse it.
        """
        found = _plain(type(self).decode({**_plain(self), _SCHEMA: self.SCHEMA}))
        return {**found, _SCHEMA: self.SCHEMA}

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong with the content as a whole, where each field for itself is right."""
        return iter(())

    def named_files(self) -> Iterator[str]:
        """Yield the names of all files beside it that it names, relative to its folder."""
        return _named_files(self)


@functools.lru_cache(maxsize=None)
def fields_of(cls: Any) -> Tuple[Tuple[str, Any, Rules, bool], ...]:
    """Return name, type, rules and whether it must be there, of each field of a dataclass but `unknown`."""
    hints = typing.get_type_hints(cls)
    return tuple(
        (
            field.name,
            hints[field.name],
            field.metadata,
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(cls)
        if field.name != _UNKNOWN
    )


@functools.lru_cache(maxsize=None)
def _keeps_unknown(cls: Any) -> bool:
    return any(field.name == _UNKNOWN for field in dataclasses.fields(cls))


class _Reading:
    """From JSON values to dataclasses; every mistake is collected with its place."""

    def __init__(self, folder: Optional[str]) -> None:
        self.mistakes: List[str] = []
        self._folder = folder

    def record(self, cls: type, value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            return self._wrong(place, value, "an object")
        before = len(self.mistakes)
        found: Dict[str, Any] = {}
        for name, hint, rules, needed in fields_of(cls):
            if name in value:
                found[name] = self.value(hint, value[name], _joined(place, name), rules)
            elif needed:
                self.mistakes.append("%s: it is missing" % _joined(place, name))
        if _keeps_unknown(cls):
            known = {name for name, _hint, _rules, _needed in fields_of(cls)}
            others = {name: other for name, other in value.items() if name not in known}
            found[_UNKNOWN] = {name: self.value(Any, other, _joined(place, name), {}) for name, other in others.items()}
        return None if len(self.mistakes) > before else cls(**found)

    def value(self, hint: Any, value: Any, place: str, rules: Rules) -> Any:
        origin = typing.get_origin(hint)
        if origin is not None:
            return self._composed(origin, typing.get_args(hint), value, place, rules)
        if hint is Any:
            return self._anything(value, place)
        if dataclasses.is_dataclass(hint):
            return self.record(typing.cast(type, hint), value, place)
        return {str: self._text, bool: self._truth, int: self._whole, float: self._number}[hint](value, place, rules)

    def _composed(self, origin: Any, hints: Tuple[Any, ...], value: Any, place: str, rules: Rules) -> Any:
        if origin is Union:
            return self._one_of(hints, value, place, rules)
        if origin is tuple:
            return self._list(hints, value, place, rules)
        if origin is typing.Literal:
            if any(value == one and type(value) is type(one) for one in hints):
                return value
            return self._wrong(place, value, "one of %s" % ", ".join(map(str, hints)))
        return self._mapping(hints[1], value, place, rules)

    def _one_of(self, hints: Tuple[Any, ...], value: Any, place: str, rules: Rules) -> Any:
        if value is None and type(None) in hints:
            return None
        others = [hint for hint in hints if hint is not type(None)]
        records = [hint for hint in others if dataclasses.is_dataclass(hint)]
        chosen = records if isinstance(value, dict) and records else [h for h in others if h not in records] or records
        return self.value(chosen[0], value, place, rules)

    def _list(self, hints: Tuple[Any, ...], value: Any, place: str, rules: Rules) -> Any:
        if not isinstance(value, (list, tuple)):
            return self._wrong(place, value, "a list")
        if Ellipsis not in hints and len(value) != len(hints):
            return self._wrong(place, value, "a list of %d" % len(hints))
        each = [hints[0]] * len(value) if Ellipsis in hints else list(hints)
        found = [self.value(hint, item, _joined(place, n), rules) for n, (hint, item) in enumerate(zip(each, value))]
        if "unique" in rules:
            seen = set()
            for item in found:
                key = getattr(item, rules["unique"], None)
                if key is not None and key in seen:
                    self.mistakes.append("%s: it names item %r twice" % (place, key))
                seen.add(key)
        return tuple(found)

    def _mapping(self, hint: Any, value: Any, place: str, rules: Rules) -> Any:
        if not isinstance(value, dict):
            return self._wrong(place, value, "an object")
        return {
            self._text(name, place, {}): self.value(hint, item, _joined(place, name), rules)
            for name, item in value.items()
        }

    def _text(self, value: Any, place: str, rules: Rules) -> Any:
        if not isinstance(value, str):
            return self._wrong(place, value, "a text")
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            return self._wrong(place, value, "text of whole characters")
        if rules.get("not_empty") and not value:
            return self._wrong(place, value, "a name")
        if rules.get("id") and unsafe_id(value):
            self.mistakes.append("%s: %s %s" % (place or "it", repr(value)[:80], unsafe_id(value)))
            return None
        if rules.get("inside"):
            self._check_inside(value, place)
        return value

    def _check_inside(self, name: str, place: str) -> None:
        mistake = unsafe_name(name)
        if not mistake and self._folder is not None:
            try:
                inside(self._folder, name)
            except BadInput as error:
                self.mistakes.append("%s: %s" % (place, error.message))
        elif mistake:
            self.mistakes.append("%s: %r %s" % (place, name, mistake))

    def _truth(self, value: Any, place: str, _rules: Rules) -> Any:
        return value if isinstance(value, bool) else self._wrong(place, value, "true or false")

    def _whole(self, value: Any, place: str, rules: Rules) -> Any:
        if not _is_whole(value):
            return self._wrong(place, value, "a whole number")
        return self._bounded(value, place, rules)

    def _number(self, value: Any, place: str, rules: Rules) -> Any:
        if rules.get("infinite") and value == "inf":
            return math.inf
        if not (isinstance(value, float) or _is_whole(value)):
            return self._wrong(place, value, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return self._wrong(place, value, "a finite number")
        return self._bounded(number, place, rules)

    def _bounded(self, value: Any, place: str, rules: Rules) -> Any:
        if "at_least" in rules and value < rules["at_least"]:
            self.mistakes.append("%s: %r is less than %s" % (place, value, rules["at_least"]))
        return value

    def _anything(self, value: Any, place: str) -> Any:
        """Return a value of a field that this version does not know; that it can be written again is all it must."""
        if isinstance(value, float) and not math.isfinite(value):
            return self._wrong(place, value, "a finite number")
        if isinstance(value, dict):
            return {name: self._anything(item, _joined(place, name)) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._anything(item, _joined(place, number)) for number, item in enumerate(value)]
        if value is None or isinstance(value, (str, bool, float)) or _is_whole(value):
            return value
        return self._wrong(place, value, "a JSON value")

    def _wrong(self, place: str, value: Any, wanted: str) -> None:
        shown = _kind(value) if isinstance(value, (dict, list, tuple)) else repr(value)
        self.mistakes.append("%s: %s is not %s" % (place or "it", shown[:80], wanted))


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is None is left out of objects that have fields."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name != _UNKNOWN]
        known = {name: _plain(getattr(value, name)) for name in names if getattr(value, name) is not None}
        return {**_plain(getattr(value, _UNKNOWN, {})), **known}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return "inf" if isinstance(value, float) and value == math.inf else value


def _named_files(value: Any) -> Iterator[str]:
    form: Any = type(value)
    for name, _hint, rules, _needed in fields_of(form):
        for found in _leaves(getattr(value, name)):
            if dataclasses.is_dataclass(found):
                yield from _named_files(found)
            elif rules.get("inside") and found is not None:
                yield found


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if not isinstance(value, tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _joined(place: str, name: Union[str, int]) -> str:
    return "%s.%s" % (place, name) if place else str(name)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", tuple: "a list", str: "a text", bool: "a truth value"}
    return kinds.get(type(value), "nothing" if value is None else "a number")
