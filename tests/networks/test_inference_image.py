"""The inference image's own tests, run by its interpreter: predictions, refusals, interruptions."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.environment
def test_inference_passes_its_tests_in_its_own_environment(run_image_tests: Callable[[str], None]) -> None:
    run_image_tests("inference")
