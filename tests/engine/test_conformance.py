"""What holds for every engine, run against Docker, local processes in and out of walls, and the fake."""

import pytest

from orchestrator.conformance.engines import ENGINE_CHECKS
from tests.engine.conftest import make_bench


@pytest.fixture(params=["fake", "local", pytest.param("docker", marks=pytest.mark.docker)])
def bench(request, tmp_path):
    bench = make_bench(request.param, request, tmp_path / "stages", tmp_path / "outside")
    yield bench
    bench.clear()


@pytest.mark.parametrize("check", ENGINE_CHECKS, ids=lambda check: check.__name__)
def test_engine_conforms(bench, check):
    check(bench)


def test_engine_in_bubblewrap_conforms_where_walls_count(request, outside):
    bench = make_bench("bubblewrap", request, outside / "stages", outside / "inputs")
    for check in ENGINE_CHECKS:
        if "isolates" in check.__name__ or "inputs" in check.__name__:
            check(bench)
            bench.clear()
