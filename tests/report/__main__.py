"""Writes reports to be looked at, plausible, hostile and wide: python -m tests.report FOLDER."""

import sys
from pathlib import Path

from orchestrator.report.render import render_report
from tests.report.hostile_sample import hostile
from tests.report.report_sample import comparison
from tests.report.wide_sample import wide_comparison

if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    plausible = comparison(folder / "plausible-pictures", height=320, width=448)
    wide = wide_comparison(folder / "wide-pictures", height=320, width=448)
    samples = {"plausible": plausible, "hostile": hostile(folder / "hostile-pictures"), "wide": wide}
    for name, content in samples.items():
        sys.stdout.write(f"{render_report(content, folder / name).as_uri()}\n")
