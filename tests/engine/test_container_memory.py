"""What a container holds, from the statistics that engines give."""

import pytest

from orchestrator.engine.container_state import container_bytes


@pytest.mark.parametrize(
    ("stats", "held"),
    [
        pytest.param({"memory_stats": {"usage": 900, "stats": {"inactive_file": 300}}}, 600, id="cgroup-2"),
        pytest.param({"memory_stats": {"usage": 900, "stats": {"total_inactive_file": 200}}}, 700, id="cgroup-1"),
        pytest.param({"memory_stats": {"usage": 900}}, 900, id="no-details"),
        pytest.param({"memory_stats": {"usage": 200, "stats": {"inactive_file": 300}}}, 200, id="files-above-usage"),
        pytest.param({"memory_stats": {}}, None, id="ended"),
        pytest.param({}, None, id="says-nothing"),
    ],
)
def test_files_that_the_kernel_would_let_go_are_not_counted(stats, held):
    assert container_bytes(stats) == held
