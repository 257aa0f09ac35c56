"""Finding a network's weights in a checkpoint: inside the usual wrappers, behind the usual prefixes, and only one."""

import dataclasses
import heapq
import itertools
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from netkit.facts import of_another_network
from netkit.plain_pickle import Record
from netkit.tensor_file import TensorFile
from netkit.tensor_storage import StoredTensor
from stagekit import BadInput

Shapes = Mapping[str, Tuple[int, ...]]

PREFIXES: Mapping[str, str] = {
    "module.": "as a training on several GPUs writes them",
    "_orig_mod.": "as a compiled network writes them",
}
"""What programs put before the names of a network's tensors, and which."""

_OWN_CHECKPOINT = "give a checkpoint of this network"
_MOST_WRAPPERS = 6
_MOST_DICTIONARIES = 200
_MOST_PREFIXES = 100
_MOST_NAMED = 500


@dataclasses.dataclass(frozen=True)
class NetworkWeights:
    """The weights of one network in a checkpoint.

    Attributes:
        tensors: By the network's own names, in its order.
        entry: Where they lie in the checkpoint, such as "icnn"; empty where they are all of it.
        notes: What was done to find them, and what was left out, in sentences.
    """

    tensors: Mapping[str, StoredTensor]
    entry: str
    notes: Tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A dictionary of tensors with what stands before the network's names in it."""

    path: Tuple[str, ...]
    prefix: str
    tensors: Mapping[str, StoredTensor]

    @property
    def entry(self) -> str:
        """How a user names it: the keys that lead to it, and those parts of a prefix that tell networks apart."""
        parts = [part for part in self.prefix.split(".") if part and part + "." not in PREFIXES]
        return ".".join((*self.path, *parts))

    def named(self) -> "Dict[str, StoredTensor]":
        """Return the tensors that have the prefix, without it."""
        size = len(self.prefix)
        return {name[size:]: tensor for name, tensor in self.tensors.items() if name.startswith(self.prefix)}

    def fitting(self, shapes: Shapes) -> int:
        """Return how many of a network's tensors are there in the right shape."""
        found = self.named()
        return sum(name in found and found[name].shape == tuple(shape) for name, shape in shapes.items())

    def named_alike(self, shapes: Shapes) -> int:
        """Return how many of a network's names are there."""
        return sum(self.prefix + name in self.tensors for name in shapes)


def network_weights(file: TensorFile, shapes: Shapes, *, entry: Optional[str] = None, part: str = "") -> NetworkWeights:
    """Return a network's weights out of what a file holds.

    Args:
        file: Open.
        shapes: The network's tensors in their order.
        entry: Which of several entries to take, as a message names it; None where only one fits.
        part: What stands before the names in messages, where the file holds one part of a network.

    Raises:
        BadInput: Names what is missing, superfluous, misshapen or not finite; says where nothing of the network is
            there, and which entries there are where several fit.
    """
    origin, content = os.path.basename(file.path), file.content
    dictionaries = list(_dictionaries(content))
    candidates = [one for path, value in dictionaries for one in _candidates(path, value, shapes)]
    if entry is not None:
        candidates = _of_entry(candidates, entry, dictionaries, origin)
    whole = [one for one in candidates if one.fitting(shapes) == len(shapes)]
    if len(whole) > 1:
        raise BadInput(
            "%s holds %d sets of weights that fit the network: %s"
            % (origin, len(whole), _listed(one.entry for one in whole)),
            "choose one: --entry %s on the command line, or 'entry: %s' beside 'checkpoint:' in the spec"
            % (whole[0].entry or "NAME", whole[0].entry or "NAME"),
        )
    if not whole and not candidates:
        raise _nothing_fits(content, dictionaries, shapes, origin)
    chosen = whole[0] if whole else max(candidates, key=lambda one: (one.fitting(shapes), one.named_alike(shapes)))
    problems = _problems(file, chosen.named(), shapes, part)
    if problems:
        where = " (its entry '%s')" % chosen.entry if chosen.entry else ""
        raise BadInput("%s%s does not fit the network: %s" % (origin, where, "; ".join(problems)), _OWN_CHECKPOINT)
    found = chosen.named()
    notes = (*_notes(chosen, found), *_left_out(content, chosen, dictionaries))
    return NetworkWeights({name: found[name] for name in shapes}, chosen.entry, notes)


