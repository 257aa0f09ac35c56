"""Pickles taken apart without running anything in them: containers, numbers, texts, and what a caller makes of names.

Python's own unpickler imports what a file names and calls it. Here a name stays a name, and only a caller's makers say
what a call of it stands for. Sizes are held against what is left of the file before anything is reserved.
"""

import struct
from typing import Any, BinaryIO, Callable, Dict, List, Mapping, Tuple

from netkit.malformed import Malformed

MAX_OPCODES = 5_000_000
"""A checkpoint of a network has some ten thousand."""

_MAX_LINE = 1 << 16
_MAX_COPIED = 1 << 28
_ITEM_BYTES = 32
_MAX_INTEGER_BYTES = 64
_PLAIN_KEYS = (str, int, float, bytes, type(None))


class Refused(Exception):
    """A pickle wants to build what is no plain data; `name` says which class or function it calls."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Reference:
    """A class or function that a pickle names; never imported.

    Attributes:
        name: Module and name, such as "collections.OrderedDict".
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Record(Dict[Any, Any]):
    """The fields of an object of a harmless class, such as a namespace of options."""


Maker = Callable[[Tuple[Any, ...]], Any]
"""Returns what a call with these arguments stands for; raises `Malformed` where they do not fit."""


class PlainUnpickler:
    """Reads one pickle.

    Args:
        stream: Stands at the pickle's first byte, and afterwards behind its last.
        size: Bytes that are left in the stream.
        makers: By full name of the class or function that is called.
        persistent: Makes a value of a persistent identifier.
    """

    def __init__(
        self, stream: BinaryIO, size: int, makers: Mapping[str, Maker], persistent: Callable[[Any], Any]
    ) -> None:
        self._stream = stream
        self.left = size
        self._makers = makers
        self._persistent = persistent
        self._stack: List[Any] = []
        self._below: List[List[Any]] = []
        self._memo: Dict[int, Any] = {}
        self._copies_left = size + min(64 * size, _MAX_COPIED)

    def load(self) -> Any:
        """Return the pickle's content.

        Raises:
            Malformed: Where it is none.
            Refused: Where it calls what no maker is there for.
        """
        for _ in range(MAX_OPCODES):
            code = self.take(1)
            if code == b".":
                return self.pop()
            action = _ACTIONS.get(code)
            if action is None:
                raise Malformed("it is no pickle: there is no operation %r" % code)
            action(self)
        raise Malformed("it has more than %d operations" % MAX_OPCODES)

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > self.left:
            raise Malformed("it ends in the middle")
        taken = self._stream.read(count)
        if len(taken) != count:
            raise Malformed("it ends in the middle")
        self.left -= count
        return taken

    def number(self, form: str) -> int:
        """Return a number in a form of `struct`."""
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def line(self) -> bytes:
        """Return the bytes up to the next line's end."""
        found = self._stream.readline(min(_MAX_LINE, self.left))
        self.left -= len(found)
        if not found.endswith(b"\n"):
            raise Malformed("a line in it has no end")
        return found[:-1]

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def pop(self) -> Any:
        """Take the topmost value from the stack."""
        if not self._stack:
            raise Malformed("it takes what it has not put there")
        return self._stack.pop()

    def top(self) -> Any:
        """Return the topmost value of the stack."""
        if not self._stack:
            raise Malformed("it looks at what it has not put there")
        return self._stack[-1]

    def mark(self) -> None:
        """Begin a group of values."""
        self._below.append(self._stack)
        self._stack = []

    def group(self) -> List[Any]:
        """Take all values since the last mark."""
        if not self._below:
            raise Malformed("a group in it has no beginning")
        found, self._stack = self._stack, self._below.pop()
        return found

    def remember(self, place: int) -> None:
        """Keep the topmost value under a number."""
        self._memo[place] = self.top()

    def memoize(self) -> None:
        """Keep the topmost value under the next number."""
        self._memo[len(self._memo)] = self.top()

    def recall(self, place: int) -> None:
        """Put a remembered value on the stack."""
        if place not in self._memo:
            raise Malformed("it recalls what it has not kept")
        self.push(self._memo[place])

    def call(self) -> None:
        """Let a maker make what a call stands for."""
        arguments, callee = self.pop(), self.pop()
        if not isinstance(callee, Reference):
            raise Malformed("it calls what is no class")
        if callee.name not in self._makers:
            raise Refused(callee.name)
        if not isinstance(arguments, tuple):
            raise Malformed("it calls %s without a list of arguments" % callee.name)
        self._spend(arguments)
        self.push(self._makers[callee.name](arguments))

    def _spend(self, value: Any) -> None:
        """Count what a call or a state may copy: a short pickle can hand one long value to many of them."""
        parts = value if isinstance(value, tuple) else ()
        self._copies_left -= _copied(value) + sum(map(_copied, parts))
        if self._copies_left < 0:
            raise Malformed("it copies far more than it holds")

    def persist(self, identifier: Any) -> None:
        """Put what a persistent identifier stands for on the stack."""
        self.push(self._persistent(identifier))

    def refer(self, module: Any, name: Any) -> None:
        """Put the name of a class or function on the stack."""
        if not isinstance(module, str) or not isinstance(name, str):
            raise Malformed("a class in it has no name")
        self.push(Reference("%s.%s" % (module, name)))

    def build(self) -> None:
        """Give an object its state."""
        state, target = self.pop(), self.top()
        self._spend(state)
        if isinstance(target, Record):
            parts = state if isinstance(state, tuple) else (state,)
            for part in parts:
                if isinstance(part, dict):
                    target.update(part)
        elif hasattr(target, "set_state"):
            target.set_state(state)
        elif not isinstance(target, dict):  # an ordered dictionary's attributes are no part of its content
            raise Malformed("it gives a state to what has none")

    def add_items(self, values: List[Any]) -> None:
        """Put keys and values, in turns, into the dictionary on top of the stack."""
        target = self.top()
        if not isinstance(target, dict) or len(values) % 2:
            raise Malformed("it puts items into what is no dictionary")
        for key, value in zip(values[::2], values[1::2]):
            target[_plain_key(key)] = value

    def extend(self, values: List[Any]) -> None:
        """Put values at the end of the list on top of the stack."""
        target = self.top()
        if not isinstance(target, list):
            raise Malformed("it appends to what is no list")
        target.extend(values)


