"""IBCLN's own tests, run by the interpreter of its image: parity, losses, export, training that is interrupted."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.environment
def test_ibcln2020_passes_its_tests_in_its_own_environment(run_image_tests: Callable[[str], None]) -> None:
    run_image_tests("ibcln2020")
