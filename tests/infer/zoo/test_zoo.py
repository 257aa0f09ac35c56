"""Public architectures: each is exact and right, or refused with the reason that the page of networks gives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.infer.zoo.states import EXACT, NOT_EXPORTED, OTHER_NETWORK, accept, accepted, page
from tests.infer.zoo.trial import FAR_OFF, OF_RANGE, TILE, comparisons, state

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "networks.md"
ACCEPT = bool(os.environ.get("SIRR_ACCEPT_GOLDEN"))
HOW = "look at the difference; then run: SIRR_ACCEPT_GOLDEN=1 pytest tests/infer/zoo"
environment = pytest.mark.environment


@environment
def test_every_network_has_a_state(exports: Mapping[str, str]) -> None:
    files = {name: error for name, error in exports.items() if not name.endswith("-double")}
    assert not [error for name, error in exports.items() if name.endswith("-double") and error]
    not_exported = {name: f"{NOT_EXPORTED}{error.splitlines()[0][:150]}" for name, error in files.items() if error}
    if ACCEPT:
        accept({**dict.fromkeys(files, "not tried"), **accepted(), **not_exported})
    assert accepted().keys() == files.keys(), HOW
    assert {name: said for name, said in accepted().items() if said.startswith(NOT_EXPORTED)} == not_exported, HOW


@environment
@pytest.mark.parametrize("name", [name for name, said in accepted().items() if not said.startswith(NOT_EXPORTED)])
def test_a_network_is_exact_or_refused_as_the_page_says(zoo: Path, name: str) -> None:
    network, answers = zoo / f"{name}.onnx", zoo / f"{name.rpartition('-')[0]}.npz"
    found = state(network, answers)
    if found == EXACT:
        compared = list(comparisons(network, answers))
        assert all(one.holds for one in compared), compared
        found += OTHER_NETWORK * any(one.untiled_double > FAR_OFF for one in compared)
    if ACCEPT:
        accept({name: found})
    assert found == accepted()[name], HOW


def test_the_page_of_networks_is_current() -> None:
    if ACCEPT:
        PAGE.write_text(page(TILE, OF_RANGE), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(TILE, OF_RANGE), HOW
