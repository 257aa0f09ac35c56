"""Slurm is held to what holds for every engine, on a real cluster."""

import pytest

from orchestrator.conformance.engines import ENGINE_CHECKS

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


@pytest.mark.parametrize("check", ENGINE_CHECKS, ids=lambda check: check.__name__)
def test_slurm_conforms(bench, check):
    check(bench)
