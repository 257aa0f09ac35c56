"""Specs that hold more than an experiment: programs, files of others, and values without end."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.hostile.guarded import Place
from tests.hostile.row import USAGE, Arguments, Row

GOOD = (
    "name: first\nmodels: [ibcln2020]\ntrain: skimage-train\ntest: [skimage-test]\nfeatures: random\nmetrics: [psnr]\n"
)
_SPEC = ("spec-invalid",)


def planned(content: bytes, place: Place) -> Arguments:
    """Write a spec, and plan it."""
    (place.given / "spec.yaml").write_bytes(content)
    return ["plan", place.given / "spec.yaml", "--store", place.made / "store"]


def put(make: Callable[[Path], None], place: Place) -> Arguments:
    """Put something else in a spec's place, and plan it."""
    make(place.given / "spec.yaml")
    return ["plan", place.given / "spec.yaml", "--store", place.made / "store"]


def multiplied(levels: int, width: int) -> str:
    """Return lines whose aliases stand for width ** levels values."""
    lines = [f"l0: &l0 [{', '.join('x' * width)}]"]
    lines += [f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines)


TEXTS: dict[str, tuple[str, str, str]] = {
    "aliases": ("stand for a thousand million values", GOOD + multiplied(9, 10), "values, with its aliases"),
    "nesting": ("be nested a hundred thousand deep", GOOD + "note: " + "[" * 100_000, "nested more than"),
    "own-alias": ("hold itself", GOOD + "note: &a [*a]", "nested|itself|recursive|undefined alias|text"),
    "merge": ("merge itself", GOOD + "a: &a\n  <<: *a\n", "merge|alias|mapping|nested|undefined|unknown"),
    "object": ("make an object", GOOD + "note: !!python/object/apply:os.mkdir ['../decoys/made']", "tag|python"),
    "class": ("name a class", GOOD + "note: !!python/name:os.system", "tag|python"),
    "own-tag": ("bring a tag of its own", GOOD + "note: !run ['touch', 'x']", "tag"),
    "budget": ("ask for endless memory", GOOD + "memory: 1e999GiB\n", "memory"),
    "epochs": ("train for ever", GOOD.replace("[ibcln2020]", "[{model: ibcln2020, recipe: {epochs: .inf}}]"), "epochs"),
    "seed": ("have a seed of a thousand digits", GOOD + f"seed: {'9' * 1000}\n", "seed"),
    "digits": ("have a number that takes hours to read", GOOD + f"seed: 1e{'9' * 200}\n", "seed"),
    "name-outside": ("be a run outside the store", GOOD.replace("name: first", "name: ../../decoys"), "name"),
    "name-absolute": ("be a run at the root", GOOD.replace("name: first", "name: /decoys"), "name"),
    "name-escape": ("speak to the terminal by its name", GOOD.replace("name: first", 'name: "a\\e[2J"'), "name"),
    "key-escape": ("speak to the terminal by a field", GOOD + '"a\\e[31mb": 1\n', "unknown|extra|not permitted|a"),
    "model-outside": ("take a model spec of elsewhere", GOOD.replace("ibcln2020", "../../decoys/decoy"), "model"),
    "dataset-outside": ("take a dataset of elsewhere", GOOD.replace("skimage-test", "../decoys"), "dataset|test"),
    "folder-device": (
        "read a device for ever",
        GOOD + "datasets: {skimage-train: {kind: photos, folder: /dev/zero}}\n",
        "skimage-train|/dev/zero|folder",
    ),
    "checkpoint-device": (
        "adopt a device that never ends",
        GOOD.replace("[ibcln2020]", "[{model: ibcln2020, weights: {checkpoint: /dev/zero}}]"),
        "/dev/zero",
    ),
    "twice": ("say a field twice", GOOD + "name: second\n", "twice|duplicate"),
    "nul": ("hold a zero byte", GOOD + "note: a\0b\n", "special characters|control|not allowed|unacceptable"),
}


def rows() -> Iterator[Row]:
    """Yield specs that lie or never end."""
    for word, (tried, text, said) in TEXTS.items():
        yield Row(f"spec-{word}", tried, "plan", partial(planned, text.encode()), said, _SPEC)
    yield Row(
        "spec-no-text", "be no text", "plan", partial(planned, b"\xff\xfe\0" * 50), "UTF-8|special|text|read", _SPEC
    )
    yield Row(
        "spec-zeros", "be zeros", "plan", partial(planned, bytes(5000)), "special|control|empty|read|not allowed", _SPEC
    )
    yield Row("spec-large", "be 64 MiB of one word", "plan", partial(planned, b"a" * 2**26), "", _SPEC)
    others: dict[str, tuple[str, Callable[[Path], None], tuple[str, ...]]] = {
        "pipe": ("be a pipe that nobody writes to", os.mkfifo, _SPEC),
        "device": ("be a device that never ends", lambda path: path.symlink_to("/dev/zero"), _SPEC),
        "folder": ("be a folder", Path.mkdir, USAGE),
        "loop": ("be a link to itself", lambda path: path.symlink_to(path), _SPEC),
    }
    for word, (tried, make, codes) in others.items():
        yield Row(f"spec-{word}", tried, "plan", partial(put, make), "spec", codes)
