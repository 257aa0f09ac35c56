"""What becomes of each exported network, as it was last accepted, and the page that is made of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

EXACT = "exact"
NOT_EXPORTED = "not exported: "
OTHER_NETWORK = "; the file answers otherwise than the network"
"""Stands after the state where an exporter wrote a number of its example picture into the graph."""
EXPORTERS = ("torchscript", "dynamo")

_LIKENESS = "-like"
"""How the names of networks end that stand here in place of those of reflection removal."""

_FILE = Path(__file__).parent / "states.json"

_HEAD = """\
# Restoration networks, and which are exact

Made of `tests/infer/zoo`: do not edit. Public architectures of image restoration, of
[spandrel](https://github.com/chaiNNer-org/spandrel) and its extra architectures, small, with random weights, exported
by both exporters of PyTorch 2.13 (`torch.onnx.export` with `dynamo=False` and `dynamo=True`) with free height and
width; and three of the kinds that reflection removal uses, whose names end in `-like`.

**exact**: in tiles of {tile} pixels the picture comes out as from ONNX Runtime untiled, within {of_range:.0e} of its
range; where the two differ by more, float64 says which is right, and the tiles are. Tried at an even and an odd size
where the network takes both. Other states name the first node that keeps the network from being computed in parts, and
why: it runs whole where memory suffices, else in blended tiles, and is labelled so. Where a file answers otherwise than
the network it was exported from, the exporter wrote sizes of its example picture into it.

Of {count} networks of public architectures {exact} are exact from at least one exporter, {both} of them from every
exporter that writes them; of our {ours} likenesses {ours_exact}.

| Network | `dynamo=False` | `dynamo=True` |
| --- | --- | --- |
"""


def accepted() -> dict[str, str]:
    """Return the state of each network by "NAME-EXPORTER"."""
    found: dict[str, str] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def accept(states: Mapping[str, str]) -> None:
    """Write other states for some networks."""
    _FILE.write_text(json.dumps(dict(sorted({**accepted(), **states}.items())), indent=1) + "\n", encoding="utf-8")


def page(tile: int, of_range: float) -> str:
    """Return the page of networks."""
    states = accepted()
    names = sorted({name.rpartition("-")[0] for name in states})
    rows = {name: [states[f"{name}-{exporter}"] for exporter in EXPORTERS] for name in names}
    public = [name for name in names if not name.endswith(_LIKENESS)]
    ours = [name for name in names if name.endswith(_LIKENESS)]
    head = _HEAD.format(
        tile=tile,
        of_range=of_range,
        exact=sum(any(map(_is_exact, rows[name])) for name in public),
        both=sum(_is_exact_wherever_exported(rows[name]) for name in public),
        count=len(public),
        ours=len(ours),
        ours_exact=sum(_is_exact_wherever_exported(rows[name]) for name in ours),
    )
    shown = (f"| {name} | {' | '.join(_shown(one) for one in found)} |\n" for name, found in rows.items())
    return head + "".join(shown)


def _is_exact(state: str) -> bool:
    return state.startswith(EXACT)


def _is_exact_wherever_exported(states: Iterable[str]) -> bool:
    written = [state for state in states if not state.startswith(NOT_EXPORTED)]
    return bool(written) and all(map(_is_exact, written))


def _shown(state: str) -> str:
    return state.replace("|", "\\|").replace(EXACT, f"**{EXACT}**", 1) if state.startswith(EXACT) else state
