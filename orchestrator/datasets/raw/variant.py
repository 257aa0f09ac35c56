"""Which form of a published dataset was found: told by the number of scenes, their sizes and their files."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.datasets.raw.encode import StoredScene
from orchestrator.spec.published import Variant


@dataclass(frozen=True)
class FoundVariant:
    """A form of a dataset.

    Attributes:
        name: The catalogue's, or None where it knows no such form.
        sizes: In words.
        digest: Of the raw files.
        text: All of it in a sentence.
    """

    name: str | None
    scenes: int
    sizes: str
    digest: str
    text: str


def found_variant(scenes: Sequence[StoredScene], known: Sequence[Variant]) -> FoundVariant:
    """Return which form a dataset has; where several known ones fit, the one that says most."""
    sizes = size_words([(scene.height, scene.width) for scene in scenes])
    digest = raw_digest(scenes)
    short = {min(scene.height, scene.width) for scene in scenes}
    long = {max(scene.height, scene.width) for scene in scenes}
    fitting = [
        variant
        for variant in known
        if variant.scenes == len(scenes)
        and (variant.short_edge is None or short == {variant.short_edge})
        and (variant.long_edge is None or long == {variant.long_edge})
        and (variant.digest is None or digest.startswith(variant.digest))
    ]
    best = max(fitting, key=_telling, default=None)
    count = f"{len(scenes)} scene{'s' if len(scenes) != 1 else ''}, {sizes}"
    if best is None:
        text = f"{count}: a form that the catalogue does not know" if known else count
    else:
        text = f"{count}: {best.name} ({best.origin})"
    return FoundVariant(None if best is None else best.name, len(scenes), sizes, digest, text)


def _telling(variant: Variant) -> int:
    """Return by how many properties a variant is told."""
    return sum(known is not None for known in (variant.digest, variant.short_edge, variant.long_edge))


def size_words(sizes: Iterable[tuple[int, int]]) -> str:
    """Return pictures' sizes (height, width) in words: one size, one short or long edge, or a range."""
    listed = list(sizes)
    if len(set(listed)) == 1:
        return f"{listed[0][0]} x {listed[0][1]}"
    short, long = {min(size) for size in listed}, {max(size) for size in listed}
    if len(short) == 1:
        return f"short edge {min(short)}"
    if len(long) == 1:
        return f"long edge {min(long)}"
    return f"short edge {min(short)} to {max(short)}"


def raw_digest(scenes: Sequence[StoredScene]) -> str:
    """Return the SHA-256 of the lines that sha256sum prints for the raw files, in the order of their names."""
    files = {
        layer.source.rsplit("/", 1)[-1] + "\0" + layer.source: layer
        for scene in scenes
        for layer in scene.layers.values()
    }
    lines = [f"{layer.source_sha256}  {layer.source.rsplit('/', 1)[-1]}\n" for _, layer in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
