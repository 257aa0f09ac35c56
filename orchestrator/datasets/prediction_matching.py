"""Which picture of a dataset each file answers that somebody's program has left; nothing is guessed in silence."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from orchestrator.datasets.patterns import pattern_expression
from stagekit import BadInput

_SEPARATORS = "-_. "
_NAMED = 5

TRANSMISSIONS = frozenset(
    {"t", "l", "transmission", "t_output", "output_t", "out_t", "fake_t", "fake_b", "clean", "output", "result"}
)
"""Ends of names, in small letters, of what programs call the picture without its reflection."""

_OTHERS = frozenset(
    {"input", "blended", "mixture", "real_a", "real_i", "i"}
    | {"gt", "label", "truth", "target", "real_t", "real_b"}
    | {"r", "rr", "reflection", "residual", "fake_r", "real_r", "r_output", "output_r", "out_r"}
    | {"side_by_side", "comparison", "alternating"}
)
"""The same of other pictures that they write beside it: the input again, the truth, the reflection."""


@dataclass(frozen=True)
class Asked:
    """A picture of the dataset that wants an answer.

    Attributes:
        id: The item's id.
        names: What programs may have called it: its id, the name of the user's file without its end.
    """

    id: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Matching:
    """Which file answers which picture.

    Attributes:
        answers: Item id to file, in the order of the dataset.
        layer: What every answer's name has behind the picture's; empty where it has nothing.
        missing: Ids of pictures without an answer.
        surplus: Files that belong to no picture.
        others: How many files of other layers were passed over, by the layer.
    """

    answers: Mapping[str, PurePosixPath]
    layer: str
    missing: tuple[str, ...]
    surplus: tuple[PurePosixPath, ...]
    others: Mapping[str, int]


@dataclass(frozen=True)
class _Candidate:
    id: str
    layer: str
    path: PurePosixPath


def matched_by_name(files: Sequence[PurePosixPath], asked: Sequence[Asked], layer: str | None = None) -> Matching:
    """Return which file answers which picture, by the usual ways in which programs name what they write.

    A file answers a picture whose name it has (``7.png``), or has with a layer behind it (``7_transmission.png``), or
    whose name its folder has (``7/t_output.png``). Of several layers the one of the transmission counts.

    Args:
        files: Paths of pictures, inside the folder of one dataset.
        layer: Which layer to take, such as 't_output'; an empty text takes files that are called as pictures are.

    Raises:
        BadInput: Where no file belongs to a picture, where it is open which layer to take, and where two files answer
            one picture: all of them are named.
    """
    known = _names(asked)
    found = {path: _candidate(path, known) for path in files}
    candidates = [candidate for candidate in found.values() if candidate is not None]
    surplus = tuple(path for path, candidate in found.items() if candidate is None)
    if not candidates:
        raise BadInput(
            f"none of {len(files)} pictures has the name of a picture of the dataset: "
            f"{_listed(str(path) for path in files)}; the dataset has {_listed(one.id for one in asked)}",
            "name the folder of this dataset under the entrant's 'sets', or say how files are called with 'pictures'",
        )
    taken = _layer(candidates, layer)
    others = Counter(candidate.layer for candidate in candidates if candidate.layer != taken)
    return _matching([one for one in candidates if one.layer == taken], asked, taken, surplus, others)


def matched_by_pattern(files: Sequence[PurePosixPath], asked: Sequence[Asked], pattern: str) -> Matching:
    """Return which file answers which picture, by a pattern with {id}, such as '{id}/t_output.png'.

    Raises:
        BadInput: Where the pattern cannot be used or fits nothing, and where two files answer one picture.
    """
    if "{id}" not in pattern:
        raise BadInput(f"pattern {pattern!r} of 'pictures' has no {{id}}", "put {id} where the picture's name is")
    expression, known = pattern_expression(pattern), _names(asked)
    candidates: list[_Candidate] = []
    surplus: list[PurePosixPath] = []
    for path in files:
        fit = expression.fullmatch(str(path))
        identifier = known.get(_composed(fit["id"])) if fit else None
        if identifier is not None:
            candidates.append(_Candidate(identifier, "", path))
        elif fit:
            surplus.append(path)
    if not candidates:
        fitting = f"; it fits {_listed(str(path) for path in surplus)}, which no picture is called after"
        raise BadInput(
            f"pattern {pattern!r} of 'pictures' fits the answer to no picture" + (fitting if surplus else ""),
            f"the dataset has {_listed(one.id for one in asked)}",
        )
    return _matching(candidates, asked, "", tuple(surplus), {})


def _names(asked: Sequence[Asked]) -> dict[str, str]:
    """Return the ids of pictures by their names; a name that several have is no one's."""
    counts = Counter(_composed(name) for one in asked for name in set(one.names))
    return {_composed(name): one.id for one in asked for name in one.names if counts[_composed(name)] == 1}


