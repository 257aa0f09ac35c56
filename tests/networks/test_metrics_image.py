"""The metrics program's own tests, run by the interpreter of its image: LPIPS, features, both stages."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.environment
def test_metrics_passes_its_tests_in_its_own_environment(run_image_tests: Callable[[str], None]) -> None:
    run_image_tests("metrics")