def shown(value: Any) -> str:
    """Return in a few words what a pickle has where something else belongs; it may hold itself many times over."""
    if isinstance(value, (str, bytes)):
        return repr(value[:40])
    return repr(value) if isinstance(value, _PLAIN_KEYS) else "a %s" % type(value).__name__


def _copied(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    return _ITEM_BYTES * len(value) if isinstance(value, (list, tuple, dict)) else 0


def _plain_key(key: Any) -> Any:
    """Return a key whose hash runs nothing and goes no deeper than one level."""
    parts = key if isinstance(key, tuple) else (key,)
    if not all(isinstance(part, _PLAIN_KEYS) for part in parts):
        raise Malformed("a dictionary in it has a key that is neither text nor number")
    return key


def _integer(raw: bytes) -> int:
    if len(raw) > _MAX_INTEGER_BYTES:
        raise Malformed("a number in it is too long")
    return int.from_bytes(raw, "little", signed=True)


def _decimal(raw: bytes) -> Any:
    if raw in (b"00", b"01"):
        return raw == b"01"
    if len(raw) > 2 * _MAX_INTEGER_BYTES:
        raise Malformed("a number in it is too long")
    try:
        return int(raw.rstrip(b"L"))
    except ValueError as error:
        raise Malformed("a number in it is none") from error


def _fraction(raw: bytes) -> float:
    try:
        return float(raw)
    except ValueError as error:
        raise Malformed("a number in it is none") from error


def _text(raw: bytes, encoding: str = "utf-8") -> str:
    try:
        return raw.decode(encoding, "surrogatepass" if encoding == "utf-8" else "strict")
    except UnicodeDecodeError as error:
        raise Malformed("a text in it is not in %s" % encoding) from error


def _old_text(raw: bytes) -> Any:
    """Return a text of Python 2, which may be bytes too."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _quoted(raw: bytes) -> Any:
    if len(raw) < 2 or raw[:1] not in b"'\"" or raw[:1] != raw[-1:]:
        raise Malformed("a text in it has no quotes")
    try:
        return _old_text(raw[1:-1].decode("unicode_escape").encode("latin-1"))
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise Malformed("a text in it is not readable") from error


def _dictionary(values: List[Any]) -> Dict[Any, Any]:
    if len(values) % 2:
        raise Malformed("a dictionary in it has a key without a value")
    return {_plain_key(key): value for key, value in zip(values[::2], values[1::2])}


def _names(pickle: PlainUnpickler) -> None:
    name, module = pickle.pop(), pickle.pop()
    pickle.refer(module, name)


def _new_object_with_keywords(pickle: PlainUnpickler) -> None:
    if pickle.pop():
        raise Malformed("it makes an object with named arguments")
    pickle.call()


def _tuple_of(count: int) -> "Callable[[PlainUnpickler], None]":
    def action(pickle: PlainUnpickler) -> None:
        values = [pickle.pop() for _ in range(count)]
        pickle.push(tuple(reversed(values)))

    return action


def _constant(make: Callable[[], Any]) -> "Callable[[PlainUnpickler], None]":
    return lambda pickle: pickle.push(make())


_ACTIONS: "Dict[bytes, Callable[[PlainUnpickler], Any]]" = {
    b"\x80": lambda p: p.take(1),
    b"\x95": lambda p: p.take(8),
    b"(": lambda p: p.mark(),
    b"0": lambda p: p.pop(),
    b"1": lambda p: p.group(),
    b"2": lambda p: p.push(p.top()),
    b"N": _constant(lambda: None),
    b"\x88": _constant(lambda: True),
    b"\x89": _constant(lambda: False),
    b"}": _constant(dict),
    b"]": _constant(list),
    b")": _constant(tuple),
    b"\x8f": _constant(list),
    b"I": lambda p: p.push(_decimal(p.line())),
    b"L": lambda p: p.push(_decimal(p.line())),
    b"J": lambda p: p.push(p.number("<i")),
    b"K": lambda p: p.push(p.number("<B")),
    b"M": lambda p: p.push(p.number("<H")),
    b"\x8a": lambda p: p.push(_integer(p.take(p.number("<B")))),
    b"\x8b": lambda p: p.push(_integer(p.take(p.number("<I")))),
    b"F": lambda p: p.push(_fraction(p.line())),
    b"G": lambda p: p.push(p.number(">d")),
    b"V": lambda p: p.push(_text(p.line(), "raw_unicode_escape")),
    b"X": lambda p: p.push(_text(p.take(p.number("<I")))),
    b"\x8c": lambda p: p.push(_text(p.take(p.number("<B")))),
    b"\x8d": lambda p: p.push(_text(p.take(p.number("<Q")))),
    b"S": lambda p: p.push(_quoted(p.line())),
    b"T": lambda p: p.push(_old_text(p.take(p.number("<I")))),
    b"U": lambda p: p.push(_old_text(p.take(p.number("<B")))),
    b"B": lambda p: p.push(p.take(p.number("<I"))),
    b"C": lambda p: p.push(p.take(p.number("<B"))),
    b"\x8e": lambda p: p.push(p.take(p.number("<Q"))),
    b"\x96": lambda p: p.push(p.take(p.number("<Q"))),
    b"t": lambda p: p.push(tuple(p.group())),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"l": lambda p: p.push(p.group()),
    b"d": lambda p: p.push(_dictionary(p.group())),
    b"\x91": lambda p: p.push(p.group()),
    b"a": lambda p: p.extend([p.pop()]),
    b"e": lambda p: p.extend(p.group()),
    b"\x90": lambda p: p.extend(p.group()),
    b"s": lambda p: p.add_items([p.pop(), p.pop()][::-1]),
    b"u": lambda p: p.add_items(p.group()),
    b"c": lambda p: p.refer(_text(p.line()), _text(p.line())),
    b"\x93": _names,
    b"R": lambda p: p.call(),
    b"\x81": lambda p: p.call(),
    b"\x92": _new_object_with_keywords,
    b"b": lambda p: p.build(),
    b"P": lambda p: p.persist(_text(p.line())),
    b"Q": lambda p: p.persist(p.pop()),
    b"p": lambda p: p.remember(_decimal(p.line())),
    b"q": lambda p: p.remember(p.number("<B")),
    b"r": lambda p: p.remember(p.number("<I")),
    b"\x94": lambda p: p.memoize(),
    b"g": lambda p: p.recall(_decimal(p.line())),
    b"h": lambda p: p.recall(p.number("<B")),
    b"j": lambda p: p.recall(p.number("<I")),
}