def _composed(name: str) -> str:
    """Return a name in one form: some systems take letters and their marks apart."""
    return unicodedata.normalize("NFC", name)


def _candidate(path: PurePosixPath, known: Mapping[str, str]) -> _Candidate | None:
    """Return which picture a file belongs to, and as which layer; the longest name that fits is meant."""
    stem = _composed(path.stem)
    if stem in known:
        return _Candidate(known[stem], "", path)
    for end in sorted((found.start() for found in re.finditer(f"[{re.escape(_SEPARATORS)}]", stem)), reverse=True):
        if stem[:end] in known:
            return _Candidate(known[stem[:end]], stem[end:].lstrip(_SEPARATORS), path)
    folder = _composed(path.parent.name)
    return _Candidate(known[folder], stem, path) if folder in known else None


def _layer(candidates: Sequence[_Candidate], wanted: str | None) -> str:
    """Return the layer that is taken.

    Raises:
        BadInput: Where the one that is wanted is not there, or where several may be meant.
    """
    layers = Counter(candidate.layer for candidate in candidates)
    shown = ", ".join(f"{layer_words(layer)} ({count})" for layer, count in sorted(layers.items()))
    if wanted is not None:
        if wanted not in layers:
            raise BadInput(f"no file is of layer {wanted!r}; there are {shown}", "correct the entrant's 'layer'")
        return wanted
    open_ones = [layer for layer in layers if not _is_other(layer)]
    # Files that are called as their pictures mean to be answers, whatever lies beside them.
    transmissions = (
        []
        if "" in open_ones
        else [layer for layer in open_ones if layer.lower() in TRANSMISSIONS or _last(layer) in {"t", "l"}]
    )
    for choice in (open_ones, transmissions):
        if len(choice) == 1:
            return choice[0]
    if not open_ones and layers.keys() == {"input"}:
        return "input"  # programs that write results under the names of their inputs
    raise BadInput(
        f"it is open which files are the answers: their names end in {shown}",
        "say it with the entrant's 'layer', or with 'pictures', such as '{id}/t_output.png'",
    )


def layer_words(layer: str) -> str:
    """Return a layer as messages name it."""
    return repr(layer) if layer else "'' (the picture's name alone)"


def _is_other(layer: str) -> bool:
    return layer.lower() in _OTHERS or _last(layer) in _OTHERS - {"i"} or layer.lower().endswith("side_by_side")


def _last(layer: str) -> str:
    """Return the last word of a layer, such as 'r' of 'dsrnet_r'."""
    return re.split(f"[{re.escape(_SEPARATORS)}]", layer.lower())[-1]


def _matching(
    candidates: Iterable[_Candidate],
    asked: Sequence[Asked],
    layer: str,
    surplus: tuple[PurePosixPath, ...],
    others: Mapping[str, int],
) -> Matching:
    answers: dict[str, PurePosixPath] = {}
    doubled: dict[str, list[PurePosixPath]] = {}
    for candidate in candidates:
        first = answers.setdefault(candidate.id, candidate.path)
        if first != candidate.path:
            doubled.setdefault(candidate.id, [first]).append(candidate.path)
    if doubled:
        named = (f"{' and '.join(map(str, paths))} answer {identifier!r}" for identifier, paths in doubled.items())
        raise BadInput(
            f"two files answer one picture: {_listed(named)}",
            "say which with the entrant's 'pictures', such as 't/{id}.*'",
        )
    ordered = {one.id: answers[one.id] for one in asked if one.id in answers}
    missing = tuple(one.id for one in asked if one.id not in answers)
    return Matching(ordered, layer, missing, surplus, dict(others))


def _listed(names: Iterable[str]) -> str:
    """Return the first names of many, in quotation marks, and how many more there are."""
    found = list(names)
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(repr(name) for name in found[:_NAMED]) + more
