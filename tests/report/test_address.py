"""Where a report keeps its files."""

import re

import pytest

from orchestrator.report.address import spec_path


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("first.yaml", r"spec/first\.yaml"),
        ("mein vergleich.yaml", r"spec/mein_vergleich-[0-9a-f]{8}\.yaml"),
        ("First.YML", r"spec/First-[0-9a-f]{8}\.YML"),
        ("odd.y ml", r"spec/odd\.y_ml"),
        ("", r"spec/experiment\.yaml"),
    ],
)
def test_an_experiments_file_keeps_its_ending(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, str(spec_path(name)))
