"""Writes a plausible report and one full of hostile text, to be looked at: python -m tests.report FOLDER."""

import sys
from pathlib import Path

from orchestrator.report.render import render_report
from tests.report.hostile_sample import hostile
from tests.report.report_sample import comparison

if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    plausible = comparison(folder / "plausible-pictures", height=320, width=448)
    for name, content in (("plausible", plausible), ("hostile", hostile(folder / "hostile-pictures"))):
        sys.stdout.write(f"{render_report(content, folder / name).as_uri()}\n")
