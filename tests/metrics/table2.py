"""The pictures of CEILNet's table 2, where they lie beside the repository; they are others' and are never copied."""

import os
from pathlib import Path

import pytest

from orchestrator.metrics.pictures import ScoredPicture
from tests.conftest import OPTIONAL, ROOT

FOLDER = Path(os.environ.get("SIRR_TEST_TABLE2", ROOT.parent / "shared" / "ceilnet_table2"))


def table2_comparisons() -> tuple[ScoredPicture, ...]:
    """Return the unprocessed input against the truth, 100 times; skips where the pictures are absent."""
    found = sorted(FOLDER.glob("*-input.png"))
    if not found:
        pytest.skip(f"{OPTIONAL}the pictures of CEILNet's table 2 are not in {FOLDER}")
    identifiers = [path.name.removesuffix("-input.png") for path in found]
    return tuple(
        ScoredPicture(name, path, FOLDER / f"{name}-label1.png") for name, path in zip(identifiers, found, strict=True)
    )
