"""What becomes of each exported network, as it was last accepted, and the page that is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

EXACT = "exact"
NOT_EXPORTED = "not exported: "
OTHER_NETWORK = "; the file answers otherwise than the network"
"""Stands after the state where an exporter wrote a number of its example picture into the graph."""
EXPORTERS = ("torchscript", "dynamo")

_FILE = Path(__file__).parent / "states.json"

_HEAD = """\
# Networks that nobody here wrote

Made of `tests/infer/zoo`: do not edit. Public architectures of image restoration, of
[spandrel](https://github.com/chaiNNer-org/spandrel) and its extra architectures, small, with random weights, exported
by both exporters of PyTorch 2.13 (`torch.onnx.export` with `dynamo=False` and `dynamo=True`) with free height and
width; and three of the kinds that reflection removal uses, whose names end in `-like`.

**exact**: in tiles of {tile} pixels the picture comes out as from ONNX Runtime untiled, within {of_range:.0e} of its
range; where the two differ by more, float64 says which is right, and the tiles are. Tried at an even and an odd size
where the network takes both. Other states name the first node that keeps the network from being computed in parts, and
why: it runs whole where memory suffices, else in blended tiles, and is labelled so. Where a file answers otherwise than
the network it was exported from, the exporter wrote sizes of its example picture into it.

{exact} of {count} networks are exact from at least one exporter, {both} of them from every exporter that writes them.

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
    written = {name: [state for state in found if not state.startswith(NOT_EXPORTED)] for name, found in rows.items()}
    head = _HEAD.format(
        tile=tile,
        of_range=of_range,
        exact=sum(any(one.startswith(EXACT) for one in found) for found in written.values()),
        both=sum(bool(found) and all(one.startswith(EXACT) for one in found) for found in written.values()),
        count=len(names),
    )
    shown = (f"| {name} | {' | '.join(_shown(one) for one in found)} |\n" for name, found in rows.items())
    return head + "".join(shown)


def _shown(state: str) -> str:
    return state.replace("|", "\\|").replace(EXACT, f"**{EXACT}**", 1) if state.startswith(EXACT) else state