def differences(shapes: Shapes, tensors: Mapping[str, Any]) -> List[str]:
    """Return a sentence for each kind of mismatch between expected shapes and tensors; empty where they agree."""
    missing = [name for name in shapes if name not in tensors]
    extra = [name for name in tensors if name not in shapes]
    misshapen = [
        "%s is %s and should be %s" % (name, _size(tuple(tensors[name].shape)), _size(shape))
        for name, shape in shapes.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    named = (("missing", missing), ("not part of it", extra), ("misshapen", misshapen))
    return ["%s: %s" % (kind, _few(names)) for kind, names in named if names]


def _few(names: Sequence[str]) -> str:
    more = "; and %d more" % (len(names) - _MOST_NAMED) if len(names) > _MOST_NAMED else ""
    return ", ".join(name[:_MOST_NAMED] for name in names[:_MOST_NAMED]) + more


def _problems(file: TensorFile, tensors: Mapping[str, StoredTensor], shapes: Shapes, part: str) -> List[str]:
    found = differences(
        {part + name: shape for name, shape in shapes.items()}, {part + name: one for name, one in tensors.items()}
    )
    there = [(name, tensors[name]) for name in shapes if name in tensors and tensors[name].shape == tuple(shapes[name])]
    unreal = [name for name, tensor in there if tensor.kind.startswith("complex")]
    spoilt = [name for name, tensor in there if not bool(np.isfinite(file.numbers(tensor)).all())]
    for kind, names in (("complex numbers", unreal), ("not finite", spoilt)):
        if names:
            found.append("%s: %s" % (kind, ", ".join(part + name for name in names)))
    return found


def _size(shape: Tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a scalar"


def _dictionaries(content: Any) -> "Iterator[Tuple[Tuple[str, ...], Mapping[Any, Any]]]":
    """Yield the dictionaries in a checkpoint, the outer ones first, with the keys that lead to them.

    Options and optimisers' states are not entered.
    """
    waiting: List[Tuple[Tuple[str, ...], Any]] = [((), content)] if isinstance(content, dict) else []
    for _ in range(_MOST_DICTIONARIES):
        if not waiting:
            return
        path, value = waiting.pop(0)
        yield path, value
        if len(path) < _MOST_WRAPPERS and not _is_optimiser(value):
            inner = ((key, one) for key, one in value.items() if isinstance(one, dict) and not isinstance(one, Record))
            waiting += [((*path, str(key)), one) for key, one in itertools.islice(inner, _MOST_DICTIONARIES)]


def _is_optimiser(value: Mapping[Any, Any]) -> bool:
    return "param_groups" in value and "state" in value


def _candidates(path: Tuple[str, ...], value: Mapping[Any, Any], shapes: Shapes) -> Iterator[_Candidate]:
    """Yield every way of reading a dictionary that makes at least one of its names the network's."""
    tensors = {str(key): inner for key, inner in value.items() if isinstance(inner, StoredTensor)}
    prefixes: Dict[str, int] = {}
    deepest = max(name.count(".") for name in shapes) + 1
    for name in tensors:
        parts = name.rsplit(".", deepest)
        for count in range(len(parts)):
            suffix = ".".join(parts[count:])
            if suffix in shapes:
                prefix = name[: len(name) - len(suffix)]
                prefixes[prefix] = prefixes.get(prefix, 0) + 1
    likely = set(heapq.nlargest(_MOST_PREFIXES, prefixes, key=prefixes.__getitem__))
    for prefix in filter(likely.__contains__, prefixes):
        yield _Candidate(path, prefix, tensors)


def _of_entry(
    candidates: Sequence[_Candidate],
    entry: str,
    dictionaries: "Sequence[Tuple[Tuple[str, ...], Mapping[Any, Any]]]",
    origin: str,
) -> List[_Candidate]:
    """Return the candidates that an entry names.

    Raises:
        BadInput: Where there is none; lists those that there are.
    """
    found = [one for one in candidates if one.entry == entry]
    if not found:
        there = sorted({one.entry for one in candidates if one.entry})
        there = there or sorted({".".join(path) for path, _value in dictionaries if path})[:20]
        raise BadInput(
            "%s has no entry '%s' with weights of this network" % (origin, entry),
            "choose one of %s" % _listed(there) if there else "leave the entry out: the file has no entries",
        )
    return found


def _nothing_fits(
    content: Any, dictionaries: "Sequence[Tuple[Tuple[str, ...], Mapping[Any, Any]]]", shapes: Shapes, origin: str
) -> BadInput:
    tensors = [
        name
        for path, value in dictionaries
        if not _is_optimiser(value)
        for name in sorted(str(key) for key, inner in value.items() if isinstance(inner, StoredTensor))
    ]
    if tensors:
        sentence = of_another_network(shapes, tensors)[0]
        return BadInput("%s does not fit the network: %s" % (origin, sentence), _OWN_CHECKPOINT)
    if any(_is_optimiser(value) for _path, value in dictionaries):
        return BadInput(
            "%s holds the state of an optimiser and no weights" % origin,
            "give the file with the network's weights, which the same program wrote beside it",
        )
    holds = _listed(str(key) for key in content) if isinstance(content, dict) and content else "no dictionary"
    return BadInput("%s does not map names to tensors: it holds %s" % (origin, holds), _OWN_CHECKPOINT)


def _notes(chosen: _Candidate, found: Mapping[str, StoredTensor]) -> Iterator[str]:
    if chosen.entry:
        yield "the weights are those of the checkpoint's entry '%s'" % chosen.entry
    for prefix, why in PREFIXES.items():
        if prefix in chosen.prefix:
            yield "'%s' was left out before the names of its tensors, %s" % (prefix, why)
    others = sorted({tensor.kind for tensor in found.values()} - {"float32", "int64"})
    if others:
        yield "it holds numbers of the type %s, which were written as the network has them" % " and ".join(others)


def _left_out(
    content: Any, chosen: _Candidate, dictionaries: "Sequence[Tuple[Tuple[str, ...], Mapping[Any, Any]]]"
) -> Iterator[str]:
    """Yield a sentence about what else is there: other networks, such as a discriminator, and optimisers' states."""
    networks, optimisers = [], []
    for path, value in dictionaries:
        if path == chosen.path:
            count = sum(1 for name in chosen.tensors if not name.startswith(chosen.prefix))
            if count:
                networks.append("%d tensors beside it" % count)
        elif _is_optimiser(value):
            optimisers.append("'%s'" % ".".join(path))
        else:
            count = sum(isinstance(inner, StoredTensor) for inner in value.values())
            if count:
                networks.append("'%s' (%d %s)" % (".".join(path), count, "tensor" if count == 1 else "tensors"))
    if networks:
        yield "left out, for the network does not use it: %s" % ", ".join(networks[:10])
    if optimisers and any(_is_trained(value) for _path, value in dictionaries if _is_optimiser(value)):
        yield "the optimiser's state was left out: %s" % ", ".join(optimisers[:10])


def _is_trained(optimiser: Mapping[Any, Any]) -> bool:
    return bool(optimiser["state"])


def _listed(names: Any) -> str:
    shown = ["'%s'" % name if name else "its outermost names" for name in list(names)[:10]]
    return ", ".join(shown)
