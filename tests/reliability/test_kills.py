"""The short form of `make reliability`."""

import random

import pytest

from tests.reliability.small_stages import Round


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4, 5])
def test_run_that_is_killed_at_random_ends_as_an_undisturbed_one(tmp_path, seed):
    assert Round(tmp_path, random.Random(seed)).play(4) == []
