"""What holds around every program that gets hostile input, whatever it answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.guarded import SECRET, GuardedTree, Place
from tests.hostile.programs import Bounds, Ended


def ended_within_guards(tree: GuardedTree, place: Place, bounds: Bounds, run: Callable[[], Ended]) -> Ended:
    """Run a program on what lies at a place; demand that it left all else alone and kept to its bounds.

    Returns:
        How it ended: whether its answer is right is for others to judge.
    """
    before, there = tree.state(), set(_leaks(place.made))
    tree.heard()
    ended = run()
    assert tree.heard() == [], "something that is none of its business was read or changed"
    assert _differences(before, tree.state()) == []
    assert list(place.temporary.iterdir()) == []
    assert set(_leaks(place.made)) == there
    assert SECRET.strip() not in ended.said
    assert not ended.late, ended.said
    assert ended.processor_s < bounds.processor_s, ended
    assert ended.more_bytes < bounds.more_bytes, ended
    tree.clear(place)
    return ended


def _differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [
        f"{name}: {before.get(name)} -> {after.get(name)}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _leaks(folder: Path) -> Iterator[str]:
    """Yield files that hold the decoys' content, and links that lead out."""
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.parent):
            yield f"{path} leads to {path.resolve()}"
        elif path.is_file() and SECRET.encode() in path.read_bytes():
            yield f"{path} holds what lay outside"
